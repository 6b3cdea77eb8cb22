package licensing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// refusedAs fails the test unless err is a fault of this kind and code.
func refusedAs(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	f := fault.From(err)
	if f == nil || f.Kind != kind || f.Code != code {
		t.Fatalf("got %v, want %s %q", err, kind, code)
	}
}

// equal fails the test unless got is want.
func equal[T any](t testing.TB, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// failing lists the codes of the checks that failed.
func failing(v verdict.Verdict) []verdict.Code {
	var codes []verdict.Code
	for _, c := range v.Failing() {
		codes = append(codes, c.Code)
	}
	return codes
}

// types are the events expected of a license, oldest first.
func types(list ...event.Type) []event.Type { return list }

func ids(list []license.Owned) []string {
	var names []string
	for _, o := range list {
		names = append(names, string(o.License.ID))
	}
	return names
}
