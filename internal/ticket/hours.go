package ticket

import (
	"fmt"
	"strings"
	"time"
)

// Hours are when the support desk works: Monday to Friday, the same hours each
// day, in its own time zone (P-TIC-08).
type Hours struct {
	From, To int // minutes after midnight
	Zone     *time.Location
}

// OfficeHours are 09:00 to 18:00 in UTC.
func OfficeHours() Hours { return Hours{From: 9 * 60, To: 18 * 60, Zone: time.UTC} }

// ParseHours reads "09:00-18:00" and the name of a time zone.
func ParseHours(text, zone string) (Hours, error) {
	from, to, ok := strings.Cut(text, "-")
	begin, err1 := time.Parse("15:04", strings.TrimSpace(from))
	end, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || err1 != nil || err2 != nil || !begin.Before(end) {
		return Hours{}, fmt.Errorf("use hours such as 09:00-18:00 (have %q)", text)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return Hours{}, fmt.Errorf("use a time zone such as Europe/Berlin (have %q)", zone)
	}
	return Hours{From: begin.Hour()*60 + begin.Minute(), To: end.Hour()*60 + end.Minute(), Zone: loc}, nil
}

// day returns when the desk opens and closes on the day of an instant; ok is
// false on weekends. Days are counted in the desk's zone, whatever the clock
// does there.
func (h Hours) day(at time.Time) (opens, closes time.Time, ok bool) {
	local := at.In(h.Zone)
	y, m, d := local.Date()
	opens = time.Date(y, m, d, 0, h.From, 0, 0, h.Zone)
	closes = time.Date(y, m, d, 0, h.To, 0, 0, h.Zone)
	return opens, closes, local.Weekday() != time.Saturday && local.Weekday() != time.Sunday
}

// Open reports whether the desk works at an instant.
func (h Hours) Open(at time.Time) bool {
	opens, closes, ok := h.day(at)
	return ok && !at.Before(opens) && at.Before(closes)
}

// Add returns the instant at which so much working time has passed.
func (h Hours) Add(from time.Time, work time.Duration) time.Time {
	at := from
	for range 60 {
		opens, closes, ok := h.day(at)
		if at.Before(opens) {
			at = opens
		}
		if ok && at.Before(closes) {
			if left := closes.Sub(at); work <= left {
				return at.Add(work).UTC()
			}
			work -= closes.Sub(at)
		}
		y, m, d := at.In(h.Zone).Date()
		at = time.Date(y, m, d+1, 0, 0, 0, 0, h.Zone)
	}
	return at.UTC()
}

// On is when the desk opens and closes on the first working day from an instant
// on, for showing its hours in another zone.
func (h Hours) On(from time.Time) (opens, closes time.Time) {
	for at := from; ; at = at.Add(24 * time.Hour) {
		if opens, closes, ok := h.day(at); ok {
			return opens, closes
		}
	}
}
