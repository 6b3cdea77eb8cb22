package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

const (
	maxRows     = 100
	usualRows   = 50
	maxQueryLen = 1024
)

// param is a parameter of a query.
type param struct {
	name, doc string
	enum      []string
	format    string // "uuid": an id
	number    int    // > 0: a whole number from 1 to this
	cursor    bool   // a place in the order of events
}

func (p param) schema() *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Format: p.format}
	for _, v := range p.enum {
		s.Enum = append(s.Enum, v)
	}
	if p.number > 0 {
		least, most := 1.0, float64(p.number)
		s.Type, s.Minimum, s.Maximum = huma.TypeInteger, &least, &most
	}
	return s
}

// problem says what is wrong with a value, if anything.
func (p param) problem(value string) string {
	switch {
	case p.enum != nil && !slices.Contains(p.enum, value):
		return "Use one of " + strings.Join(p.enum, ", ") + "."
	case p.format == "uuid" && !isID(value):
		return "Use an id as this API gives them out."
	case p.number > 0 && !within(value, p.number):
		return "Use a whole number from 1 to " + strconv.Itoa(p.number) + "."
	case p.cursor && !isPlace(value):
		return "Use the next of an answer."
	}
	return ""
}

func isPlace(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n >= 0
}

func isID(text string) bool {
	_, err := id.Parse(text)
	return err == nil
}

func within(text string, most int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1 && n <= most
}

// readQuery returns the parameters of a query. Unknown ones are named, and so
// are those sent twice: of a filter that is not applied nobody would know.
func readQuery(r *http.Request, known []param) (map[string]string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQueryLen {
		return nil, fault.New(fault.Invalid, "invalid_input", "The query of the address cannot be read.")
	}
	var p fault.Problems
	read := make(map[string]string, len(values))
	for _, one := range known {
		if !values.Has(one.name) {
			continue
		}
		read[one.name] = values.Get(one.name)
		if wrong := one.problem(read[one.name]); wrong != "" || len(values[one.name]) > 1 {
			p.Add(one.name, strings.TrimSpace(wrong+" Send it once."))
		}
		delete(values, one.name)
	}
	for name := range values {
		p.Add(shown(name), "Remove this parameter: it is not known here.")
	}
	if f := p.Err(); f != nil {
		return nil, worded(f)
	}
	return read, nil
}

// number is a parameter that counts; without it, otherwise.
func (q *asked) number(name string, otherwise int) int {
	n, err := strconv.Atoi(q.query[name])
	if err != nil {
		return otherwise
	}
	return n
}

// yesNo are the values of a parameter that asks whether.
func yesNo() []string { return []string{"true", "false"} }

// yesNo is a parameter that asks whether, or nil.
func (q *asked) yesNo(name string) *bool {
	is, err := strconv.ParseBool(q.query[name])
	if err != nil {
		return nil
	}
	return &is
}

// wants reports whether something that is so, or not, is asked for.
func (q *asked) wants(name string, is bool) bool {
	asked := q.query[name]
	return asked == "" || asked == strconv.FormatBool(is)
}

// filter is a parameter that names a record, or "".
func (q *asked) filter(name string) id.ID { return id.ID(q.query[name]) }
