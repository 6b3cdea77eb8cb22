package ical_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/ical"
)

var noon = time.Date(2027, time.March, 12, 12, 0, 0, 0, time.UTC)

func TestCalendar(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	c := ical.Calendar{Name: "Licenses; mine", Product: "Example", Refresh: 12 * time.Hour, Events: []ical.Event{{
		UID: "1@example.com", Day: time.Date(2027, time.December, 31, 20, 0, 0, 0, tokyo), Stamp: noon.In(tokyo), Sequence: 3,
		Summary: `R&D, "Tools" \ 1`, Description: "one\r\ntwo\nthree\rBEGIN:VALARM\x00", URL: "https://example.com/1\r\nX: y",
	}}}
	want := strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//EN", "CALSCALE:GREGORIAN", `X-WR-CALNAME:Licenses\; mine`,
		"REFRESH-INTERVAL;VALUE=DURATION:PT12H", "X-PUBLISHED-TTL:PT12H",
		"BEGIN:VEVENT", "UID:1@example.com", "DTSTAMP:20270312T120000Z", "SEQUENCE:3",
		"DTSTART;VALUE=DATE:20271231", "DTEND;VALUE=DATE:20280101",
		`SUMMARY:R&D\, "Tools" \\ 1`, `DESCRIPTION:one\ntwo\nthree\nBEGIN:VALARM`, "URL:https://example.com/1X: y", "TRANSP:TRANSPARENT",
		"END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n")
	if diff := cmp.Diff(want, string(c.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !bytes.Equal(c.Bytes(), c.Bytes()) {
		t.Error("the same calendar gives other bytes")
	}
}

func TestLinesAreFolded(t *testing.T) {
	for _, summary := range []string{
		strings.Repeat("a", 67), strings.Repeat("a", 68), strings.Repeat("ä€𝄞", 60), strings.Repeat("é", 200), "a" + strings.Repeat("𝄞", 90),
	} {
		text := string(ical.Calendar{Events: []ical.Event{{UID: "1", Day: noon, Stamp: noon, Summary: summary}}}.Bytes())
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
				t.Errorf("line of %d bytes: %q", len(line), line)
			}
		}
		if unfolded := strings.ReplaceAll(text, "\r\n ", ""); !strings.Contains(unfolded, "\r\nSUMMARY:"+summary+"\r\n") {
			t.Errorf("unfolded it is %q", unfolded)
		}
	}
}
