package license_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

const rounds = 2000

// random draws facts and requests: few values for each, boundaries among them,
// so that every outcome of every check comes up often, alone and together.
type random struct{ *rand.Rand }

func seeded(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 20260315))} }

func pick[T any](r random, from ...T) T { return from[r.IntN(len(from))] }

// rarely is true once in n.
func (r random) rarely(n int) bool { return r.IntN(n) == 0 }

// instant is one near now, at a boundary, or none.
func (r random) instant() time.Time {
	return pick(r, zero, zero, now, now.Add(-tick), now.Add(tick), now.Add(-day), now.Add(day),
		now.Add(7*day), now.Add(7*day+tick), now.Add(-90*day), now.Add(300*day), now.Add(-time.Duration(r.IntN(900*86_400))*time.Second))
}

func (r random) seldom() time.Time {
	if r.rarely(5) {
		return r.instant()
	}
	return zero
}

func (r random) license() *license.License {
	l := goodLicense()
	l.Limit = r.IntN(5)
	l.ExpiresAt, l.Grace = r.instant(), pick(r, 0, 0, tick, 3*day)
	l.StartsAt, l.SuspendedAt, l.RevokedAt = r.seldom(), r.seldom(), r.seldom()
	l.SuspendReason, l.RevokeReason = pick(r, license.SuspendReasons()...), pick(r, license.RevokeReasons()...)
	l.FirstActivatedAt = pick(r, zero, now.Add(-day))
	l.MaxVersion, l.UpdatesUntil = pick(r, "", "", "8.x", "8", "7.4"), r.seldom()
	l.Note = pick(r, "", "A note.")
	if r.rarely(8) {
		l.CustomerID = ""
	}
	return l
}

func (r random) product() license.Product {
	p := goodProduct()
	p.AcceptsHardware, p.AcceptsDomain = !r.rarely(4), r.rarely(3)
	p.DeviceRequired, p.Active = r.rarely(3), !r.rarely(5)
	p.OfflineAllowed, p.SelfDeactivation = !r.rarely(3), !r.rarely(3)
	p.MaxSkew = pick(r, 0, time.Minute)
	p.RenewalURL = pick(r, "", "https://shop.example/renew?a=1", "javascript:alert(1)")
	p.KilledAt = zero
	if r.rarely(10) {
		p.KilledAt = now.Add(-day)
	}
	return p
}

func (r random) activation() *license.Activation {
	if r.rarely(3) {
		return nil
	}
	return &license.Activation{Identifier: "hw-1", Name: pick(r, "", "Ada's laptop"), ActivatedAt: now.Add(-100 * day),
		LastSeenAt: r.instant(), HoldUntil: r.seldom()}
}

func (r random) facts() license.Facts {
	f := license.Facts{License: r.license(), Product: r.product(), Used: r.IntN(7),
		Device: r.activation(), Nearly: r.activation(), Longest: r.activation(),
		OfflineFiles: r.IntN(4), OfflineLimit: r.IntN(4)}
	if !r.rarely(4) {
		f.Release = &license.Release{Version: "8.2.0", ReleasedAt: now.Add(time.Duration(r.IntN(11)-8) * day)}
	}
	for _, v := range []string{"7.4.1", "8.1", "9.0"} {
		if verdict.VersionAllowed(f.License.MaxVersion, v) && r.rarely(2) {
			f.Eligible = v
		}
	}
	if r.rarely(8) {
		f.BlockedSince, f.BlockReason = now.Add(-day), license.Abuse
	}
	if r.rarely(15) {
		f.License = nil
	}
	return f
}

func (r random) request() license.Request {
	q := license.Request{
		Purpose:           pick(r, purposes()...),
		CallerEnvironment: pick(r, "", license.Production, license.Production, license.Staging),
		Environment:       pick(r, "", "", license.Production, license.Staging),
		CallerProduct:     pick(r, "", ourProduct, ourProduct, otherProduct),
		ProductID:         pick(r, "", "", ourProduct, otherProduct),
		Version:           pick(r, "", "8.2.0", "7.1", "9", "latest"),
		Whole:             r.rarely(3),
		ClientTime:        r.seldom(),
	}
	for _, key := range []string{"export", "sso", "audit"} {
		if r.rarely(4) {
			q.Features = append(q.Features, key)
		}
	}
	if !r.rarely(4) {
		q.Device = &license.Device{Identifier: pick(r, "hw-1", "hw-1", "example.com", ""), Kind: pick(r, license.Hardware, license.Hardware, license.Domain)}
	}
	return q
}

func eachRandom(t *testing.T, check func(t *testing.T, r random, f license.Facts, q license.Request)) {
	t.Helper()
	for i := range uint64(rounds) {
		r := seeded(i)
		f, q := r.facts(), r.request()
		check(t, r, f, q)
		if t.Failed() {
			t.Fatalf("with seed %d: facts %s, request %s", i, encoded(t, f), encoded(t, q))
		}
	}
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return text
}

// All 21 checks in order, valid if and only if none fails, code of the first
// failing one, a fix for each, warnings only beside valid.
func TestAnyVerdictIsConsistent(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ random, f license.Facts, q license.Request) {
		consistent(t, license.Evaluate(f, q, now))
	})
}

func TestRandomFactsReachEveryOutcome(t *testing.T) {
	seen := map[string]bool{}
	for i := range uint64(rounds) {
		r := seeded(i)
		for _, c := range license.Evaluate(r.facts(), r.request(), now).Checks {
			seen[string(c.Code)+" "+string(c.Outcome)] = true
		}
	}
	for _, code := range verdict.Codes() {
		for _, o := range []verdict.Outcome{verdict.Pass, verdict.Fail} {
			if !seen[string(code)+" "+string(o)] {
				t.Errorf("%s never came out as %s", code, o)
			}
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ random, f license.Facts, q license.Request) {
		before := string(encoded(t, f)) + string(encoded(t, q))
		first := encoded(t, license.Evaluate(f, q, now))
		again := encoded(t, license.Evaluate(f, q, now))
		elsewhere := encoded(t, license.Evaluate(f, q, now.In(time.FixedZone("", 3600))))
		if !bytes.Equal(first, again) || !bytes.Equal(first, elsewhere) {
			t.Errorf("differs:\n%s\n%s\n%s", first, again, elsewhere)
		}
		if string(encoded(t, f))+string(encoded(t, q)) != before {
			t.Error("the input was changed")
		}
		var back verdict.Verdict
		if err := json.Unmarshal(first, &back); err != nil || !bytes.Equal(encoded(t, back), first) {
			t.Errorf("does not survive being read again: %v", err)
		}
	})
}

// Doing what a fix says, as often as it is said, makes its check pass. Where
// several devices or features are in the way each is named in turn.
func TestApplyingAFixMakesItsCheckPass(t *testing.T) {
	done := map[verdict.Action]bool{}
	eachRandom(t, func(t *testing.T, _ random, f license.Facts, q license.Request) {
		for _, fix := range license.Evaluate(f, q, now).Fixes {
			done[fix.Action] = true
			fixUntilPass(t, fix, f, q)
		}
	})
	const actions = 30 // all there are
	if len(done) != actions {
		t.Errorf("%d of %d actions were tried: %v", len(done), actions, done)
	}
}

func fixUntilPass(t *testing.T, fix verdict.Fix, f license.Facts, q license.Request) {
	t.Helper()
	f, at := copied(f), now
	for range 12 {
		at = applyFix(t, fix, &f, &q, at)
		v := license.Evaluate(f, q, at)
		if c, _ := v.Check(fix.Check); c.Outcome == verdict.Pass {
			return
		}
		i := slices.IndexFunc(v.Fixes, func(g verdict.Fix) bool {
			return g.Check == fix.Check && g.Action == fix.Action && g.Actor == fix.Actor
		})
		if i < 0 {
			t.Errorf("%s: after %s by %s neither passes nor says how", fix.Check, fix.Action, fix.Actor)
			return
		}
		fix = v.Fixes[i]
	}
	t.Errorf("%s: %s by %s never helps", fix.Check, fix.Action, fix.Actor)
}

// copied returns facts that can be changed without changing f.
func copied(f license.Facts) license.Facts {
	if f.License != nil {
		l := *f.License
		f.License = &l
	}
	if f.Device != nil {
		d := *f.Device
		f.Device = &d
	}
	return f
}

// What software is told names no other device, owner, product or count.
func TestSoftwareLearnsNothingOfOthers(t *testing.T) {
	eachRandom(t, func(t *testing.T, r random, f license.Facts, q license.Request) {
		secrets := plant(r, &f, &q)
		v := license.Evaluate(f, q, now).For(verdict.ForDevice)
		text := string(encoded(t, v))
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("tells %s: %s", s, text)
			}
		}
		if want := verdict.Describe(v.Code).Developer; v.Message != want {
			t.Errorf("message %q, want %q", v.Message, want)
		}
	})
}

// plant puts marks where names, counts and notes are, and returns the marks.
func plant(r random, f *license.Facts, q *license.Request) []string {
	secrets := []string{"Planted", "7919"}
	f.Product.Name, f.Product.Slug = "PlantedProduct", "PlantedSlug"
	f.Product.RenewalURL = ""
	for i, a := range []*license.Activation{f.Nearly, f.Longest} {
		if a != nil {
			a.Identifier, a.Name = fmt.Sprintf("PlantedDevice%d", i), pick(r, "", "PlantedName")
			a.ID = "PlantedActivation"
		}
	}
	f.Used, f.OfflineFiles, f.OfflineLimit = 7919, 7919, pick(r, 7919, 0)
	f.BlockReason = "PlantedReason"
	if l := f.License; l != nil {
		l.Limit, l.Note, l.Plan, l.Mask = pick(r, 7919, 17919, 79190, 0), "PlantedNote", "PlantedPlan", "PlantedMask"
		if l.CustomerID != "" {
			l.CustomerID = "PlantedOwner"
		}
		l.ProductID = pick(r, id.ID("PlantedProductID"), q.ProductID)
	}
	return secrets
}

// What the owner reads holds no internal facts; the administrator reads all.
func TestOwnerLearnsNothingInternal(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ random, f license.Facts, q license.Request) {
		if f.License != nil {
			f.License.ProductID = "Planted"
		}
		v := license.Evaluate(f, q, now)
		full := string(encoded(t, v))
		if text := string(encoded(t, v.For(verdict.ForOwner))); strings.Contains(text, "Planted") || strings.Contains(text, `"internal"`) {
			t.Errorf("tells the owner: %s", text)
		}
		if string(encoded(t, v.For(verdict.ForAdministrator))) != full {
			t.Error("the administrator is told something else")
		}
		if string(encoded(t, v)) != full {
			t.Error("redacting changed the verdict itself")
		}
	})
}

// Whatever an audience is told, the answer is the same answer.
func TestRedactionKeepsTheAnswer(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ random, f license.Facts, q license.Request) {
		full := license.Evaluate(f, q, now)
		for _, a := range []verdict.Audience{verdict.ForDevice, verdict.ForOwner, verdict.ForAdministrator} {
			v := full.For(a)
			same := v.Valid == full.Valid && v.Code == full.Code && v.Purpose == full.Purpose && v.At.Equal(full.At) &&
				len(v.Checks) == len(full.Checks) && len(v.Fixes) == len(full.Fixes)
			for i := range v.Checks {
				same = same && v.Checks[i].Code == full.Checks[i].Code && v.Checks[i].Outcome == full.Checks[i].Outcome
			}
			for i := range v.Fixes {
				same = same && v.Fixes[i].Check == full.Fixes[i].Check && v.Fixes[i].Action == full.Fixes[i].Action
			}
			if !same {
				t.Errorf("%s is told another answer", a)
			}
		}
	})
}

// A verdict and a status never disagree about the same instant.
func TestVerdictAgreesWithStatus(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ random, f license.Facts, q license.Request) {
		if f.License == nil {
			return
		}
		v := license.Evaluate(f, q, now)
		fails := func(c verdict.Code) bool { return slices.Contains(failingCodes(v), c) }
		s := f.License.Status(now)
		switch {
		case (s == license.Revoked) != fails(verdict.Revoked):
			t.Errorf("status %s, revoked fails %t", s, fails(verdict.Revoked))
		case s == license.Expired && !fails(verdict.Expired), s != license.Expired && s != license.Revoked && fails(verdict.Expired):
			t.Errorf("status %s, expired fails %t", s, fails(verdict.Expired))
		case s == license.Suspended && !fails(verdict.Suspended):
			t.Errorf("status %s, yet suspended does not fail", s)
		case v.Valid && s != license.Active && s != license.Assigned:
			t.Errorf("valid while %s", s)
		}
	})
}
