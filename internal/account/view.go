package account

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

// Bounds of the views that a person keeps.
const (
	MaxViews     = 20  // of one list
	MaxViewName  = 60  // characters
	MaxViewQuery = 512 // bytes
)

// viewSearch is how many letters and digits of a search a view keeps at most:
// more could be a key.
const viewSearch = 12

// View is what a list was narrowed to and how it was ordered, kept under a name
// by one person, in one customer.
type View struct {
	ID        id.ID
	List      string
	Name      string
	Query     string // of the list's address
	CreatedAt time.Time
}

// Check returns v tidied, or which of its fields is wrong and why.
func (v View) Check() (View, *fault.Error) {
	var problems fault.Problems
	v.Name = strings.Join(strings.Fields(v.Name), " ")
	switch {
	case v.Name == "":
		problems.Add("name", "Enter a name.")
	case utf8.RuneCountInString(v.Name) > MaxViewName:
		problems.Add("name", "Shorten it: it has at most 60 characters.")
	case !utf8.ValidString(v.Name), strings.ContainsFunc(v.Name, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }):
		problems.Add("name", "Remove control and invisible characters.")
	}
	if !keepable(v.Query) || v.List == "" || len(v.List) > 20 {
		problems.Add("query", "This list cannot be kept. Open it again and save it from there.")
	}
	return v, problems.Err()
}

// keepable reports whether an address may be kept: a short one that holds no key.
func keepable(query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil || len(query) > MaxViewQuery {
		return false
	}
	return !slices.ContainsFunc(values["q"], func(search string) bool { return utf8.RuneCountInString(id.Fold(search)) > viewSearch })
}
