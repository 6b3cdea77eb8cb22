package demo_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/demo"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/verdict"
)

var quiet = slog.New(slog.DiscardHandler)

// running is a demo that serves until it is stopped.
type running struct {
	demo.Access
	stop func()
	done chan error
}

// patience is how long a demo may take to be ready.
const patience = 3 * time.Minute

// large is more than one batch. Tests of the whole program have the demo as it
// is shipped.
const large = 600

func start(t *testing.T, c config.Demo) *running {
	t.Helper()
	c.JSON, c.Listen = true, "127.0.0.1:0"
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	r := &running{stop: stop, done: make(chan error, 1)}
	go func() {
		err := demo.Run(ctx, demo.Options{Demo: c, Stdout: write, Log: quiet, Large: large})
		r.done <- err
		write.CloseWithError(errors.Join(io.EOF, err))
	}()
	giveUp := time.AfterFunc(patience, stop)
	defer giveUp.Stop()
	line, err := bufio.NewReader(read).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r.Access)
	}
	if err != nil {
		stop()
		t.Fatalf("the demo printed %q: %v", line, err)
	}
	return r
}

func (r *running) stopped(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// office opens the demo's installation beside it, as commands do.
type office struct {
	*server.Services
	t *testing.T
}

func beside(t *testing.T, c config.Demo) office {
	t.Helper()
	uses, err := server.Assemble(t.Context(), config.Database{Data: c.Data, Database: c.Database}, server.Options{NoMigrate: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := uses.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	return office{uses, t}
}

// signedIn proves the password and returns who it is for.
func (o office) signedIn(s demo.SignIn) account.Actor {
	o.t.Helper()
	entry, err := o.Identity.SignIn(o.t.Context(), identity.SignIn{Email: s.Email, Password: s.Password})
	if err != nil {
		o.t.Fatalf("sign in as %s: %v", s.Email, err)
	}
	signed, err := o.Identity.Session(o.t.Context(), entry.Token)
	if err != nil {
		o.t.Fatal(err)
	}
	return signed.Actor("", identity.Origin{}.Address)
}

func (o office) list(owner account.Actor, q licensing.ListQuery) licensing.List {
	o.t.Helper()
	list, err := o.Licensing.List(o.t.Context(), owner, q)
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

func (o office) detail(owner account.Actor, l string) licensing.Detail {
	o.t.Helper()
	d, err := o.Licensing.Detail(o.t.Context(), owner, id.ID(l))
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

func TestDemo(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := config.Demo{Data: t.TempDir(), Database: database(t)}
			first := start(t, c)
			o := beside(t, c)
			main := o.signedIn(first.Customer)
			t.Run("has customers with many, few and no licenses", func(t *testing.T) { customers(t, o, first.Access, main) })
			t.Run("shows a license in every state", func(t *testing.T) { states(t, o, main) })
			t.Run("has the cases that scripts rely on", func(t *testing.T) { cases(t, o, first.Access, main) })
			t.Run("shows floating seats that are held, and some that lapsed", func(t *testing.T) { floating(t, o, main) })
			t.Run("has a history in order", func(t *testing.T) { histories(t, o, first.Access, main) })
			t.Run("has a product in each environment and a token for each", func(t *testing.T) { vendor(t, o, first.Access) })
			t.Run("has an invitation in its mailbox", func(t *testing.T) { mailbox(t, first.Access) })
			freed := free(t, o, main, first.Licenses["limit_reached"].ID)
			first.stopped(t)
			t.Run("starts again as it was", func(t *testing.T) { again(t, c, first.Access, main, freed) })
		})
	}
}

func customers(t *testing.T, o office, a demo.Access, main account.Actor) {
	for _, c := range []struct {
		who  account.Actor
		want int
	}{
		{main, 40}, {o.signedIn(a.OtherCustomer), 4}, {o.signedIn(a.LargeCustomer), large}, {o.signedIn(a.EmptyCustomer), 0},
	} {
		if got := o.list(c.who, licensing.ListQuery{}).Owned; got != c.want {
			t.Errorf("%d licenses, want %d", got, c.want)
		}
	}
}

func states(t *testing.T, o office, main account.Actor) {
	list := o.list(main, licensing.ListQuery{})
	for _, s := range license.OwnedStatuses() {
		if list.Counts[s] < 2 {
			t.Errorf("%d licenses are %s", list.Counts[s], s)
		}
	}
	if list.Urgent == nil || list.Soon < 2 {
		t.Errorf("%d end soon", list.Soon)
	}
}

func cases(t *testing.T, o office, a demo.Access, main account.Actor) {
	var elsewhere []string
	for name, l := range a.Licenses {
		d := o.detail(main, l.ID)
		if found, err := o.Licensing.Find(t.Context(), account.System(""), l.Key); err != nil || string(found) != l.ID {
			t.Errorf("%s: its key finds %s, %v", name, found, err)
		}
		if string(d.License.ProductID) != l.ProductID {
			t.Errorf("%s: product %s, said to be %s", name, d.License.ProductID, l.ProductID)
		}
		if l.ProductID != a.Products[0].ID {
			elsewhere = append(elsewhere, name)
		}
		if wrong := wrongCase(name, d); wrong != "" {
			t.Errorf("%s: %s", name, wrong)
		}
	}
	if len(a.Licenses) != 11 || len(elsewhere) != 2 || a.Licenses["high_security"].ProductID == a.Products[0].ID || a.Licenses["staging"].ProductID == a.Products[0].ID {
		t.Errorf("%d cases, of other products: %v", len(a.Licenses), elsewhere)
	}
	if a.Tokens.Client != a.Tokens.ByProduct[a.Products[0].ID] {
		t.Error("the client token is not that of the first product")
	}
}

func floating(t *testing.T, o office, main account.Actor) {
	list := o.list(main, licensing.ListQuery{Search: "Relief"})
	if len(list.Rows) != 1 {
		t.Fatalf("%d licenses of Relief Renderer", len(list.Rows))
	}
	d := o.detail(main, string(list.Rows[0].License.ID))
	lapsed := slices.DeleteFunc(d.Devices, func(a license.Activation) bool { return !a.Lapsed(d.At) })
	if !d.License.Floating() || !d.Use.Valid || !d.AddDevice.Valid || d.Used != 2 || len(lapsed) != 2 {
		t.Errorf("floating %v, %d seats held of %d, %d lapsed", d.License.Floating(), d.Used, d.License.Limit, len(lapsed))
	}
}

// wrongCase says in which way a license does not show its case.
func wrongCase(name string, d licensing.Detail) string {
	l := d.License
	fits := map[string]bool{
		"active":          d.Use.Valid && d.AddDevice.Valid && d.Used == 2 && l.Limit == 5,
		"limit_reached":   d.Use.Valid && d.AddDevice.Code == verdict.LimitReached && d.Used == 5 && l.Limit == 5 && len(d.Attempts) > 0,
		"expiring":        d.Use.Valid && l.EndsSoon(d.At, 6*24*time.Hour) && !l.EndsSoon(d.At, 3*24*time.Hour),
		"expired":         d.Use.Code == verdict.Expired && d.At.Sub(l.EndsAt()) > 20*24*time.Hour && d.RenewalURL != "",
		"suspended":       d.Use.Code == verdict.Suspended && l.SuspendReason == license.Payment && l.Note != "",
		"revoked":         d.Use.Code == verdict.Revoked && l.Note != "",
		"assigned":        l.Status(d.At) == license.Assigned && l.FirstActivatedAt.IsZero() && d.AddDevice.Valid,
		"high_security":   d.Use.Valid && d.Product.HighSecurity && d.KeyOnFile,
		"staging":         d.Use.Valid && l.Environment == license.Staging,
		"perpetual":       d.Use.Valid && l.Perpetual(),
		"version_limited": d.Use.Valid && l.MaxVersion == "8.x",
	}
	if fit, known := fits[name]; !known || !fit {
		text, _ := json.Marshal(d)
		return "is none: " + string(text)
	}
	return ""
}

func histories(t *testing.T, o office, a demo.Access, main account.Actor) {
	for name, l := range a.Licenses {
		d := o.detail(main, l.ID)
		for i := 1; i < len(d.History); i++ {
			newer, older := d.History[i-1].Event, d.History[i].Event
			if newer.At.Before(older.At) {
				t.Errorf("%s: %s at %v is told after %s at %v", name, newer.Type, newer.At, older.Type, older.At)
			}
		}
		if oldest := d.History[len(d.History)-1].Event.At; oldest.After(d.At.Add(-24 * time.Hour)) {
			t.Errorf("%s: its history begins at %v", name, oldest)
		}
	}
}

func vendor(t *testing.T, o office, a demo.Access) {
	products, err := o.Catalog.Products(t.Context(), account.System(""), "", catalog.MaxPage)
	if err != nil || len(products) < 6 || len(products) != len(a.Products) || len(products) != len(a.Tokens.ByProduct) {
		t.Fatalf("%d products, %d told, %d tokens, %v", len(products), len(a.Products), len(a.Tokens.ByProduct), err)
	}
	siblings := map[license.Environment]bool{}
	for i, p := range products {
		if p.Slug == products[0].Slug {
			siblings[p.Environment] = true
		}
		token, err := o.Identity.AuthenticateToken(t.Context(), a.Tokens.ByProduct[string(p.ID)], identity.Origin{}.Address)
		if err != nil || token.ProductID != p.ID || a.Products[i].ID != string(p.ID) {
			t.Errorf("product %s: token of %s, %v", p.Name, token.ProductID, err)
		}
	}
	if len(siblings) != 3 {
		t.Errorf("siblings in %v", siblings)
	}
	if secret, err := o.Identity.AuthenticateToken(t.Context(), a.Tokens.Secret, identity.Origin{}.Address); err != nil || secret.Kind != account.SecretToken {
		t.Errorf("secret token: %v, %v", secret.Kind, err)
	}
}

// mailbox waits for the invitation, which is sent in the background.
func mailbox(t *testing.T, a demo.Access) {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for deadline := time.After(time.Minute); ; {
		response, err := http.Get(a.MailURL + "messages.json")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), a.URL+"/invitation") {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("no invitation: %s", text)
		}
	}
}

// free deactivates the first device of a license and returns its identifier.
func free(t *testing.T, o office, owner account.Actor, l string) string {
	t.Helper()
	device := o.detail(owner, l).Devices[0]
	if _, err := o.Licensing.Free(t.Context(), owner, device.ID); err != nil {
		t.Fatal(err)
	}
	return device.Identifier
}

// again starts the demo on what the first one left: nothing is made anew, and a
// seat that somebody freed stays free.
func again(t *testing.T, c config.Demo, first demo.Access, main account.Actor, freed string) {
	second := start(t, c)
	defer second.stopped(t)
	got, want := second.Access, first
	got.URL, got.MailURL = want.URL, want.MailURL
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	o := beside(t, c)
	if n := o.list(main, licensing.ListQuery{}).Owned; n != 40 {
		t.Errorf("%d licenses", n)
	}
	d := o.detail(main, first.Licenses["limit_reached"].ID)
	for _, a := range d.Devices {
		if a.Identifier == freed && a.HoldsSeat(d.At) {
			t.Error("the freed device took its seat again")
		}
	}
	if d.Used != 4 {
		t.Errorf("%d seats used", d.Used)
	}
}

func TestRefusesRecordsThatAreNoDemo(t *testing.T) {
	c := config.Demo{Data: t.TempDir(), Listen: "127.0.0.1:0"}
	uses, err := server.Assemble(t.Context(), config.Database{Data: c.Data}, server.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	_, err = uses.Catalog.CreateProduct(t.Context(), account.System(""), catalog.NewProduct{
		Name: "Real", Environment: license.Production, AcceptsHardware: true,
	})
	if err = errors.Join(err, uses.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	err = demo.Run(t.Context(), demo.Options{Demo: c, Stdout: io.Discard, Log: quiet})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != "no_demo" || f.Next == "" {
		t.Errorf("got %v", err)
	}
}

func TestSeedStopsBetweenBatches(t *testing.T) {
	uses, err := server.Assemble(t.Context(), config.Database{Data: t.TempDir()}, server.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer uses.Store.Close()
	ctx, stop := context.WithCancel(t.Context())
	told := stopper{stop}
	done, err := demo.Seed(ctx, uses, demo.Amount{Customers: 1, Licenses: 3000}, told)
	if !errors.Is(err, context.Canceled) || done.Licenses != 1000 {
		t.Errorf("added %d, %v", done.Licenses, err)
	}
}

// stopper interrupts at the first sign of progress.
type stopper struct{ stop func() }

func (s stopper) Write(p []byte) (int, error) {
	s.stop()
	return len(p), nil
}
