package intake_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/verdict"
)

var now = time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// office is an installation with a product, a high-security one and a customer.
type office struct {
	*server.Services
	plain, sealed license.Product
	owner         account.Actor
}

func open(t *testing.T) office {
	t.Helper()
	uses, err := server.Assemble(t.Context(), config.Database{Data: t.TempDir()}, server.Options{
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := uses.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	o := office{Services: uses}
	o.plain = product(t, uses, "Cartograph", false)
	o.sealed = product(t, uses, "Tessera", true)
	c, p, err := uses.Identity.CreateCustomer(t.Context(), account.System(""), identity.NewCustomer{Name: "N", Email: "ada@n.example"})
	if err != nil {
		t.Fatal(err)
	}
	o.owner = account.Actor{Kind: account.ActorPerson, ID: p.ID, CustomerID: c.ID, Role: account.Owner}
	return o
}

func product(t *testing.T, uses *server.Services, name string, sealed bool) license.Product {
	t.Helper()
	p, err := uses.Catalog.CreateProduct(t.Context(), account.System(""), catalog.NewProduct{
		Environment: license.Production, Name: name, AcceptsHardware: true, HighSecurity: sealed,
		Features: []license.Feature{{Key: "export", Type: license.Boolean, Value: true}},
		Plan:     catalog.NewGenerator{Pattern: "KEY-{X:5}-{X:5}-{X:5}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (o office) handed(key string) intake.License {
	return intake.License{
		ProductID: o.plain.ID, CustomerID: o.owner.CustomerID, Plan: "Team", Key: key, Limit: 5, AssignedAt: now.Add(-100 * day),
	}
}

func seat(id string) intake.Seat {
	return intake.Seat{Device: license.Device{Identifier: id, Name: "PC " + id}, ActivatedAt: now.Add(-90 * day), LastSeenAt: now.Add(-day)}
}

func (o office) take(t *testing.T, in ...intake.License) []license.License {
	t.Helper()
	taken, err := o.Intake.Take(t.Context(), account.System(""), in)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func (o office) detail(t *testing.T, l license.License) licensing.Detail {
	t.Helper()
	d, err := o.Licensing.Detail(t.Context(), o.owner, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTakenLicensesWorkLikeIssuedOnes(t *testing.T) {
	o := open(t)
	in := o.handed("KEY-ABCDE-FGHJK-MNPQR")
	in.Seats = []intake.Seat{seat("HW-1"), seat("HW-2")}
	l := o.take(t, in)[0]
	d := o.detail(t, l)
	if d.License.Status(now) != license.Active || d.Used != 2 || !d.Use.Valid || !d.AddDevice.Valid {
		t.Errorf("status %s, %d used, use %s, add %s", d.License.Status(now), d.Used, d.Use.Code, d.AddDevice.Code)
	}
	if l.Mask != "KEY-•••••-•••••-•NPQR" {
		t.Errorf("mask %s", l.Mask)
	}
	if f, ok := d.License.Feature("export"); !ok || f.Value != true {
		t.Errorf("features %v", d.License.Features)
	}
	if got, err := o.Licensing.Reveal(t.Context(), o.owner, l.ID); err != nil || got != in.Key {
		t.Errorf("reveal %q, %v", got, err)
	}
	found, err := o.Licensing.Find(t.Context(), account.System(""), "key abcde fghjk mnpqr")
	if err != nil || found != l.ID {
		t.Errorf("found %s, %v", found, err)
	}
	var story []event.Type
	for _, h := range d.History {
		story = append(story, h.Event.Type)
	}
	want := []event.Type{event.ActivationCreated, event.ActivationCreated, event.LicenseAssigned}
	if diff := cmp.Diff(want, story); diff != "" {
		t.Errorf("history: %s", diff)
	}
}

func TestKeysOfHighSecurityProductsAreSealed(t *testing.T) {
	o := open(t)
	in := o.handed("KEY-ABCDE-FGHJK-MNPQR")
	in.ProductID = o.sealed.ID
	l := o.take(t, in)[0]
	kept, err := o.Store.KeyOf(t.Context(), l.ID)
	if err != nil || kept.Text != "" || kept.Folded != "" || len(kept.Sealed) == 0 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	if got, err := o.Licensing.Reveal(t.Context(), o.owner, l.ID); err != nil || got != in.Key {
		t.Errorf("reveal %q, %v", got, err)
	}
}

// P-LICD-04
func TestAHashAloneIsFoundAndNeverShown(t *testing.T) {
	o := open(t)
	in := o.handed("KEY-ABCDE-FGHJK-MNPQR")
	in.HashOnly = true
	l := o.take(t, in)[0]
	if d := o.detail(t, l); d.KeyOnFile {
		t.Error("the key is said to be on file")
	}
	if _, err := o.Licensing.Reveal(t.Context(), o.owner, l.ID); fault.From(err).Code != "key_unavailable" {
		t.Errorf("reveal: %v", err)
	}
	if found, err := o.Licensing.Find(t.Context(), account.System(""), in.Key); err != nil || found != l.ID {
		t.Errorf("found %s, %v", found, err)
	}
}

func TestMoreDevicesThanTheLimitComeAlong(t *testing.T) {
	o := open(t)
	in := o.handed("KEY-ABCDE-FGHJK-MNPQR")
	in.Limit, in.Seats = 1, []intake.Seat{seat("HW-1"), seat("HW-2")}
	d := o.detail(t, o.take(t, in)[0])
	if d.Used != 2 || !d.Use.Valid || d.AddDevice.Code != verdict.LimitReached || !d.Use.Warned(verdict.OverLimit) {
		t.Errorf("%d used, use %s, add %s, warnings %v", d.Used, d.Use.Code, d.AddDevice.Code, d.Use.Warnings)
	}
}

func TestStatesAreTakenOver(t *testing.T) {
	o := open(t)
	suspended, revoked, expired, waiting := o.handed("KEY-AAAAA-FGHJK-MNPQR"), o.handed("KEY-BBBBB-FGHJK-MNPQR"), o.handed("KEY-CCCCC-FGHJK-MNPQR"), o.handed("KEY-DDDDD-FGHJK-MNPQR")
	suspended.Suspended, revoked.Revoked, expired.ExpiresAt = license.Payment, license.Refund, now.Add(-day)
	revoked.Seats = []intake.Seat{seat("HW-1")}
	want := []license.Status{license.Suspended, license.Revoked, license.Expired, license.Assigned}
	var got []license.Status
	for _, l := range o.take(t, suspended, revoked, expired, waiting) {
		d := o.detail(t, l)
		if got = append(got, d.License.Status(now)); d.Used != 0 {
			t.Errorf("%s: %d used", d.License.Status(now), d.Used)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAllOrNothing(t *testing.T) {
	o := open(t)
	good := o.handed("KEY-ABCDE-FGHJK-MNPQR")
	for name, c := range map[string]struct {
		change func(*intake.License)
		code   string
	}{
		"unknown product":    {func(l *intake.License) { l.ProductID = "none" }, "not_found"},
		"unknown customer":   {func(l *intake.License) { l.CustomerID = "none" }, "not_found"},
		"no plan":            {func(l *intake.License) { l.Plan = "" }, "invalid_input"},
		"short key":          {func(l *intake.License) { l.Key = "KEY" }, "invalid_input"},
		"long key":           {func(l *intake.License) { l.Key = strings.Repeat("K", 256) }, "invalid_input"},
		"key with blanks":    {func(l *intake.License) { l.Key = "KEY ABCDE FGHJK" }, "invalid_input"},
		"impossible limit":   {func(l *intake.License) { l.Limit = -1 }, "invalid_input"},
		"assigned later":     {func(l *intake.License) { l.AssignedAt = now.Add(day) }, "invalid_input"},
		"assigned never":     {func(l *intake.License) { l.AssignedAt = time.Time{} }, "invalid_input"},
		"ends beyond time":   {func(l *intake.License) { l.ExpiresAt = license.Forever }, "invalid_input"},
		"odd suspension":     {func(l *intake.License) { l.Suspended = "weather" }, "invalid_input"},
		"odd revocation":     {func(l *intake.License) { l.Revoked = "weather" }, "invalid_input"},
		"device without id":  {func(l *intake.License) { l.Seats = []intake.Seat{{}} }, "invalid_input"},
		"device named twice": {func(l *intake.License) { l.Seats = []intake.Seat{seat("HW-1"), seat("hw-1")} }, "device_twice"},
		"key of the other":   {func(l *intake.License) { l.Key = strings.ToLower(good.Key) }, "key_exists"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := o.handed("KEY-BBBBB-FGHJK-MNPQR")
			c.change(&bad)
			_, err := o.Intake.Take(t.Context(), account.System(""), []intake.License{good, bad})
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if _, err := o.Licensing.Find(t.Context(), account.System(""), good.Key); !fault.Is(err, fault.NotFound) {
				t.Errorf("the good one is there: %v", err)
			}
		})
	}
}

func TestOnlyThoseWhoMayTakeOver(t *testing.T) {
	o := open(t)
	in := []intake.License{o.handed("KEY-ABCDE-FGHJK-MNPQR")}
	reader := account.Actor{Kind: account.ActorToken, Permissions: []account.Permission{account.LicensesRead}}
	if _, err := o.Intake.Take(t.Context(), reader, in); !fault.Is(err, fault.Forbidden) {
		t.Errorf("without permission: %v", err)
	}
	staging := account.Actor{Kind: account.ActorToken, Environment: license.Staging, Permissions: []account.Permission{account.LicensesWrite}}
	if _, err := o.Intake.Take(t.Context(), staging, in); !fault.Is(err, fault.NotFound) {
		t.Errorf("from another environment: %v", err)
	}
	if _, err := o.Intake.Take(t.Context(), account.System(""), make([]intake.License, intake.MaxBatch+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("too many: %v", err)
	}
}
