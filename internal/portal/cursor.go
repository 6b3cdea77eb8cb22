package portal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/id"
)

// cursor is a place in a list: behind or in front of a row, in the list as it
// was taken at an instant. It is made of ids, so a changed row moves no page.
type cursor struct {
	Row  id.ID  `json:"r"`
	At   int64  `json:"t"` // microseconds
	List string `json:"l"` // fingerprint of the filters and the order
	From int    `json:"n"` // place of the page's first row, counted from 1
}

// maxCursor bounds a cursor's text.
const maxCursor = 512

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor reads a cursor of the list with this fingerprint. ok is false for
// one of another list, or for what is no cursor.
func readCursor(text, list string) (c cursor, ok bool) {
	if len(text) > maxCursor {
		return cursor{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &c) != nil || c.List != list || c.From < 1 {
		return cursor{}, false
	}
	if _, err := id.Parse(string(c.Row)); err != nil {
		return cursor{}, false
	}
	return c, true
}

func (c cursor) instant() time.Time { return time.UnixMicro(c.At).UTC() }

// fingerprint tells lists apart by their filters and order.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// place is where a request wants to be in a list.
type place struct {
	after, before cursor
	wrong         bool // a cursor was given that is not of this list
}

func readPlace(after, before, list string) place {
	var p place
	if after != "" {
		c, ok := readCursor(after, list)
		p.after, p.wrong = c, !ok
	} else if before != "" {
		c, ok := readCursor(before, list)
		p.before, p.wrong = c, !ok
	}
	return p
}

// cursorLife is how long a list is paged through as it was first taken. An
// older address, such as a bookmark, shows the same place of the list as it is
// now: a license that has ended since must not look as if it still worked.
const cursorLife = 12 * time.Hour

// instant is when the list was first taken; zero is now.
func (p place) instant(now time.Time) time.Time {
	var at time.Time
	switch {
	case p.after.Row != "":
		at = p.after.instant()
	case p.before.Row != "":
		at = p.before.instant()
	}
	if at.After(now) || now.Sub(at) > cursorLife {
		return time.Time{}
	}
	return at
}

// inside reports whether it is any place but the beginning.
func (p place) inside() bool { return p.after.Row != "" || p.before.Row != "" }

// from is the place of the first of n rows.
func (p place) from(n int) int {
	switch {
	case p.after.Row != "":
		return p.after.From
	case p.before.Row != "":
		return max(1, p.before.From-n)
	}
	return 1
}

// edges are the cursors of the pages beside one that shows rows first to last.
func (p place) edges(list string, at time.Time, first, last id.ID, n int) (prior, next string) {
	from := p.from(n)
	prior = cursor{Row: first, At: at.UnixMicro(), List: list, From: from}.String()
	next = cursor{Row: last, At: at.UnixMicro(), List: list, From: from + n}.String()
	return prior, next
}
