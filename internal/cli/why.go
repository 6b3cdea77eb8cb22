package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/verdict"
)

type licenseWhy struct {
	storage
	one
}

func (c *licenseWhy) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		wanted, err := licenseOf(ctx, on, uses, c.License)
		if err != nil {
			return err
		}
		w, err := uses.Licensing.Why(ctx, operator(), wanted)
		if err != nil {
			return err
		}
		r := why{License: licenseResultOf(w.License, w.Product, w.Use.At), Use: w.Use, AddDevice: w.AddDevice, Attempts: []attempt{}}
		r.License.Used = &w.Used
		for _, a := range w.Attempts {
			r.Attempts = append(r.Attempts, attempt{a.At, a.DisplayName(), a.Identifier, a.Code})
		}
		return c.show(on, r)
	})
}

// why is both verdicts about a license: whether it works, and whether one more
// device could activate.
type why struct {
	License   licenseResult   `json:"license"`
	Use       verdict.Verdict `json:"use"`
	AddDevice verdict.Verdict `json:"add_device"`
	Attempts  []attempt       `json:"attempts"` // refused activations, the latest first
}

type attempt struct {
	At         time.Time    `json:"at"`
	Device     string       `json:"device"`
	Identifier string       `json:"identifier"`
	Code       verdict.Code `json:"code"`
}

func (w why) text() string {
	l := w.License
	var b strings.Builder
	b.WriteString(pairs(
		[2]string{"License", l.Mask}, [2]string{"Id", l.ID}, [2]string{"Product", l.Product + ", " + l.Plan + ", " + l.Environment},
		[2]string{"Status", l.Status + ", " + seats(l) + " devices"}, [2]string{"Expires", expiry(l.license)},
	))
	b.WriteString("\n" + pairs(
		[2]string{"Does it work?", answer(w.Use)}, [2]string{"Another device?", answer(w.AddDevice)},
	))
	section(&b, "Because", w.reasons())
	b.WriteString("\n" + w.checks())
	section(&b, "What would help", helps(w.Use, w.AddDevice))
	section(&b, "Worth knowing", warnings(w.Use))
	section(&b, "Refused lately", w.refusals())
	return b.String()
}

func section(b *strings.Builder, title string, rows [][]string) {
	if len(rows) > 0 {
		b.WriteString("\n" + title + "\n" + table(rows))
	}
}

// seats is what of a license is in use: "2 / 5".
func seats(r licenseResult) string {
	return strconv.Itoa(*r.Used) + " / " + devices(r.license.Limit)
}

func answer(v verdict.Verdict) string {
	if v.Valid {
		return "yes"
	}
	return "no: " + verdict.Describe(v.Code).Title + " (" + string(v.Code) + "). " + v.Message
}

// checks lists those that concern one of the two verdicts.
func (w why) checks() string {
	rows := [][]string{{"CHECK", "USE", "ADD DEVICE", "OBSERVED", "REQUIRED", "FROM"}}
	for i, use := range w.Use.Checks {
		add := w.AddDevice.Checks[i]
		if use.Outcome == verdict.Skipped && add.Outcome == verdict.Skipped {
			continue
		}
		seen := add
		if add.Outcome == verdict.Skipped || use.Outcome == verdict.Fail {
			seen = use
		}
		rows = append(rows, []string{
			string(use.Code), string(use.Outcome), string(add.Outcome), value(seen.Observed), value(seen.Required), string(seen.Source),
		})
	}
	return table(rows)
}

// reasons lists what is known about the checks that fail: since when, why, and
// what the customer was told.
func (w why) reasons() [][]string {
	var rows [][]string
	seen := map[verdict.Code]bool{}
	for _, c := range append(w.Use.Failing(), w.AddDevice.Failing()...) {
		if seen[c.Code] || c.Since == nil && c.Reason == "" && c.Note == "" {
			continue
		}
		seen[c.Code] = true
		row := []string{"  " + string(c.Code), "", c.Reason, c.Note}
		if c.Since != nil {
			row[1] = "since " + instant(*c.Since)
		}
		rows = append(rows, row)
	}
	return rows
}

func value(v verdict.Value) string {
	switch {
	case v.Number != nil:
		return strconv.Itoa(*v.Number)
	case v.Time != nil:
		return instant(*v.Time)
	case v.List != nil:
		return strings.Join(v.List, ", ")
	}
	return v.Text
}

// helps lists the fixes of both verdicts, each once.
func helps(verdicts ...verdict.Verdict) [][]string {
	var rows [][]string
	seen := map[string]bool{}
	for _, v := range verdicts {
		for _, f := range v.Fixes {
			what := strings.ReplaceAll(string(f.Action), "_", " ")
			if f.Target != "" {
				what += ": " + f.Target
			}
			if f.AvailableFrom != nil {
				what += ", from " + instant(*f.AvailableFrom)
			}
			if row := []string{"  " + string(f.Check), what, "by " + string(f.Actor)}; !seen[strings.Join(row, "\n")] {
				seen[strings.Join(row, "\n")] = true
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func warnings(v verdict.Verdict) [][]string {
	var rows [][]string
	for _, w := range v.Warnings {
		detail := w.Target
		switch {
		case w.At != nil:
			detail = instant(*w.At)
		case w.Number != nil:
			detail = strconv.Itoa(*w.Number)
		}
		rows = append(rows, []string{"  " + string(w.Code), detail})
	}
	return rows
}

func (w why) refusals() [][]string {
	var rows [][]string
	for _, a := range w.Attempts {
		rows = append(rows, []string{"  " + instant(a.At), fmt.Sprintf("%s (%s)", a.Device, a.Identifier), string(a.Code)})
	}
	return rows
}
