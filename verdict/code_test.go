package verdict_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/verdict"
)

// C-LCY-08: one list of codes, each in words for each reader.
func TestEveryCodeIsDescribed(t *testing.T) {
	codes := verdict.Codes()
	if len(codes) != 21 {
		t.Errorf("%d checks", len(codes))
	}
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	titles := map[string]bool{}
	for _, code := range append(codes, verdict.Valid) {
		w := verdict.Describe(code)
		if !snake.MatchString(string(code)) {
			t.Errorf("%q is not a stable name", code)
		}
		if n := len(strings.Fields(w.Title)); n < 1 || n > 5 || w.Title == string(code) || titles[w.Title] {
			t.Errorf("%s: title %q", code, w.Title)
		}
		titles[w.Title] = true
		for _, sentence := range []string{w.Customer, w.Developer} {
			if !strings.HasSuffix(sentence, ".") || strings.TrimSpace(sentence) != sentence || len(strings.Fields(sentence)) < 3 {
				t.Errorf("%s: %q is not a sentence", code, sentence)
			}
		}
		if strings.Contains(w.Customer, "_") || strings.Contains(w.Customer, "device.") {
			t.Errorf("%s tells a customer %q", code, w.Customer)
		}
	}
}

// P-LICD-07, P-LICD-08: these two titles are promised to the letter.
func TestPromisedTitles(t *testing.T) {
	if got := verdict.Describe(verdict.LimitReached).Title; got != "Activation limit reached" {
		t.Errorf("limit_reached reads %q", got)
	}
	if got := verdict.Describe(verdict.Expired).Title; got != "License expired" {
		t.Errorf("expired reads %q", got)
	}
}

func TestCodesAreInOrderAndOnce(t *testing.T) {
	want := []verdict.Code{"key_unknown", "blocked", "environment_mismatch", "product_mismatch", "product_inactive", "not_assigned",
		"revoked", "expired", "suspended", "not_started", "version_not_eligible", "feature_missing", "identifier_required",
		"identifier_kind", "not_activated", "seat_lapsed", "limit_reached", "activation_paused", "clock_skew",
		"release_not_available", "offline_not_allowed"}
	if got := verdict.Codes(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	verdict.Codes()[0] = "changed"
	if verdict.Codes()[0] != verdict.KeyUnknown {
		t.Error("a caller can change the list")
	}
}

func TestUnknownCodeDescribesItself(t *testing.T) {
	if got := verdict.Describe("from_a_newer_server"); got.Title != "from_a_newer_server" || got.Customer == "" || got.Developer == "" {
		t.Errorf("got %+v", got)
	}
}
