package api

import (
	"time"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// Answer is what software gets. A refusal is an answer too.
type Answer struct {
	Verdict    Verdict     `json:"verdict" doc:"Whether the license is good for what was asked, and every check that was made."`
	License    *License    `json:"license" doc:"The license, or null where there is none for this token."`
	Activation *Activation `json:"activation" doc:"The activation of the device that asked, or null where it has none."`
	Lease      string      `json:"lease,omitempty" doc:"The verdict as a compact JWS, signed with a key of the product. Verify it with a key that the software pins, hold it against nonce and device, and keep it for when the server is away."`
}

// Verdict is a verdict as software sees it.
type Verdict struct {
	Purpose  string    `json:"purpose" enum:"use,add_device,download,offline" doc:"What the license was asked to be good for."`
	Valid    bool      `json:"valid" doc:"Whether no check failed."`
	Code     string    `json:"code" doc:"The first failing check, or valid."`
	Message  string    `json:"message" doc:"One sentence for the developer."`
	Checks   []Check   `json:"checks" nullable:"false" doc:"Every check, in a fixed order."`
	Fixes    []Fix     `json:"fixes" nullable:"false" doc:"What would make the failing checks pass, and who can do it."`
	Warnings []Warning `json:"warnings" nullable:"false" doc:"What will matter soon. Warnings never make a license invalid."`
	At       time.Time `json:"at" doc:"The instant that it was decided for."`
}

// Check is one rule and how it came out.
type Check struct {
	Code     string        `json:"code" doc:"Which check."`
	Outcome  string        `json:"outcome" enum:"pass,fail,skipped" doc:"How it came out."`
	Skip     string        `json:"skip,omitempty" doc:"Why it did not apply, when skipped."`
	Observed verdict.Value `json:"observed,omitzero" doc:"What was found."`
	Required verdict.Value `json:"required,omitzero" doc:"What would have passed."`
	Source   string        `json:"source,omitempty" enum:"license,product,token,request,server" doc:"Where the requirement comes from."`
	Since    *time.Time    `json:"since,omitempty" doc:"Since when it fails, where that is known."`
	Reason   string        `json:"reason,omitempty" doc:"Class of the reason, such as payment."`
}

// Fix is one thing that would make a failing check pass.
type Fix struct {
	Check         string     `json:"check" doc:"The check that it mends."`
	Action        string     `json:"action" doc:"What to do." example:"deactivate_device"`
	Actor         string     `json:"actor" enum:"customer,administrator,developer,software,nobody" doc:"Who can do it."`
	Target        string     `json:"target,omitempty" doc:"The version, feature or kind it is about."`
	Href          string     `json:"href,omitempty" doc:"Where to do it."`
	AvailableFrom *time.Time `json:"available_from,omitempty" doc:"From when it can be done."`
}

// Warning is something that will matter soon.
type Warning struct {
	Code   string     `json:"code" enum:"expires_soon,in_grace,updates_ending,limit_near,over_limit,device_stale,no_device" doc:"Which warning."`
	At     *time.Time `json:"at,omitempty" doc:"When it takes effect."`
	Number *int       `json:"number,omitempty" doc:"Days left."`
}

// License is what software may know of a license: no owner and no counts.
type License struct {
	ID           string         `json:"id" doc:"Id of the license. It is no secret, unlike the key."`
	Product      Product        `json:"product"`
	Environment  string         `json:"environment" enum:"production,staging,development"`
	Status       string         `json:"status" enum:"available,assigned,active,suspended,expired,revoked"`
	ExpiresAt    *time.Time     `json:"expires_at" doc:"The expiry date, or null for never."`
	EndsAt       *time.Time     `json:"ends_at" doc:"When it stops validating: expiry and grace, or null for never."`
	Features     map[string]any `json:"features" doc:"Its features by key; a value is true or false, a number or text."`
	MaxVersion   string         `json:"max_version,omitempty" doc:"The highest version included; without it, all are." example:"8.x"`
	UpdatesUntil *time.Time     `json:"updates_until,omitempty" doc:"Versions released before are included; without it, all are."`
}

// Product is the product of a license.
type Product struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Activation is the seat of the device that asked.
type Activation struct {
	ID          string     `json:"id"`
	Status      string     `json:"status" enum:"active,suspended,deactivated"`
	ActivatedAt time.Time  `json:"activated_at"`
	LastSeenAt  *time.Time `json:"last_seen_at" doc:"When it was last heard of, or null."`
	HoldUntil   *time.Time `json:"hold_until" doc:"Until when a floating seat is held unless the device checks in, or null for a fixed seat, which is held until it is given back."`
	Device      Device     `json:"device"`
}

func answerOf(a licensing.Answer) Answer {
	out := Answer{Verdict: verdictOf(a.Verdict), Lease: a.Lease}
	if a.License == nil || a.Product == nil {
		return out
	}
	out.License = licenseOf(*a.License, *a.Product, a.Verdict.At)
	if a.Activation != nil {
		out.Activation = activationOf(*a.Activation, a.License.Status(a.Verdict.At), a.Verdict.At)
	}
	return out
}

func verdictOf(v verdict.Verdict) Verdict {
	out := Verdict{
		Purpose: string(v.Purpose), Valid: v.Valid, Code: string(v.Code), Message: v.Message, At: v.At,
		Checks: make([]Check, 0, len(v.Checks)), Fixes: make([]Fix, 0, len(v.Fixes)), Warnings: make([]Warning, 0, len(v.Warnings)),
	}
	for _, c := range v.Checks {
		out.Checks = append(out.Checks, Check{
			Code: string(c.Code), Outcome: string(c.Outcome), Skip: string(c.Skip), Observed: c.Observed,
			Required: c.Required, Source: string(c.Source), Since: c.Since, Reason: c.Reason,
		})
	}
	for _, f := range v.Fixes {
		out.Fixes = append(out.Fixes, Fix{
			Check: string(f.Check), Action: string(f.Action), Actor: string(f.Actor),
			Target: f.Target, Href: f.Href, AvailableFrom: f.AvailableFrom,
		})
	}
	for _, w := range v.Warnings {
		out.Warnings = append(out.Warnings, Warning{Code: string(w.Code), At: w.At, Number: w.Number})
	}
	return out
}

func licenseOf(l license.License, p license.Product, now time.Time) *License {
	out := &License{
		ID: string(l.ID), Product: Product{ID: string(p.ID), Name: p.Name}, Environment: string(l.Environment),
		Status: string(l.Status(now)), ExpiresAt: orNull(l.ExpiresAt), MaxVersion: l.MaxVersion,
		UpdatesUntil: orNull(l.UpdatesUntil), Features: make(map[string]any, len(l.Features)),
	}
	if !l.Perpetual() {
		out.EndsAt = orNull(l.EndsAt())
	}
	for _, f := range l.Features {
		out.Features[f.Key] = f.Value
	}
	return out
}

func activationOf(a license.Activation, of license.Status, now time.Time) *Activation {
	return &Activation{
		ID: string(a.ID), Status: string(a.Status(of, now)), ActivatedAt: a.ActivatedAt, LastSeenAt: orNull(a.LastSeenAt),
		HoldUntil: orNull(a.HoldUntil),
		Device:    Device{ID: a.Identifier, Name: a.Name, Kind: string(a.Kind), Platform: a.Platform},
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
