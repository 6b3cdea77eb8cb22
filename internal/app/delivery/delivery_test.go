package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/blob"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// world has releases.
type world struct {
	*apptest.World
	*delivery.Service
	files string // directory of their content
}

func newWorld(t *testing.T, change ...func(*delivery.Deps)) world {
	t.Helper()
	return worldIn(apptest.New(t), filepath.Join(t.TempDir(), "files"), change...)
}

// worldIn has releases whose files are in a directory.
func worldIn(w *apptest.World, dir string, change ...func(*delivery.Deps)) world {
	d := delivery.Deps{Store: w.Store, Master: w.Master, Blobs: blob.NewDisk(dir), Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(w.Logged, nil))}
	for _, c := range change {
		c(&d)
	}
	return world{w, delivery.New(d), dir}
}

func (w world) publish(p license.Product, version string, change ...func(*delivery.NewRelease)) license.Publication {
	w.Helper()
	in := delivery.NewRelease{
		Product: p.ID, Version: version, At: w.Clock.Now().Add(-time.Hour),
		Files: []delivery.Upload{{FileName: "setup.zip", Size: -1, Content: strings.NewReader("content of " + version)}},
	}
	for _, c := range change {
		c(&in)
	}
	r, err := w.Publish(w.Context(), apptest.Staff(), in)
	w.Must(err)
	return r
}

func (w world) set(p license.Product, d license.Delivery) {
	w.Helper()
	w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.SetDelivery(ctx, p.ID, d, w.Clock.Now()) })
}

// offered lists what a customer may have, and what is locked, as "name version":
// all of each product.
func (w world) offered(c account.Customer, q delivery.Query) (allowed, locked []string) {
	w.Helper()
	d, err := w.Downloads(w.Context(), apptest.Owner(c), q)
	w.Must(err)
	for _, g := range d.Groups {
		q.ProductID = g.Product.ID
		one, err := w.Downloads(w.Context(), apptest.Owner(c), q)
		w.Must(err)
		for _, i := range one.Groups[0].Items {
			if i.Allowed {
				allowed = append(allowed, g.Product.Slug+" "+i.Version)
			} else {
				locked = append(locked, g.Product.Slug+" "+i.Version)
			}
		}
	}
	return allowed, locked
}

func (w world) wantOffered(c account.Customer, want ...string) {
	w.Helper()
	if got, _ := w.offered(c, delivery.Query{}); strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.Errorf("offered %q, want %q", got, want)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if err == nil || fault.From(err).Code != code {
		t.Errorf("got %v, want code %s", err, code)
	}
}

// C-DWN-01
func TestWhatIsOffered(t *testing.T) {
	at := func(days time.Duration) func(*delivery.NewRelease) {
		return func(in *delivery.NewRelease) { in.At = apptest.Start.Add(days * apptest.Day) }
	}
	t.Run("published releases of products held", func(t *testing.T) { // P-DL-01, P-DL-02
		w := newWorld(t)
		p, other, c := w.Product("editor"), w.Product("viewer"), w.Customer("Ada")
		w.publish(p, "1.0", at(-3))
		w.publish(p, "2.0", at(-2))
		w.publish(p, "3.0", func(in *delivery.NewRelease) { in.Draft = true })
		w.publish(p, "4.0", at(5))
		w.publish(other, "9.0")
		w.wantOffered(c)
		w.License(p, c)
		w.wantOffered(c, "editor 2.0", "editor 1.0")
		w.Clock.Set(apptest.Start.Add(5 * apptest.Day)) // its time has come
		w.wantOffered(c, "editor 4.0", "editor 2.0", "editor 1.0")
		_, err := w.SetState(t.Context(), apptest.Staff(), p.ID, "4.0", license.Withdrawn, time.Time{})
		w.Must(err)
		_, err = w.SetState(t.Context(), apptest.Staff(), p.ID, "3.0", license.Published, time.Time{})
		w.Must(err)
		w.wantOffered(c, "editor 3.0", "editor 2.0", "editor 1.0")
		n, err := w.Count(t.Context(), apptest.Owner(c)) // P-DASH-14
		if err != nil || n != 3 {
			t.Errorf("counted %d (%v)", n, err)
		}
	})
	t.Run("from the assignment on, or from the first activation", func(t *testing.T) { // P-DL-03, E-12
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		w.publish(p, "1.0")
		_, key := w.License(p, c)
		w.wantOffered(c, "editor 1.0")
		w.set(p, license.Delivery{ActivationFirst: true})
		w.wantOffered(c)
		w.Activate(p, key, "HW-1")
		w.wantOffered(c, "editor 1.0")
	})
	t.Run("not after a suspension, a revocation or the end", func(t *testing.T) { // P-DL-04
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		r := w.publish(p, "1.0", at(-1))
		l, _ := w.License(p, c)
		owner := apptest.Owner(c)
		token, err := w.Link(t.Context(), owner, "session", r.Assets[0].ID)
		w.Must(err)
		refused := func(code string) {
			t.Helper()
			w.wantOffered(c)
			_, err := w.Link(t.Context(), owner, "session", r.Assets[0].ID)
			wantCode(t, err, code)
			_, err = w.Fetch(t.Context(), owner, "session", r.Assets[0].ID, token, true) // a saved address
			wantCode(t, err, code)
		}
		_, err = w.Licensing.Suspend(t.Context(), apptest.Staff(), l.ID, license.Manual, "")
		w.Must(err)
		refused("suspended")
		_, err = w.Licensing.Reinstate(t.Context(), apptest.Staff(), l.ID)
		w.Must(err)
		w.wantOffered(c, "editor 1.0")
		w.Clock.Set(l.EndsAt())
		refused("expired")
		w.set(p, license.Delivery{AfterExpiry: true}) // E-13, U-07
		w.publish(p, "2.0")
		w.publish(p, "3.0", func(in *delivery.NewRelease) { in.At = l.EndsAt() })
		w.wantOffered(c, "editor 2.0", "editor 1.0")
		_, err = w.Licensing.Revoke(t.Context(), apptest.Staff(), l.ID, license.Refund, "")
		w.Must(err)
		refused("revoked")
	})
	t.Run("versions that are included, others explained", func(t *testing.T) { // P-DL-18
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		w.publish(p, "8.4", at(-3))
		major := w.publish(p, "9.0", at(-2))
		limit := "8.x"
		w.License(p, c, func(in *licensing.Issue) { in.MaxVersion = &limit })
		allowed, locked := w.offered(c, delivery.Query{})
		if strings.Join(allowed, "") != "editor 8.4" || strings.Join(locked, "") != "editor 9.0" {
			t.Errorf("allowed %q, locked %q", allowed, locked)
		}
		_, err := w.Link(t.Context(), apptest.Owner(c), "session", major.Assets[0].ID)
		wantCode(t, err, "version_not_eligible")
		if next := fault.From(err).Next; !strings.Contains(next, "maintenance renewal") {
			t.Errorf("says %q", next)
		}
		w.License(p, c) // P-DL-20: what any license includes
		w.wantOffered(c, "editor 9.0", "editor 8.4")
	})
	t.Run("in the list of all, down to the first stable one", func(t *testing.T) {
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		w.publish(p, "1.0", at(-9))
		w.publish(p, "2.0", at(-8))
		w.publish(p, "3.0", at(-7))
		w.publish(p, "4.0-beta", at(-6), func(in *delivery.NewRelease) { in.Channel = license.Beta })
		limit := "2"
		w.License(p, c, func(in *licensing.Issue) { in.MaxVersion = &limit })
		shown := func() string {
			t.Helper()
			d, err := w.Downloads(t.Context(), apptest.Owner(c), delivery.Query{})
			w.Must(err)
			var all []string
			for _, i := range d.Groups[0].Items {
				all = append(all, i.Version)
			}
			return strings.Join(all, " ")
		}
		if got := shown(); got != "4.0-beta 3.0 2.0" { // two are locked
			t.Errorf("shown %s", got)
		}
		w.License(p, c)
		if got := shown(); got != "4.0-beta 3.0" {
			t.Errorf("shown %s", got)
		}
	})
	t.Run("only the latest, where the product says so", func(t *testing.T) { // P-DL-05
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		w.publish(p, "1.0", at(-5))
		w.publish(p, "2.0", at(-4))
		w.publish(p, "3.0-beta", at(-3), func(in *delivery.NewRelease) { in.Channel = license.Beta })
		limit := "1"
		w.License(p, c, func(in *licensing.Issue) { in.MaxVersion = &limit })
		w.set(p, license.Delivery{LatestOnly: true})
		w.wantOffered(c, "editor 1.0") // the latest that it includes
		w.License(p, c)
		w.wantOffered(c, "editor 3.0-beta", "editor 2.0", "editor 1.0")
		one, err := w.Downloads(t.Context(), apptest.Owner(c), delivery.Query{Channel: license.Beta})
		w.Must(err)
		if len(one.Groups) != 1 || one.Counts[license.Stable] != 2 || one.Counts[license.Beta] != 1 {
			t.Errorf("got %+v", one.Counts)
		}
	})
	t.Run("by the rules of the release", func(t *testing.T) { // P-DL-19
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		access := func(version string, a license.Access) {
			w.publish(p, version, at(-1), func(in *delivery.NewRelease) { in.Access = a })
		}
		now := apptest.Start.Truncate(time.Microsecond)
		access("1.0", license.Access{AssignedAfter: now, ExpiresAfter: now.Add(364 * apptest.Day)})
		access("2.0", license.Access{AssignedAfter: now.Add(time.Second)})
		access("3.0", license.Access{AssignedBefore: now})
		access("4.0", license.Access{ExpiresAfter: now.Add(365 * apptest.Day)})
		access("5.0", license.Access{OpensAt: now.Add(time.Hour)})
		access("6.0", license.Access{ClosesAt: now.Add(time.Hour)})
		w.License(p, c)
		w.wantOffered(c, "editor 6.0", "editor 1.0")
		w.Clock.Set(now.Add(time.Hour))
		w.wantOffered(c, "editor 5.0", "editor 1.0")
	})
	t.Run("the same for one license as staff sees it", func(t *testing.T) { // P-DL-23
		w := newWorld(t)
		p, c := w.Product("editor"), w.Customer("Ada")
		w.publish(p, "8.4", at(-3))
		w.publish(p, "9.0", at(-2))
		limit := "8.x"
		l, _ := w.License(p, c, func(in *licensing.Issue) { in.MaxVersion = &limit })
		w.License(p, c)
		items, err := w.OfLicense(t.Context(), apptest.Staff(), l.ID)
		w.Must(err)
		d, err := w.Downloads(t.Context(), apptest.Owner(c), delivery.Query{LicenseID: l.ID})
		w.Must(err)
		for i, item := range d.Groups[0].Items {
			if items[i].ID != item.ID || items[i].Allowed != item.Allowed || items[i].Verdict.Code != item.Verdict.Code {
				t.Errorf("%s differs", item.Version)
			}
		}
	})
}

func TestLinks(t *testing.T) {
	w := newWorld(t)
	p, c, other := w.Product("editor"), w.Customer("Ada"), w.Customer("Eve")
	r := w.publish(p, "1.0")
	second := w.publish(p, "1.1")
	l, _ := w.License(p, c)
	w.License(p, other)
	owner, asset := apptest.Owner(c), r.Assets[0].ID
	token, err := w.Link(t.Context(), owner, "session", asset)
	w.Must(err)
	fetch := func(actor account.Actor, session, asset id.ID, token string) (string, error) {
		f, err := w.Fetch(t.Context(), actor, session, asset, token, true)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(f.Content)
		return string(b), errors.Join(err, f.Content.Close())
	}

	t.Run("the owner gets the file, counted and on record", func(t *testing.T) { // P-DL-11, P-DL-21
		got, err := fetch(owner, "session", asset, token)
		if err != nil || got != "content of 1.0" {
			t.Errorf("got %q (%v)", got, err)
		}
		events := w.Events(l)
		last := events[len(events)-1]
		if last.Type != event.ReleaseDownloaded || last.PersonID != owner.ID || last.Data.File != "setup.zip" || last.Data.Version != "1.0" || !last.At.Equal(w.Clock.Now()) {
			t.Errorf("event %+v", last)
		}
		stored, err := w.Store.Publication(t.Context(), p.ID, "1.0")
		if err != nil || stored.Assets[0].Downloads != 1 {
			t.Errorf("counted %d (%v)", stored.Assets[0].Downloads, err)
		}
	})
	t.Run("nobody else does", func(t *testing.T) { // P-DL-14
		flipped := []byte(token)
		flipped[len(flipped)-2] ^= 1
		for name, try := range map[string]func() (string, error){
			"another session":  func() (string, error) { return fetch(owner, "other", asset, token) },
			"another customer": func() (string, error) { return fetch(apptest.Owner(other), "session", asset, token) },
			"another file":     func() (string, error) { return fetch(owner, "session", second.Assets[0].ID, token) },
			"a changed link":   func() (string, error) { return fetch(owner, "session", asset, string(flipped)) },
			"half a link":      func() (string, error) { return fetch(owner, "session", asset, token[:20]) },
			"no link":          func() (string, error) { return fetch(owner, "session", asset, "") },
		} {
			if _, err := try(); err == nil || fault.From(err).Code != delivery.CodeLinkForeign {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := w.Link(t.Context(), apptest.Owner(w.Customer("Nobody")), "session", asset)
		wantCode(t, err, "not_found")
		if !strings.Contains(w.Logged.String(), "another customer's record was asked for") { // P-ISO-03
			t.Error("it was not logged")
		}
	})
	t.Run("for 15 minutes", func(t *testing.T) { // P-DL-12, P-DL-13
		w.Clock.Set(apptest.Start.Truncate(time.Microsecond).Add(15 * time.Minute))
		_, err := fetch(owner, "session", asset, token)
		w.Must(err)
		w.Clock.Set(w.Clock.Now().Add(time.Second))
		_, err = fetch(owner, "session", asset, token)
		wantCode(t, err, delivery.CodeLinkExpired)
		if f := fault.From(err); !strings.Contains(f.Next, "click the file again") {
			t.Errorf("says %q", f.Next)
		}
	})
	t.Run("a file that is gone is our fault", func(t *testing.T) { // P-DL-16
		w.Must(w.Blobs.Delete(t.Context(), r.Assets[0].StorageKey))
		token, err := w.Link(t.Context(), owner, "session", asset)
		w.Must(err)
		_, err = fetch(owner, "session", asset, token)
		wantCode(t, err, delivery.CodeFileMissing)
		if !strings.Contains(w.Logged.String(), "a file of a release is missing in storage") {
			t.Error("it was not logged")
		}
	})
}

// left lists the files in storage.
func (w world) left() []string {
	w.Helper()
	var names []string
	err := filepath.WalkDir(w.files, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, p)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.Fatal(err)
	}
	return names
}

// C-STO-03
func TestPublishIsAllOrNothing(t *testing.T) {
	broken := errors.New("the line broke")
	one := func() delivery.Upload {
		return delivery.Upload{FileName: "a.zip", Size: 3, Content: strings.NewReader("abc")}
	}
	for name, tt := range map[string]struct {
		second func(cancel func()) delivery.Upload
		is     error
	}{
		"the source breaks": {func(func()) delivery.Upload {
			return delivery.Upload{FileName: "b.zip", Size: -1, Content: io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken))}
		}, broken},
		"less comes than was announced": {func(func()) delivery.Upload {
			return delivery.Upload{FileName: "b.zip", Size: 9, Content: strings.NewReader("abc")}
		}, nil},
		"it is interrupted": {func(cancel func()) delivery.Upload {
			return delivery.Upload{FileName: "b.zip", Size: -1, Content: io.MultiReader(strings.NewReader("abc"), canceling{cancel})}
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.Product("editor")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := w.Publish(ctx, apptest.Staff(), delivery.NewRelease{Product: p.ID, Version: "1.0", Files: []delivery.Upload{one(), tt.second(cancel)}})
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v", err)
			}
			if left := w.left(); len(left) > 0 {
				t.Errorf("left %q", left)
			}
			list, err := w.Releases(t.Context(), apptest.Staff(), p.ID, "")
			if err != nil || len(list) != 0 {
				t.Errorf("on record %v (%v)", list, err)
			}
		})
	}
}

type canceling struct{ cancel func() }

func (c canceling) Read(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

func TestPublishChecks(t *testing.T) {
	w := newWorld(t)
	p := w.Product("editor")
	w.publish(p, "1.0")
	_, err := w.Publish(t.Context(), apptest.Staff(), delivery.NewRelease{Product: p.ID, Version: "1.0"})
	wantCode(t, err, "version_taken")
	_, err = w.Publish(t.Context(), account.Actor{Kind: account.ActorAdministrator}, delivery.NewRelease{Product: p.ID, Version: "2.0"})
	wantCode(t, err, "permission_missing")
	_, err = w.Publish(t.Context(), apptest.Staff(), delivery.NewRelease{Product: id.New(), Version: "2.0"})
	wantCode(t, err, "not_found")
	file := func(change func(*delivery.Upload)) func(*delivery.NewRelease) {
		return func(in *delivery.NewRelease) {
			u := delivery.Upload{FileName: "a.zip", Content: strings.NewReader("")}
			change(&u)
			in.Files = []delivery.Upload{u}
		}
	}
	for field, changes := range map[string][]func(*delivery.NewRelease){
		"version": {func(in *delivery.NewRelease) { in.Version = "latest" }},
		"channel": {func(in *delivery.NewRelease) { in.Channel = "nightly" }},
		"summary": {func(in *delivery.NewRelease) { in.Summary = "two\nlines" }, func(in *delivery.NewRelease) { in.Summary = strings.Repeat("x", 501) }},
		"notes":   {func(in *delivery.NewRelease) { in.Notes = strings.Repeat("x", 257<<10) }, func(in *delivery.NewRelease) { in.Notes = "\xff" }},
		"access":  {func(in *delivery.NewRelease) { in.Access.OpensAt, in.Access.ClosesAt = apptest.Start, apptest.Start }},
		"files": {
			file(func(u *delivery.Upload) { u.FileName = "../x" }), file(func(u *delivery.Upload) { u.FileName = ".hidden" }),
			file(func(u *delivery.Upload) { u.FileName = "" }),
			func(in *delivery.NewRelease) { in.Files = []delivery.Upload{{FileName: "a"}, {FileName: "a"}} },
		},
		"kind":         {file(func(u *delivery.Upload) { u.Kind = "poem" })},
		"platform":     {file(func(u *delivery.Upload) { u.Platform = "amiga" })},
		"architecture": {file(func(u *delivery.Upload) { u.Architecture = "z80" })},
	} {
		for _, change := range changes {
			in := delivery.NewRelease{Product: p.ID, Version: "2.0"}
			change(&in)
			_, err := w.Publish(t.Context(), apptest.Staff(), in)
			if f := fault.From(err); f == nil || len(f.Fields) == 0 || f.Fields[0].Name != field {
				t.Errorf("%s: got %v", field, err)
			}
		}
	}
	if left := w.left(); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

func TestChangelogAudience(t *testing.T) {
	nobody := account.Actor{}
	for audience, want := range map[delivery.Audience][2]string{ // of somebody unknown, of a customer
		delivery.Nobody:    {"not_found", "not_found"}, // P-CHG-04
		delivery.Customers: {"not_signed_in", ""},      // P-CHG-05
		delivery.Everybody: {"", ""},
	} {
		t.Run(string(audience), func(t *testing.T) {
			w := newWorld(t, func(d *delivery.Deps) { d.Changelogs.Audience = audience })
			p, c := w.Product("editor"), w.Customer("Ada")
			w.set(p, license.Delivery{Changelog: true})
			for i, actor := range []account.Actor{nobody, apptest.Owner(c)} {
				_, err := w.Changelog(t.Context(), actor, "editor", "", "")
				if code := codeOf(err); code != want[i] {
					t.Errorf("%d: got %q", i, code)
				}
			}
		})
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.From(err).Code
}

func TestChangelog(t *testing.T) {
	w := newWorld(t, func(d *delivery.Deps) { d.Changelogs.Entries = 5 })
	p, c := w.Product("editor"), w.Customer("Ada")
	owner := apptest.Owner(c)
	_, err := w.Changelog(t.Context(), owner, "editor", "", "")
	wantCode(t, err, "not_found") // P-CHG-02
	w.set(p, license.Delivery{Changelog: true})
	for _, version := range []string{"1.0", "2.0", "3.0", "4.0", "5.0", "6.0"} {
		w.publish(p, version, func(in *delivery.NewRelease) { in.Files = nil })
	}
	w.publish(p, "7.0", func(in *delivery.NewRelease) { in.Draft = true })
	w.publish(p, "8.0", func(in *delivery.NewRelease) { in.At = apptest.Start.Add(time.Hour) })
	read := func(after, before id.ID) (versions string, last delivery.Changes) {
		t.Helper()
		got, err := w.Changelog(t.Context(), owner, "editor", after, before)
		w.Must(err)
		for _, e := range got.Entries {
			versions += e.Version + " "
		}
		return versions, got
	}
	first, got := read("", "") // P-CHG-06, P-CHG-07
	if first != "6.0 5.0 4.0 3.0 2.0 " || got.Total != 6 || got.HasPrior || !got.HasNext {
		t.Errorf("got %s%+v", first, got.Total)
	}
	second, got := read(got.Entries[4].ID, "")
	if second != "1.0 " || !got.HasPrior || got.HasNext {
		t.Errorf("got %s", second)
	}
	if back, got := read("", got.Entries[0].ID); back != first || got.HasPrior || !got.HasNext {
		t.Errorf("got %s", back)
	}
	w.Clock.Set(apptest.Start.Add(time.Hour))
	if due, _ := read("", ""); !strings.HasPrefix(due, "8.0 6.0") { // P-CHG-09
		t.Errorf("got %s", due)
	}
	w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.SetSlug(ctx, p, "studio", w.Clock.Now()) })
	moved, err := w.Changelog(t.Context(), owner, "editor", "", "") // P-CHG-08
	if err != nil || moved.Moved != "studio" {
		t.Errorf("moved to %q (%v)", moved.Moved, err)
	}
	if list, err := w.Headlines(t.Context(), owner); err != nil || len(list) != 0 {
		t.Errorf("without a license: %v (%v)", list, err)
	}
	w.License(p, c)
	if list, err := w.Headlines(t.Context(), owner); err != nil || len(list) != 1 || list[0].Latest.Version != "8.0" || list[0].Total != 7 {
		t.Errorf("got %v (%v)", list, err)
	}
}

// A customer with very many licenses waits no longer than others.
func TestManyLicensesAreAskedOnce(t *testing.T) {
	w := newWorld(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	w.publish(p, "9.0")
	limit := "8.x"
	for range 50 {
		w.License(p, c, func(in *licensing.Issue) { in.MaxVersion = &limit })
	}
	if _, locked := w.offered(c, delivery.Query{}); strings.Join(locked, "") != "editor 9.0" {
		t.Errorf("locked %q", locked)
	}
}
