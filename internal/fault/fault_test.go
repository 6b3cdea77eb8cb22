package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
)

func TestError(t *testing.T) {
	cause := errors.New("SELECT secret FROM vault")

	t.Run("zero value is our own fault", func(t *testing.T) {
		if got := (&fault.Error{}).Kind; got != fault.Internal {
			t.Errorf("Kind = %v, want Internal", got)
		}
	})
	t.Run("cause is for the log and stays out of what is shown", func(t *testing.T) {
		e := fault.Wrap(fault.Conflict, "taken", "This name is taken.", cause).WithField("name", "Choose another name.")
		if want := "taken: This name is taken. [name: Choose another name.]: SELECT secret FROM vault"; e.Error() != want {
			t.Errorf("Error() = %q, want %q", e.Error(), want)
		}
		if shown := fmt.Sprint(e.Code, e.Message, e.Fields, e.Next); strings.Contains(shown, "SELECT") {
			t.Errorf("shown part contains the cause: %q", shown)
		}
		if !errors.Is(e, cause) {
			t.Error("the cause is not reachable with errors.Is")
		}
	})
	t.Run("With methods leave the original as it was", func(t *testing.T) {
		base := fault.New(fault.Invalid, "bad", "Bad.").WithField("a", "1")
		one := base.WithField("b", "2")
		two := base.WithField("c", "3").WithNext("Do it.").WithRetryAfter(time.Minute)
		if diff := cmp.Diff([]fault.Field{{Name: "a", Message: "1"}}, base.Fields); diff != "" {
			t.Errorf("base changed (-want +got):\n%s", diff)
		}
		if one.Fields[1].Name != "b" || two.Fields[1].Name != "c" {
			t.Errorf("copies share fields: %v, %v", one.Fields, two.Fields)
		}
		if two.Next != "Do it." || two.RetryAfter != time.Minute || base.Next != "" || base.RetryAfter != 0 {
			t.Errorf("two = %+v, base = %+v", two, base)
		}
	})
	t.Run("missing says the same for unknown and foreign", func(t *testing.T) {
		e := fault.Missing("license")
		if e.Kind != fault.NotFound || e.Code != "not_found" || e.Message != "We could not find this license." {
			t.Errorf("Missing = %+v", e)
		}
	})
}

func TestFrom(t *testing.T) {
	inner := fault.New(fault.Conflict, "inner", "Inner.")
	outer := fault.Wrap(fault.Forbidden, "outer", "Outer.", inner)

	tests := []struct {
		name string
		err  error
		kind fault.Kind
		code string
	}{
		{"a fault is itself", inner, fault.Conflict, "inner"},
		{"a wrapped fault is found", fmt.Errorf("load: %w", inner), fault.Conflict, "inner"},
		{"the outermost fault wins", fmt.Errorf("load: %w", outer), fault.Forbidden, "outer"},
		{"a joined fault is found", errors.Join(errors.New("x"), inner), fault.Conflict, "inner"},
		{"a deadline is unavailable", fmt.Errorf("query: %w", context.DeadlineExceeded), fault.Unavailable, "timed_out"},
		{"an interruption is unavailable", fmt.Errorf("query: %w", context.Canceled), fault.Unavailable, "interrupted"},
		{"anything else is internal", errors.New("pq: syntax error"), fault.Internal, "internal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := fault.From(tt.err)
			if got.Kind != tt.kind || got.Code != tt.code {
				t.Errorf("From = %v %q, want %v %q", got.Kind, got.Code, tt.kind, tt.code)
			}
			if !errors.Is(tt.err, got) && !errors.Is(got, tt.err) {
				t.Error("the original error is lost")
			}
			if !fault.Is(tt.err, tt.kind) {
				t.Errorf("Is(err, %v) = false", tt.kind)
			}
		})
	}
	t.Run("the sentence of an unknown error is fixed", func(t *testing.T) {
		got := fault.From(errors.New("pq: duplicate key"))
		if strings.Contains(got.Message, "pq") || got.Message == "" {
			t.Errorf("Message = %q", got.Message)
		}
	})
	t.Run("no error is no fault", func(t *testing.T) {
		if fault.From(nil) != nil || fault.Is(nil, fault.Internal) {
			t.Error("nil became a fault")
		}
	})
}

func TestNilPointerInAnInterfaceIsNoFault(t *testing.T) {
	var p fault.Problems
	check := func() error { return p.Err() }
	if fault.From(check()) != nil || fault.Is(check(), fault.Invalid) || fault.Is(check(), fault.Internal) {
		t.Error("a nil *Error became a fault")
	}
}

func TestProblems(t *testing.T) {
	t.Run("none is nil", func(t *testing.T) {
		var p fault.Problems
		if err := p.Err(); err != nil {
			t.Errorf("Err = %v, want nil", err)
		}
	})
	t.Run("all are reported at once and in order", func(t *testing.T) {
		var p fault.Problems
		p.Add("email", "Enter an address such as ada@example.com.")
		p.Add("password", "Enter your password.")
		got := p.Err()
		want := &fault.Error{
			Kind: fault.Invalid, Code: "invalid_input", Message: "Some of what you entered needs a correction.",
			Fields: []fault.Field{
				{Name: "email", Message: "Enter an address such as ada@example.com."},
				{Name: "password", Message: "Enter your password."},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Err (-want +got):\n%s", diff)
		}
		p.Add("name", "Enter a name.")
		if len(got.Fields) != 2 {
			t.Error("a later Add changed an error already returned")
		}
	})
}

func TestKindString(t *testing.T) {
	seen := map[string]bool{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d has the empty or repeated name %q", int(k), name)
		} else {
			seen[name] = true
		}
	}
	for _, k := range []fault.Kind{-1, fault.Unavailable + 1} {
		if k.String() != "internal" {
			t.Errorf("unknown kind %d is %q, want internal", int(k), k)
		}
	}
}
