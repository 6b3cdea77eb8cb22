package ui_test

import (
	"testing"
	"time"
	_ "time/tzdata" // machines may have none

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/ui"
)

func TestRelative(t *testing.T) {
	const day = 24 * time.Hour
	cases := map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", -59 * time.Second: "just now",
		time.Minute: "1 minute ago", 59*time.Minute + 59*time.Second: "59 minutes ago",
		time.Hour: "1 hour ago", day - time.Second: "23 hours ago",
		day: "1 day ago", 60 * day: "60 days ago", 61 * day: "2 months ago", 364 * day: "11 months ago",
		731 * day: "2 years ago", 4000 * day: "10 years ago",
		-5 * time.Minute: "in 5 minutes", -5 * day: "in 5 days", -100 * day: "in 3 months",
	}
	for ago, want := range cases {
		if got := ui.Relative(now.Add(-ago), now); got != want {
			t.Errorf("%v: got %q, want %q", ago, got, want)
		}
	}
}

func TestWhen(t *testing.T) { // P-NAV-07
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	page := ui.Page{Now: now, Zone: berlin}
	at := time.Date(2026, 6, 30, 22, 30, 0, 0, time.UTC)
	t.Run("a day is the reader's day", func(t *testing.T) {
		want := ui.When{Text: "1 Jul 2026", Exact: "1 Jul 2026, 00:30 CEST", ISO: "2026-06-30T22:30:00Z"}
		if diff := cmp.Diff(want, page.Date(at)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("no instant is never", func(t *testing.T) {
		want := ui.When{Text: "Never"}
		if diff := cmp.Diff([]ui.When{want, want}, []ui.When{page.Date(time.Time{}), page.Since(time.Time{})}); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a zone without a name shows its offset as one", func(t *testing.T) {
		if got, want := ui.Exact(at, time.FixedZone("-03", -3*3600)), "30 Jun 2026, 19:30 UTC-03:00"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("without a zone it is UTC", func(t *testing.T) {
		if got, want := (ui.Page{}).Exact(at), "30 Jun 2026, 22:30 UTC"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
