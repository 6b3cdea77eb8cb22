package ui

import (
	"fmt"
	"strings"
	"time"
)

// When is an instant for people: a short text, with the exact time shown on hover and focus.
// Template "when" draws it.
type When struct {
	Text  string // "5 minutes ago", "29 Nov 2026", "Never"
	Exact string // "24 Nov 2026, 09:41 CET"; empty when there is no instant
	ISO   string // for machines, in UTC
}

// NewWhen pairs a text of the caller's choice with the exact time in zone. A zero instant
// leaves only the text.
func NewWhen(at time.Time, zone *time.Location, text string) When {
	if at.IsZero() {
		return When{Text: text}
	}
	return When{Text: text, Exact: Exact(at, zone), ISO: at.UTC().Format(time.RFC3339)}
}

// Exact writes an instant in full to the minute, with the zone it is written in.
func Exact(at time.Time, zone *time.Location) string {
	local := at.In(orUTC(zone))
	return local.Format("2 Jan 2006, 15:04 ") + zoneName(local)
}

// zoneName is the zone's abbreviation. Zones without one have a bare offset, which nobody
// would recognize without the letters in front.
func zoneName(local time.Time) string {
	name, _ := local.Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + local.Format("-07:00")
	}
	return name
}

// Day writes the calendar day of an instant in zone, such as "29 Nov 2026".
func Day(at time.Time, zone *time.Location) string {
	return at.In(orUTC(zone)).Format("2 Jan 2006")
}

// Relative writes how far an instant is from now: "just now", "5 minutes ago", "in 3 months".
// It rounds down, so that nothing is called older or later than it is.
func Relative(at, now time.Time) string {
	d := now.Sub(at)
	if d.Abs() < time.Minute {
		return "just now"
	}
	amount := span(d.Abs())
	if d < 0 {
		return "in " + amount
	}
	return amount + " ago"
}

func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Hour:
		return Plural(int(d/time.Minute), "minute", "minutes")
	case d < day:
		return Plural(int(d/time.Hour), "hour", "hours")
	case d < 61*day:
		return Plural(int(d/day), "day", "days")
	case d < 731*day:
		return Plural(int(d/(30*day+10*time.Hour)), "month", "months")
	default:
		return Plural(int(d/(365*day+6*time.Hour)), "year", "years")
	}
}

// Plural writes a number with the form of the word that fits it: "1 day", "2 days".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func orUTC(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// Shorten cuts a text to at most n characters and says so with an ellipsis.
func Shorten(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
