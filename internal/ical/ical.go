package ical

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Calendar is a calendar that others subscribe to.
type Calendar struct {
	Name    string
	Product string // which program wrote it
	Refresh time.Duration
	Events  []Event
}

// Event is a day. Its UID stays the same for as long as it is about the same
// thing; Sequence grows with each change of it.
type Event struct {
	UID         string
	Day         time.Time // the date that this instant has in its own zone
	Stamp       time.Time // when what is said was last true to be written
	Sequence    int64
	Summary     string
	Description string // may have several lines
	URL         string
}

// Bytes is the calendar as it is sent. The same calendar gives the same bytes.
func (c Calendar) Bytes() []byte {
	var w writer
	w.line("BEGIN", "VCALENDAR")
	w.line("VERSION", "2.0")
	w.line("PRODID", "-//"+clean(c.Product)+"//EN")
	w.line("CALSCALE", "GREGORIAN")
	w.text("X-WR-CALNAME", c.Name)
	if hours := int(c.Refresh.Hours()); hours > 0 {
		w.line("REFRESH-INTERVAL;VALUE=DURATION", "PT"+strconv.Itoa(hours)+"H")
		w.line("X-PUBLISHED-TTL", "PT"+strconv.Itoa(hours)+"H")
	}
	for _, e := range c.Events {
		w.event(e)
	}
	w.line("END", "VCALENDAR")
	return []byte(w.String())
}

type writer struct{ strings.Builder }

func (w *writer) event(e Event) {
	w.line("BEGIN", "VEVENT")
	w.line("UID", clean(e.UID))
	w.line("DTSTAMP", e.Stamp.UTC().Format("20060102T150405Z"))
	w.line("SEQUENCE", strconv.FormatInt(e.Sequence, 10))
	y, m, d := e.Day.Date()
	w.line("DTSTART;VALUE=DATE", e.Day.Format("20060102"))
	w.line("DTEND;VALUE=DATE", time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC).Format("20060102"))
	w.text("SUMMARY", e.Summary)
	if e.Description != "" {
		w.text("DESCRIPTION", e.Description)
	}
	if e.URL != "" {
		w.line("URL", clean(e.URL))
	}
	w.line("TRANSP", "TRANSPARENT") // nobody is busy on that day
	w.line("END", "VEVENT")
}

// text writes a property whose value is text.
func (w *writer) text(name, value string) { w.line(name, escape(value)) }

// maxLine is the longest line, in bytes and without its end.
const maxLine = 75

// line writes a property, folded: what does not fit goes on in the next line,
// behind a space. No character is cut apart.
func (w *writer) line(name, value string) {
	room, rest := maxLine, name+":"+value
	for len(rest) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		w.WriteString(rest[:cut] + "\r\n ")
		rest, room = rest[cut:], maxLine-1
	}
	w.WriteString(rest + "\r\n")
}

// escape makes text safe as a value: what separates values is escaped, lines
// become \n, and other control characters go.
func escape(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, ""))
	s = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
	return clean(s)
}

// clean drops control characters, line ends among them.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
