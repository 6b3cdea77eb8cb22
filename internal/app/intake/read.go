package intake

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// Bounds of a key, in folded characters and in bytes.
const (
	minKey = 8
	maxKey = 255
)

// read checks one license and brings it to the form in which it is kept.
func (s *Service) read(problems *fault.Problems, where string, in License, p product, now time.Time) (taking, error) {
	plan, ok := account.CleanName(in.Plan)
	if !ok || plan == "" {
		problems.Add(where+".plan", "Name the plan, in at most 255 bytes.")
	}
	if in.Limit < 0 || in.Limit > license.MaxLimit {
		problems.Add(where+".limit", "Use 1 to 10000 devices, or none for unlimited.")
	}
	checkKey(problems, where, in.Key)
	checkState(problems, where, in, now)
	t := taking{license: license.License{
		ID: id.New(), ProductID: p.ID, CustomerID: in.CustomerID, Environment: p.Environment, Plan: plan,
		Mask: p.pattern.Mask(in.Key), Limit: in.Limit, CreatedAt: now, AssignedAt: kept(in.AssignedAt), ExpiresAt: kept(in.ExpiresAt),
		Features: in.Features, Version: 1,
	}}
	if in.Features == nil {
		t.license.Features = slices.Clone(p.Features)
	}
	if in.Suspended != "" {
		t.license.SuspendedAt, t.license.SuspendReason = now, in.Suspended
	}
	if in.Revoked != "" {
		t.license.RevokedAt, t.license.RevokeReason = now, in.Revoked
	}
	t.readSeats(problems, where, in, now)
	var err error
	t.key, err = s.key(t.license, p.Product, in)
	return t, err
}

func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func checkKey(problems *fault.Problems, where, key string) {
	if len(key) > maxKey || len(id.Fold(key)) < minKey || strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		problems.Add(where+".key", "Use 8 to 255 printable ASCII characters without blanks.")
	}
}

func checkState(problems *fault.Problems, where string, in License, now time.Time) {
	if in.AssignedAt.IsZero() || in.AssignedAt.After(now) {
		problems.Add(where+".assigned_at", "Say since when the customer has it.")
	}
	if !in.ExpiresAt.Before(license.Forever) {
		problems.Add(where+".expires_at", "Use an earlier date, or none.")
	}
	if in.Suspended != "" && !slices.Contains(license.SuspendReasons(), in.Suspended) {
		problems.Add(where+".suspended", "Give a reason: manual, payment, abuse or contract.")
	}
	if in.Revoked != "" && !slices.Contains(license.RevokeReasons(), in.Revoked) {
		problems.Add(where+".revoked", "Give a reason: manual, refund, abuse, leak, contract or replaced.")
	}
}

// readSeats reads the devices. With the first one the license became active.
func (t *taking) readSeats(problems *fault.Problems, where string, in License, now time.Time) {
	for _, seat := range in.Seats {
		d, wrong := seat.Check()
		if wrong != nil {
			problems.Add(where+".seats", wrong.Message)
			continue
		}
		a := license.Activation{
			ID: id.New(), LicenseID: t.license.ID, Kind: d.Kind, Identifier: d.Identifier, Name: d.Name, Platform: d.Platform,
			AppVersion: seat.Version, ActivatedAt: kept(seat.ActivatedAt), LastSeenAt: kept(seat.LastSeenAt),
		}
		if in.Revoked != "" {
			a.EndedAt, a.EndReason = now, license.WithLicense
		}
		if first := t.license.FirstActivatedAt; first.IsZero() || a.ActivatedAt.Before(first) {
			t.license.FirstActivatedAt = a.ActivatedAt
		}
		t.seats = append(t.seats, a)
	}
}

// key is what is kept of a license's key.
func (s *Service) key(l license.License, p license.Product, in License) (store.LicenseKey, error) {
	folded := id.Fold(in.Key)
	k := store.LicenseKey{Hash: s.Master.KeyHash(string(l.Environment), folded)}
	var err error
	switch {
	case in.HashOnly:
	case p.HighSecurity:
		k.Sealed, err = s.Master.Seal([]byte(in.Key), signing.Binding{Table: "license", Column: "key_sealed", Row: string(l.ID)})
	default:
		k.Text, k.Folded = in.Key, folded
	}
	return k, err
}
