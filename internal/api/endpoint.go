package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/app/stale"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

const (
	maxManyBody    = 1 << 20
	maxIdempotency = 128
)

// endpoint is one thing that the vendor's programs can ask for with a secret
// token: what answers it, and all that its description needs.
type endpoint struct {
	id, method, path, tag string
	summary, description  string
	permission            account.Permission
	versioned             bool // it changes a record that has a version: If-Match
	asks                  bool // a POST that changes nothing
	created               bool // it answers 201
	params                []param

	in, out reflect.Type // of the bodies; nil is none
	answer  func(*API, *asked) (any, error)
}

func (e endpoint) pattern() string { return e.method + " " + e.path }

// writes reports whether it changes something, so that a repetition must be
// told from a second wish.
func (e endpoint) writes() bool { return e.method != http.MethodGet && !e.asks }

// asked is one request to an endpoint.
type asked struct {
	ctx     context.Context
	actor   account.Actor
	request *http.Request
	query   map[string]string
	version int64 // of If-Match
	after   id.ID
	limit   int
	reader  *bodyReader
}

// id returns an id of the path. What is no id is not found.
func (q *asked) id(name, what string) (id.ID, error) {
	wanted, err := id.Parse(q.request.PathValue(name))
	if err != nil {
		return "", fault.Missing(what)
	}
	return wanted, nil
}

// versioned is a record whose answer has an ETag.
type versioned interface{ etag() int64 }

// vendor answers an endpoint.
func (a *API) vendor(e endpoint, registry huma.Registry) func(http.ResponseWriter, *http.Request) error {
	var reader *bodyReader
	if e.in != nil {
		reader = newBodyReader(registry, e.in, maxManyBody)
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		q := &asked{ctx: r.Context(), actor: actorOf(r.Context()), request: r, reader: reader}
		if err := q.readHead(e); err != nil {
			return err
		}
		out, err := e.answer(a, q)
		if err != nil {
			return err
		}
		if v, ok := out.(versioned); ok {
			w.Header().Set("ETag", etag(v.etag()))
		}
		if e.created {
			return writeStatus(w, http.StatusCreated, out)
		}
		return writeStatus(w, http.StatusOK, out)
	}
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// readHead reads everything but the body.
func (q *asked) readHead(e endpoint) error {
	var err error
	if q.query, err = readQuery(q.request, e.params); err != nil {
		return err
	}
	if e.versioned {
		return q.readVersion()
	}
	return nil
}

// readVersion reads which version of the record the change was decided on.
func (q *asked) readVersion() error {
	values := q.request.Header.Values("If-Match")
	if len(values) == 0 {
		return fault.New(fault.Invalid, httpx.CodePreconditionRequired, "This change needs the version of the record that it was decided on.").
			WithNext("Read the record and send its ETag back as If-Match.")
	}
	text, quoted := strings.CutPrefix(strings.TrimSuffix(values[0], `"`), `"`)
	version, err := strconv.ParseInt(text, 10, 64)
	if len(values) > 1 || !quoted || err != nil || version < 1 || etag(version) != values[0] {
		return fault.New(fault.Conflict, license.CodeStale, "No version of the record has this ETag.").
			WithNext("Read the record again and send its ETag back as If-Match.")
	}
	q.version = version
	q.ctx = stale.With(q.ctx, version)
	return nil
}

// once says in the context which request this is, if it has a key.
func (q *asked) once(value any) error {
	values := q.request.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil
	}
	key := values[0]
	unfit := strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })
	if len(values) > 1 || key == "" || len(key) > maxIdempotency || unfit {
		return fault.New(fault.Invalid, "invalid_input", "The Idempotency-Key cannot be used.").
			WithField("Idempotency-Key", "Send one of at most 128 printable ASCII characters.")
	}
	body, err := json.Marshal(value) // as every program would write it
	if err != nil {
		return err
	}
	print := sha256.Sum256(body)
	scope := strings.Join([]string{string(q.actor.ID), q.request.Method, q.request.URL.Path}, "|")
	q.ctx = once.With(q.ctx, once.Request{Scope: scope, Key: key, Print: print[:]})
	return nil
}

// fetch is an endpoint that reads one thing.
func fetch[Out any](e endpoint, do func(*API, *asked) (Out, error)) endpoint {
	e.method, e.out = http.MethodGet, reflect.TypeFor[Out]()
	e.answer = func(a *API, q *asked) (any, error) { return do(a, q) }
	return e
}

// call is an endpoint that takes a body.
func call[In, Out any](e endpoint, do func(*API, *asked, In) (Out, error)) endpoint {
	if e.method == "" {
		e.method = http.MethodPost
	}
	e.in, e.out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	e.answer = func(a *API, q *asked) (any, error) {
		var in In
		value, err := q.reader.read(q.request, &in)
		if err != nil {
			return nil, err
		}
		if e.writes() {
			if err := q.once(value); err != nil {
				return nil, err
			}
		}
		return do(a, q, in)
	}
	return e
}

// change is an endpoint that changes or makes one record: do returns its id,
// and show reads the answer, for a repetition too.
func change[In, Out any](e endpoint, do func(*API, *asked, In) (id.ID, error), show func(*API, *asked, id.ID) (Out, error)) endpoint {
	return call(e, func(a *API, q *asked, in In) (Out, error) {
		made, err := do(a, q, in)
		was, again := once.Result(err)
		if again {
			made, err = was, nil
		}
		if err != nil {
			var none Out
			return none, err
		}
		out, err := show(a, q, made)
		if again && fault.Is(err, fault.NotFound) {
			err = fault.New(fault.Conflict, "idempotency_outlived", "This Idempotency-Key was used, and what it made is gone.").
				WithNext("Use a new key to ask again.")
		}
		return out, err
	})
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Send it as after to go on. Without it, this is the end for now."`
}

// list is an endpoint that reads a list by its key: do returns at most one row
// more than q.limit, which only says that there are more.
func list[T any](e endpoint, do func(*API, *asked) ([]T, error), key func(T) string) endpoint {
	e.params = append([]param{
		{name: "limit", doc: "How many entries to return, 1 to 100. Without it, 50.", number: maxRows},
		{name: "after", doc: "The next of the page before. Without it, the list begins.", format: "uuid"},
	}, e.params...)
	return fetch(e, func(a *API, q *asked) (Page[T], error) {
		q.limit, q.after = q.number("limit", usualRows), q.filter("after")
		rows, err := do(a, q)
		page := Page[T]{Items: rows[:min(len(rows), q.limit)]}
		if len(rows) > q.limit {
			page.Next = key(rows[q.limit-1])
		}
		if page.Items == nil {
			page.Items = []T{}
		}
		return page, err
	})
}

// part is the part of a short list that q asks for, without those that it does
// not want.
func part[T any](q *asked, all []T, key func(T) string, wanted func(T) bool) []T {
	if at := slices.IndexFunc(all, func(one T) bool { return key(one) == string(q.after) }); q.after != "" {
		all = all[at+1:]
	}
	var some []T
	for _, one := range all {
		if len(some) <= q.limit && wanted(one) {
			some = append(some, one)
		}
	}
	return some
}

// remove is an endpoint that takes one thing away and answers its id.
func remove(e endpoint, do func(*API, *asked) (id.ID, error)) endpoint {
	e.method, e.out = http.MethodDelete, reflect.TypeFor[Done]()
	e.answer = func(a *API, q *asked) (any, error) {
		if err := q.once(nil); err != nil {
			return nil, err
		}
		gone, err := do(a, q)
		if was, again := once.Result(err); again {
			gone, err = was, nil
		}
		return Done{ID: string(gone)}, err
	}
	return e
}

// unlessDone drops the news that the request was done before.
func unlessDone(err error) error {
	if _, again := once.Result(err); again {
		return nil
	}
	return err
}
