package verdict

import (
	"slices"
	"time"
)

// Purpose is what a license is asked to be good for.
type Purpose string

// The purposes a verdict can be asked for.
const (
	Use       Purpose = "use"        // run the software, on the named device if one is named
	AddDevice Purpose = "add_device" // take a seat for a device
	Download  Purpose = "download"   // fetch a release
	Offline   Purpose = "offline"    // issue an offline file
)

// Outcome is the result of one check.
type Outcome string

// The outcomes of a check.
const (
	Pass    Outcome = "pass"
	Fail    Outcome = "fail"
	Skipped Outcome = "skipped"
)

// Source names where the requirement of a check comes from.
type Source string

// The sources of a requirement.
const (
	FromLicense Source = "license"
	FromProduct Source = "product"
	FromToken   Source = "token"
	FromRequest Source = "request"
	FromServer  Source = "server"
)

// SkipReason says why a check did not apply.
type SkipReason string

// The reasons for skipping a check.
const (
	SkipKeyUnknown   SkipReason = "key_unknown"   // nothing is known about the license
	SkipOtherPurpose SkipReason = "other_purpose" // the purpose does not concern it
	SkipNotAsked     SkipReason = "not_asked"     // the request names no such thing
	SkipNoDevice     SkipReason = "no_device"     // no device is named, and none is needed
	SkipNoRule       SkipReason = "no_rule"       // neither license nor product restrict it
	SkipUnknownDate  SkipReason = "unknown_date"  // the release date is not on record
)

// ClaimRefused is the reason with which LimitReached fails for a device whose
// claim code was not accepted: it is wrong, spent, too old, or was guessed at
// too often.
const ClaimRefused = "claim_refused"

// Value is what a check observed or required. At most one field is set; the
// zero Value means that there is nothing to show.
type Value struct {
	Text   string     `json:"text,omitempty"`
	Number *int       `json:"number,omitempty"`
	Time   *time.Time `json:"time,omitempty"`
	List   []string   `json:"list,omitempty"`
}

// Text makes a Value of a word or phrase.
func Text(s string) Value { return Value{Text: s} }

// Number makes a Value of a count.
func Number(n int) Value { return Value{Number: &n} }

// Time makes a Value of an instant. The zero time, and an instant that cannot
// be written with a year of four digits, make the zero Value.
func Time(t time.Time) Value {
	t = t.UTC()
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return Value{}
	}
	return Value{Time: &t}
}

// List makes a Value of several words.
func List(words []string) Value { return Value{List: words} }

// IsZero reports whether there is nothing to show.
func (v Value) IsZero() bool {
	return v.Text == "" && v.Number == nil && v.Time == nil && v.List == nil
}

// Check is one rule and how it came out.
type Check struct {
	Code     Code       `json:"code"`
	Outcome  Outcome    `json:"outcome"`
	Skip     SkipReason `json:"skip,omitempty"`     // why, when Outcome is Skipped
	Observed Value      `json:"observed,omitzero"`  // what was found
	Required Value      `json:"required,omitzero"`  // what would have passed
	Source   Source     `json:"source,omitempty"`   // where the requirement comes from
	Since    *time.Time `json:"since,omitempty"`    // since when it fails, where that is known
	Reason   string     `json:"reason,omitempty"`   // reason class, such as "payment"
	Note     string     `json:"note,omitempty"`     // the vendor's own words for the customer
	Internal string     `json:"internal,omitempty"` // facts for administrators only
}

// Warning is something that will matter soon, or matters without making the
// license invalid. Warnings never change Valid.
type Warning struct {
	Code   WarningCode `json:"code"`
	At     *time.Time  `json:"at,omitempty"`     // when it takes effect
	Number *int        `json:"number,omitempty"` // days left, seats over, by code
	Target string      `json:"target,omitempty"` // the device it speaks of
}

// Verdict is the whole answer: every check in its fixed order, and the fixes.
type Verdict struct {
	Purpose  Purpose   `json:"purpose"`
	Valid    bool      `json:"valid"`
	Code     Code      `json:"code"`    // first failing check's code, or Valid
	Message  string    `json:"message"` // one sentence for the audience
	Checks   []Check   `json:"checks"`
	Fixes    []Fix     `json:"fixes"`
	Warnings []Warning `json:"warnings,omitempty"`
	At       time.Time `json:"at"` // the instant it was decided for
}

// Failing returns the checks that failed, in order.
func (v Verdict) Failing() []Check {
	var failing []Check
	for _, c := range v.Checks {
		if c.Outcome == Fail {
			failing = append(failing, c)
		}
	}
	return failing
}

// Check returns the check with this code; ok is false when the verdict has none.
func (v Verdict) Check(code Code) (c Check, ok bool) {
	i := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Code == code })
	if i < 0 {
		return Check{}, false
	}
	return v.Checks[i], true
}

// FixesFor returns the fixes that would make the check with this code pass.
func (v Verdict) FixesFor(code Code) []Fix {
	var fixes []Fix
	for _, f := range v.Fixes {
		if f.Check == code {
			fixes = append(fixes, f)
		}
	}
	return fixes
}

// Warned reports whether the verdict carries this warning.
func (v Verdict) Warned(code WarningCode) bool {
	return slices.ContainsFunc(v.Warnings, func(w Warning) bool { return w.Code == code })
}
