package cli

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/keyward/keyward/internal/license"
)

// result is what came of a command: JSON for programs by its tags, text for
// people.
type result interface{ text() string }

// show prints a result the way that was asked for.
func (s storage) show(on *call, r result) error { return show(on, s.JSON, r) }

func show(on *call, asJSON bool, r result) error {
	if !asJSON {
		_, err := io.WriteString(on.Out, r.text())
		return err
	}
	e := json.NewEncoder(on.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// pairs prints labels and values below each other, without those that are
// empty.
func pairs(rows ...[2]string) string {
	var filled [][]string
	for _, r := range rows {
		if r[1] != "" {
			filled = append(filled, r[:])
		}
	}
	return table(filled)
}

// table prints rows in columns.
func table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, r := range rows {
		_, _ = io.WriteString(w, strings.Join(r, "\t")+"\n") // a Builder takes all
	}
	_ = w.Flush()
	lines := strings.SplitAfter(b.String(), "\n")
	for i, l := range lines {
		if cut, ended := strings.CutSuffix(l, "\n"); ended {
			lines[i] = strings.TrimRight(cut, " ") + "\n"
		}
	}
	return strings.Join(lines, "")
}

// instant is a time as people read it here.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// orNull is an instant for JSON.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func devices(limit int) string {
	if limit == license.Unlimited {
		return "unlimited"
	}
	return strconv.Itoa(limit)
}

func limitOrNull(limit int) *int {
	if limit == license.Unlimited {
		return nil
	}
	return &limit
}
