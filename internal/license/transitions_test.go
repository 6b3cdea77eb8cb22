package license_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
)

// states are a license in every status, and by every way into it that matters.
func states() map[string]license.License {
	made := func(alter func(*license.License)) license.License {
		l := goodLicense()
		alter(l)
		return *l
	}
	past, ended := now.Add(-day), now.Add(-2*day)
	return map[string]license.License{
		"available": made(func(l *license.License) {
			l.CustomerID, l.AssignedAt, l.FirstActivatedAt, l.ExpiresAt = "", zero, zero, zero
		}),
		"available, ended": made(func(l *license.License) {
			l.CustomerID, l.AssignedAt, l.FirstActivatedAt, l.ExpiresAt = "", zero, zero, ended
		}),
		"assigned":            made(func(l *license.License) { l.FirstActivatedAt = zero }),
		"active":              made(func(*license.License) {}),
		"active, in grace":    made(func(l *license.License) { l.ExpiresAt, l.Grace = past, 9*day }),
		"active, perpetual":   made(func(l *license.License) { l.ExpiresAt = zero }),
		"suspended, assigned": made(func(l *license.License) { l.FirstActivatedAt = zero; suspendAt(l, past) }),
		"suspended, active":   made(func(l *license.License) { suspendAt(l, past) }),
		"expired, assigned":   made(func(l *license.License) { l.FirstActivatedAt, l.ExpiresAt = zero, ended }),
		"expired, active":     made(func(l *license.License) { l.ExpiresAt = ended }),
		"expired, suspended":  made(func(l *license.License) { l.ExpiresAt = ended; suspendAt(l, ended.Add(-day)) }),
		"revoked, active":     made(func(l *license.License) { revokeAt(l, past) }),
		"revoked, suspended":  made(func(l *license.License) { suspendAt(l, ended); revokeAt(l, past) }),
		"revoked, ended":      made(func(l *license.License) { l.ExpiresAt = ended; revokeAt(l, past) }),
	}
}

func suspendAt(l *license.License, at time.Time) {
	l.SuspendedAt, l.SuspendReason, l.Note = at, license.Payment, "Invoice 7 is open."
}

func revokeAt(l *license.License, at time.Time) {
	l.RevokedAt, l.RevokeReason, l.Note = at, license.Refund, "Refunded."
}

func changes() map[string]license.Change {
	return map[string]license.Change{
		"assign":          {Trigger: license.Assign, CustomerID: ourCustomer},
		"assign to other": {Trigger: license.Assign, CustomerID: otherCustomer},
		"activate":        {Trigger: license.FirstActivate},
		"suspend":         {Trigger: license.Suspend, Reason: license.Manual, Note: "On your wish."},
		"reinstate":       {Trigger: license.Reinstate},
		"renew":           {Trigger: license.RenewTrigger, Days: 365},
		"renew until":     {Trigger: license.RenewTrigger, Until: now.Add(700 * day)},
		"revoke":          {Trigger: license.Revoke, Reason: license.Leak, Note: "Found in public."},
	}
}

const (
	refused = license.Status("refused")
	same    = license.Status("same") // accepted, and nothing changes
)

// Every change of every license: the status it leads to, or that nothing
// changes, or that it is refused (C-LCY-01, C-LCY-02, spec C.1).
func matrix() map[string]map[string]license.Status {
	row := func(assign, other, activate, suspend, reinstate, renew, until, revoke license.Status) map[string]license.Status {
		return map[string]license.Status{"assign": assign, "assign to other": other, "activate": activate, "suspend": suspend,
			"reinstate": reinstate, "renew": renew, "renew until": until, "revoke": revoke}
	}
	const (
		assigned, active  = license.Assigned, license.Active
		suspended, revoke = license.Suspended, license.Revoked
	)
	gone := row(refused, refused, refused, refused, refused, refused, refused, same)
	return map[string]map[string]license.Status{
		"available":           row(assigned, assigned, refused, refused, refused, refused, refused, refused),
		"available, ended":    row(refused, refused, refused, refused, refused, refused, refused, refused),
		"assigned":            row(same, refused, active, suspended, same, assigned, assigned, revoke),
		"active":              row(same, refused, same, suspended, same, active, active, revoke),
		"active, in grace":    row(same, refused, same, suspended, same, active, active, revoke),
		"active, perpetual":   row(same, refused, same, suspended, same, refused, refused, revoke),
		"suspended, assigned": row(same, refused, refused, same, assigned, suspended, suspended, revoke),
		"suspended, active":   row(same, refused, refused, same, active, suspended, suspended, revoke),
		"expired, assigned":   row(same, refused, refused, refused, refused, assigned, assigned, revoke),
		"expired, active":     row(same, refused, refused, refused, refused, active, active, revoke),
		"expired, suspended":  row(same, refused, refused, refused, refused, suspended, suspended, revoke),
		"revoked, active":     gone,
		"revoked, suspended":  gone,
		"revoked, ended":      gone,
	}
}

func TestEveryTransitionFromEveryState(t *testing.T) {
	want := matrix()
	for state, l := range states() {
		for name, c := range changes() {
			t.Run(state+"/"+name, func(t *testing.T) {
				after, changed, err := license.Apply(l, c, now)
				switch w := want[state][name]; w {
				case refused:
					isRefused(t, l, after, changed, err)
				case same:
					if changed || err != nil || !cmp.Equal(l, after) {
						t.Errorf("changed %t, %v: %s", changed, err, cmp.Diff(l, after))
					}
				case "":
					t.Fatal("not in the matrix")
				default:
					if !changed || err != nil || after.Status(now) != w || after.Version != l.Version+1 {
						t.Errorf("changed %t, %v: %s, version %d, want %s", changed, err, after.Status(now), after.Version, w)
					}
				}
			})
		}
	}
}

func isRefused(t *testing.T, before, after license.License, changed bool, err *fault.Error) {
	t.Helper()
	if err == nil {
		t.Fatal("not refused")
	}
	if err.Kind != fault.Conflict || err.Code != "transition_refused" || err.Message == "" {
		t.Errorf("refused as %s %s: %q", err.Kind, err.Code, err.Message)
	}
	if changed || !cmp.Equal(before, after) {
		t.Errorf("refused, yet changed %t: %s", changed, cmp.Diff(before, after))
	}
}

// C-LCY-02: doing again what was done answers the same and changes nothing.
// Renewing by days adds days each time; its repetition is caught by the
// idempotency key of the call.
func TestRepeatingATransitionChangesNothing(t *testing.T) {
	for state, l := range states() {
		for name, c := range changes() {
			if name == "renew" {
				continue
			}
			t.Run(state+"/"+name, func(t *testing.T) {
				once, _, err := license.Apply(l, c, now)
				if err != nil {
					return
				}
				twice, changed, err := license.Apply(once, c, now.Add(time.Minute))
				if changed || err != nil {
					t.Errorf("changed %t, %v", changed, err)
				}
				if diff := cmp.Diff(once, twice); diff != "" {
					t.Errorf("(-once +twice):\n%s", diff)
				}
			})
		}
	}
}

// What each transition writes, and nothing else.
func TestTransitionsWriteTheirFactsOnly(t *testing.T) {
	for _, tc := range []struct {
		name, state, change string
		want                func(*license.License)
	}{
		{"assign starts validity", "available", "assign", func(l *license.License) { // C-LCY-05
			l.CustomerID, l.AssignedAt, l.ExpiresAt = ourCustomer, now, now.Add(365*day)
		}},
		{"activate", "assigned", "activate", func(l *license.License) { l.FirstActivatedAt = now }},
		{"suspend", "active", "suspend", func(l *license.License) {
			l.SuspendedAt, l.SuspendReason, l.Note = now, license.Manual, "On your wish."
		}},
		{"reinstate clears the suspension and its words", "suspended, active", "reinstate", func(l *license.License) {
			l.SuspendedAt, l.SuspendReason, l.Note = zero, "", ""
		}},
		{"renew", "active", "renew", func(l *license.License) { l.ExpiresAt = now.Add((335 + 365) * day) }},
		{"renew keeps a suspension", "suspended, active", "renew", func(l *license.License) { l.ExpiresAt = now.Add((335 + 365) * day) }},
		{"renew until", "active", "renew until", func(l *license.License) { l.ExpiresAt = now.Add(700 * day) }},
		{"revoke", "active", "revoke", func(l *license.License) {
			l.RevokedAt, l.RevokeReason, l.Note = now, license.Leak, "Found in public."
		}},
		{"revoke while suspended replaces the words only", "suspended, active", "revoke", func(l *license.License) {
			l.RevokedAt, l.RevokeReason, l.Note = now, license.Leak, "Found in public."
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := states()[tc.state]
			tc.want(&want)
			want.Version++
			got, _, err := license.Apply(states()[tc.state], changes()[tc.change], now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// C-LCY-05, E-06: validity counts from assignment, or from a later start; a
// fixed end is kept; nothing means forever.
func TestAssignStartsValidity(t *testing.T) {
	for _, tc := range []struct {
		name  string
		alter func(*license.License)
		want  time.Time
	}{
		{"from now", func(*license.License) {}, now.Add(365 * day)},
		{"not from when it was made", func(l *license.License) { l.CreatedAt = now.AddDate(-3, 0, 0) }, now.Add(365 * day)},
		{"one day", func(l *license.License) { l.ValidityDays = 1 }, now.Add(day)},
		{"from a start to come", func(l *license.License) { l.StartsAt = now.Add(10 * day) }, now.Add(375 * day)},
		{"a start gone by counts from now", func(l *license.License) { l.StartsAt = now.Add(-10 * day) }, now.Add(365 * day)},
		{"perpetual", func(l *license.License) { l.ValidityDays = 0 }, zero},
		{"a fixed end", func(l *license.License) { l.ExpiresAt = now.Add(50 * day) }, now.Add(50 * day)},
		{"a fixed end without validity", func(l *license.License) { l.ExpiresAt, l.ValidityDays = now.Add(tick), 0 }, now.Add(tick)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := states()["available"]
			tc.alter(&l)
			got, changed, err := license.Apply(l, changes()["assign"], now)
			if err != nil || !changed {
				t.Fatalf("changed %t, %v", changed, err)
			}
			if !got.ExpiresAt.Equal(tc.want) || !got.AssignedAt.Equal(now) {
				t.Errorf("assigned %v, expires %v, want %v", got.AssignedAt, got.ExpiresAt, tc.want)
			}
		})
	}
}

// U-06: early renewal adds to the old end, late renewal counts from now.
func TestRenew(t *testing.T) {
	by := func(days int) license.Change { return license.Change{Trigger: license.RenewTrigger, Days: days} }
	to := func(at time.Time) license.Change {
		return license.Change{Trigger: license.RenewTrigger, Until: at}
	}
	for _, tc := range []struct {
		name    string
		expires time.Time
		grace   time.Duration
		change  license.Change
		want    time.Time // zero: an Invalid fault with code
		code    string
	}{
		{"early adds to the old end", now.Add(10 * day), 0, by(30), now.Add(40 * day), ""},
		{"in the last microsecond is early", now.Add(tick), 0, by(30), now.Add(30*day + tick), ""},
		{"at the end is late", now, 0, by(30), now.Add(30 * day), ""},
		{"late counts from now", now.Add(-100 * day), 0, by(30), now.Add(30 * day), ""},
		{"in grace adds to the old end", now.Add(-2 * day), 5 * day, by(30), now.Add(28 * day), ""},
		{"at the end of grace is late", now.Add(-5 * day), 5 * day, by(30), now.Add(30 * day), ""},
		{"in grace by less than has passed", now.Add(-4 * day), 5 * day, by(3), zero, "end_in_past"},
		{"by a day", now.Add(day), 0, by(1), now.Add(2 * day), ""},
		{"by a century", now.Add(day), 0, by(license.MaxValidityDays), now.Add(36_501 * day), ""},
		{"by more", now.Add(day), 0, by(license.MaxValidityDays + 1), zero, "days_required"},
		{"by nothing", now.Add(day), 0, by(0), zero, "days_required"},
		{"by less than nothing", now.Add(day), 0, by(-1), zero, "days_required"},
		{"to an instant", now.Add(day), 0, to(now.Add(9 * day)), now.Add(9 * day), ""},
		{"to an instant, late", now.Add(-day), 0, to(now.Add(tick)), now.Add(tick), ""},
		{"to now", now.Add(-day), 0, to(now), zero, "end_in_past"},
		{"to the past", now.Add(day), 0, to(now.Add(-day)), zero, "end_in_past"},
		{"to before the old end", now.Add(10 * day), 0, to(now.Add(9 * day)), zero, "end_too_early"},
		{"to the end of time", now.Add(day), 0, to(license.Forever), zero, "end_too_late"},
		{"to the end of time with its grace", now.Add(day), 5 * day, to(license.Forever.Add(-5 * day)), zero, "end_too_late"},
		{"to just before", now.Add(day), 5 * day, to(license.Forever.Add(-5*day - tick)), license.Forever.Add(-5*day - tick), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := states()["active"]
			l.ExpiresAt, l.Grace = tc.expires, tc.grace
			got, changed, err := license.Apply(l, tc.change, now)
			if tc.code != "" {
				isInvalid(t, l, got, changed, err, tc.code)
				return
			}
			if err != nil || !changed || !got.ExpiresAt.Equal(tc.want) {
				t.Errorf("changed %t, %v: expires %v, want %v", changed, err, got.ExpiresAt, tc.want)
			}
		})
	}
}

func isInvalid(t *testing.T, before, after license.License, changed bool, err *fault.Error, code string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	if err.Kind != fault.Invalid || err.Code != code || err.Message == "" {
		t.Errorf("refused as %s %s, want invalid %s", err.Kind, err.Code, code)
	}
	if changed || !cmp.Equal(before, after) {
		t.Errorf("refused, yet changed %t", changed)
	}
}

func TestBadWishesAreInvalidAndChangeNothing(t *testing.T) {
	for _, tc := range []struct {
		name, state string
		change      license.Change
		code        string
	}{
		{"assign to nobody", "available", license.Change{Trigger: license.Assign}, "customer_required"},
		{"suspend without a reason", "active", license.Change{Trigger: license.Suspend}, "reason_required"},
		{"suspend for a reason of revoking", "active", license.Change{Trigger: license.Suspend, Reason: license.Leak}, "reason_required"},
		{"revoke without a reason", "active", license.Change{Trigger: license.Revoke}, "reason_required"},
		{"revoke for a reason of suspending", "active", license.Change{Trigger: license.Revoke, Reason: license.Payment}, "reason_required"},
		{"no such change", "active", license.Change{Trigger: "unassign"}, "unknown_transition"},
		{"no change", "active", license.Change{}, "unknown_transition"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := states()[tc.state]
			after, changed, err := license.Apply(l, tc.change, now)
			isInvalid(t, l, after, changed, err, tc.code)
		})
	}
	for _, r := range license.SuspendReasons() {
		if _, _, err := license.Apply(states()["active"], license.Change{Trigger: license.Suspend, Reason: r}, now); err != nil {
			t.Errorf("suspend for %s: %v", r, err)
		}
	}
	for _, r := range license.RevokeReasons() {
		if _, _, err := license.Apply(states()["active"], license.Change{Trigger: license.Revoke, Reason: r}, now); err != nil {
			t.Errorf("revoke for %s: %v", r, err)
		}
	}
}

// A state that forbids a change says so before it looks at how it was asked.
func TestRefusalComesBeforeBadWish(t *testing.T) {
	for state, trigger := range map[string]license.Trigger{"expired, active": license.Suspend, "available": license.Revoke, "revoked, active": license.Assign} {
		l := states()[state]
		after, changed, err := license.Apply(l, license.Change{Trigger: trigger}, now)
		isRefused(t, l, after, changed, err)
	}
}

// E-02: a suspended license goes back to what it was before.
func TestSuspendThenReinstateIsTheStateBefore(t *testing.T) {
	for _, state := range []string{"assigned", "active", "active, in grace", "active, perpetual"} {
		t.Run(state, func(t *testing.T) {
			before := states()[state]
			before.Note = ""
			l, _, _ := license.Apply(before, changes()["suspend"], now)
			l, _, err := license.Apply(l, changes()["reinstate"], now.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			before.Version += 2
			if diff := cmp.Diff(before, l); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// No transition suspends what nobody owns; data from elsewhere may say so.
func TestSuspendedAndOwnedByNobodyIsNotAssigned(t *testing.T) {
	l := states()["available"]
	suspendAt(&l, now)
	after, changed, err := license.Apply(l, changes()["assign"], now)
	isRefused(t, l, after, changed, err)
}

// A suspended license that expires meanwhile comes back by renewing first.
func TestExpiredWhileSuspended(t *testing.T) {
	l := states()["suspended, active"]
	later := l.EndsAt()
	if _, _, err := license.Apply(l, changes()["reinstate"], later.Add(-tick)); err != nil {
		t.Errorf("just before its end: %v", err)
	}
	after, changed, err := license.Apply(l, changes()["reinstate"], later)
	isRefused(t, l, after, changed, err)
	l, _, err = license.Apply(l, changes()["renew"], later)
	if err != nil || l.Status(later) != license.Suspended {
		t.Fatalf("renewed: %v, %s", err, l.Status(later))
	}
	l, _, err = license.Apply(l, changes()["reinstate"], later)
	if err != nil || l.Status(later) != license.Active {
		t.Errorf("reinstated: %v, %s", err, l.Status(later))
	}
}

// Any sequence of changes at any times: revoked is for good, the version
// counts the changes, an end never moves back, and an owner never changes.
func TestRandomSequences(t *testing.T) {
	all := changes()
	names := []string{"assign", "assign to other", "activate", "suspend", "reinstate", "renew", "renew until", "revoke"}
	for i := range uint64(rounds) {
		r := seeded(i)
		l, at := states()["available"], now
		l.ValidityDays = pick(r, 0, 1, 400)
		for range 40 {
			name := pick(r, names...)
			if name == "revoke" && !r.rarely(5) {
				continue
			}
			at = at.Add(time.Duration(r.IntN(60)) * day)
			after, changed, err := license.Apply(l, all[name], at)
			follows(t, l, after, changed, err, at)
			if t.Failed() {
				t.Fatalf("seed %d: %s at %v", i, name, at)
			}
			l = after
		}
	}
}

func follows(t *testing.T, before, after license.License, changed bool, err *fault.Error, at time.Time) {
	t.Helper()
	bump := int64(0)
	if changed {
		bump = 1
	}
	switch {
	case err != nil && changed:
		t.Errorf("refused and changed: %v", err)
	case !changed && !cmp.Equal(before, after):
		t.Errorf("changed silently: %s", cmp.Diff(before, after))
	case after.Version != before.Version+bump:
		t.Errorf("version %d after %d, changed %t", after.Version, before.Version, changed)
	case before.Phase() == license.Revoked && (changed || after.Status(at) != license.Revoked):
		t.Errorf("left revoked for %s", after.Status(at))
	case after.ExpiresAt.Before(before.ExpiresAt):
		t.Errorf("end moved from %v back to %v", before.ExpiresAt, after.ExpiresAt)
	case before.CustomerID != "" && after.CustomerID != before.CustomerID:
		t.Errorf("owner changed to %q", after.CustomerID)
	case !before.FirstActivatedAt.IsZero() && !after.FirstActivatedAt.Equal(before.FirstActivatedAt):
		t.Error("first activation changed")
	}
}
