package api

import (
	"time"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/license"
)

// LicenseRecord is a license as its vendor sees it.
type LicenseRecord struct {
	ID               string         `json:"id"`
	Version          int64          `json:"version" doc:"Grows with every change. It is the ETag."`
	ProductID        string         `json:"product_id"`
	CustomerID       *string        `json:"customer_id" doc:"Its owner, or null while it is available."`
	Environment      string         `json:"environment" enum:"production,staging,development"`
	Plan             string         `json:"plan"`
	KeyMask          string         `json:"key_mask" doc:"The key as it may be shown; the whole key is revealed by an endpoint of its own."`
	Status           string         `json:"status" enum:"available,assigned,active,suspended,expired,revoked"`
	Limit            *int           `json:"limit" doc:"Devices, or null for unlimited."`
	ValidityDays     *int           `json:"validity_days" doc:"Days that it is valid from assignment on, or null for perpetual."`
	GraceSeconds     int64          `json:"grace_seconds" doc:"How long it still validates after its expiry date."`
	CreatedAt        time.Time      `json:"created_at"`
	AssignedAt       *time.Time     `json:"assigned_at"`
	StartsAt         *time.Time     `json:"starts_at"`
	FirstActivatedAt *time.Time     `json:"first_activated_at"`
	ExpiresAt        *time.Time     `json:"expires_at" doc:"The expiry date, or null for never."`
	EndsAt           *time.Time     `json:"ends_at" doc:"When it stops validating: expiry and grace, or null for never."`
	SuspendedAt      *time.Time     `json:"suspended_at"`
	SuspendReason    string         `json:"suspend_reason,omitempty"`
	RevokedAt        *time.Time     `json:"revoked_at"`
	RevokeReason     string         `json:"revoke_reason,omitempty"`
	Note             string         `json:"note,omitempty" doc:"Your words about a suspension or revocation, for the customer."`
	MaxVersion       *string        `json:"max_version" doc:"The highest version included, or null for all."`
	UpdatesUntil     *time.Time     `json:"updates_until" doc:"Versions released before are included, or null for all."`
	Features         map[string]any `json:"features" doc:"Values by key: true or false, a number, \"unlimited\", or text."`
}

func (l LicenseRecord) etag() int64 { return l.Version }

func recordOf(l license.License, now time.Time) LicenseRecord {
	out := LicenseRecord{
		ID: string(l.ID), Version: l.Version, ProductID: string(l.ProductID), CustomerID: unlessZero(string(l.CustomerID)),
		Environment: string(l.Environment), Plan: l.Plan, KeyMask: l.Mask, Status: string(l.Status(now)),
		Limit: unlessZero(l.Limit), ValidityDays: unlessZero(l.ValidityDays), GraceSeconds: int64(l.Grace / time.Second),
		CreatedAt: l.CreatedAt, AssignedAt: orNull(l.AssignedAt), StartsAt: orNull(l.StartsAt),
		FirstActivatedAt: orNull(l.FirstActivatedAt), ExpiresAt: orNull(l.ExpiresAt),
		SuspendedAt: orNull(l.SuspendedAt), SuspendReason: string(l.SuspendReason),
		RevokedAt: orNull(l.RevokedAt), RevokeReason: string(l.RevokeReason), Note: l.Note,
		MaxVersion: unlessZero(l.MaxVersion), UpdatesUntil: orNull(l.UpdatesUntil), Features: make(map[string]any, len(l.Features)),
	}
	if !l.Perpetual() {
		out.EndsAt = orNull(l.EndsAt())
	}
	for _, f := range l.Features {
		out.Features[f.Key] = f.Value
	}
	return out
}

// unlessZero is v, or null when it is nothing.
func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// IssuedLicense is a license with its whole key.
type IssuedLicense struct {
	License LicenseRecord `json:"license"`
	Key     string        `json:"key" doc:"The whole license key."`
}

func (l IssuedLicense) etag() int64 { return l.License.Version }

// Result is what became of one of many.
type Result struct {
	Index   int            `json:"index" doc:"Its place in the request, from 0."`
	ID      string         `json:"id,omitempty" doc:"Id of the license."`
	License *LicenseRecord `json:"license,omitempty" doc:"The license afterwards."`
	Key     string         `json:"key,omitempty" doc:"The whole key of a license that was made."`
	Problem *Failure       `json:"problem,omitempty" doc:"Why nothing came of it."`
}

// Failure is why nothing came of one of many.
type Failure struct {
	Code   string               `json:"code" doc:"Stable, for programs to rely on."`
	Detail string               `json:"detail" doc:"One sentence for a person."`
	Errors []httpx.ProblemField `json:"errors,omitempty" nullable:"false"`
	Next   string               `json:"next,omitempty" doc:"What to do next."`
}

// Results is what became of each of many, in the order of the request.
type Results struct {
	Results []Result `json:"results" nullable:"false"`
	Done    int      `json:"done"`
	Failed  int      `json:"failed"`
}

func resultsOf(outcomes []licensing.Outcome, now time.Time) Results {
	out := Results{Results: []Result{}}
	for i, o := range outcomes {
		one := Result{Index: i, ID: string(o.License.ID), Key: o.Key}
		if o.Err != nil {
			one.Problem = failureOf(o.Err)
			out.Failed++
		} else {
			record := recordOf(o.License, now)
			one.License = &record
			out.Done++
		}
		out.Results = append(out.Results, one)
	}
	return out
}

func failureOf(f *fault.Error) *Failure {
	out := &Failure{Code: f.Code, Detail: f.Message, Next: f.Next}
	for _, field := range f.Fields {
		out.Errors = append(out.Errors, httpx.ProblemField{Field: field.Name, Message: field.Message})
	}
	return out
}

// ActivationRecord is a device on a license as the vendor sees it.
type ActivationRecord struct {
	Activation
	EndedAt   *time.Time `json:"ended_at" doc:"When it was deactivated, or null."`
	EndReason string     `json:"end_reason,omitempty"`
}

func activationRecordOf(a license.Activation, of license.Status, now time.Time) ActivationRecord {
	return ActivationRecord{Activation: *activationOf(a, of, now), EndedAt: orNull(a.EndedAt), EndReason: string(a.EndReason)}
}

// EventRecord is something that happened.
type EventRecord struct {
	ID             string     `json:"id"`
	Number         int64      `json:"number,omitempty" doc:"Its place among all events, which leaves gaps. Go on after it."`
	Type           string     `json:"type" example:"license.suspended"`
	At             time.Time  `json:"at"`
	ActorKind      string     `json:"actor_kind" enum:"person,administrator,token,system"`
	ActorID        string     `json:"actor_id,omitempty"`
	RequestID      string     `json:"request_id,omitempty"`
	ProductID      string     `json:"product_id,omitempty"`
	LicenseID      string     `json:"license_id,omitempty"`
	LicenseVersion int64      `json:"license_version,omitempty" doc:"Version of the license afterwards."`
	CustomerID     string     `json:"customer_id,omitempty"`
	ActivationID   string     `json:"activation_id,omitempty"`
	PersonID       string     `json:"person_id,omitempty"`
	Reason         string     `json:"reason,omitempty" doc:"Class of the reason, as a code."`
	Data           event.Data `json:"data" doc:"Facts before and after; which are there depends on the type."`
}

func eventRecordOf(e event.Event) EventRecord {
	return EventRecord{
		ID: string(e.ID), Type: string(e.Type), At: e.At, ActorKind: string(e.Actor.Kind), ActorID: string(e.Actor.ID),
		RequestID: e.RequestID, ProductID: string(e.ProductID), LicenseID: string(e.LicenseID), LicenseVersion: e.LicenseVersion,
		CustomerID: string(e.CustomerID), ActivationID: string(e.ActivationID), PersonID: string(e.PersonID),
		Reason: e.Reason, Data: e.Data,
	}
}
