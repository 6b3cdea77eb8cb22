package licensing_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The last seat is sold once, whoever asks for it at the same time (C-LCY-06).
// SQLite with its one writer would hide the mistake that PostgreSQL shows.
func TestContention(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			p, c := w.Product("editor"), w.Customer("Ada")
			t.Run("32 devices for 5 seats", func(t *testing.T) { lastSeats(w.In(t), p, c) })
			t.Run("one device 32 times", func(t *testing.T) { sameDevice(w.In(t), p, c, "") })
			t.Run("one device 32 times with one idempotency key", func(t *testing.T) { sameDevice(w.In(t), p, c, "retry") })
			t.Run("devices that come and go", func(t *testing.T) { storm(w.In(t), p, c) })
			t.Run("one device freed 32 times", func(t *testing.T) { doubleClicks(w.In(t), p, c) })
		})
	}
}

// together runs f for 0 to n-1, all at once.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	all.Wait()
}

func held(w *apptest.World, l license.License) int {
	w.Helper()
	seats, err := w.Store.Seats(w.Context(), l.ID, nil, w.Clock.Now())
	if err != nil {
		w.Error(err)
	}
	return seats.Used
}

// count is how many of a license's events are of a type.
func count(w *apptest.World, l license.License, of event.Type) int {
	n := 0
	for _, e := range w.Events(l) {
		if e.Type == of {
			n++
		}
	}
	return n
}

func lastSeats(w *apptest.World, p license.Product, c account.Customer) {
	for range 20 {
		l, key := w.License(p, c)
		var got, refused atomic.Int32
		together(32, func(i int) {
			a, err := w.Licensing.Activate(w.Context(), apptest.Client(p), apptest.Call(key, fmt.Sprint("HW-", i)))
			switch {
			case err != nil:
				w.Error(err)
			case a.Verdict.Valid:
				got.Add(1)
			case a.Verdict.Code == verdict.LimitReached:
				refused.Add(1)
			}
		})
		if got.Load() != 5 || refused.Load() != 27 || held(w, l) != 5 {
			w.Fatalf("%d got a seat, %d were refused, %d are held", got.Load(), refused.Load(), held(w, l))
		}
		equal(w, 5, count(w, l, event.ActivationCreated))
		equal(w, 1, count(w, l, event.LicenseActivated))
	}
}

func sameDevice(w *apptest.World, p license.Product, c account.Customer, idempotency string) {
	l, key := w.License(p, c)
	client := apptest.Client(p)
	var seats sync.Map
	together(32, func(int) {
		call := apptest.Call(key, "HW-1")
		call.Idempotency = idempotency
		a, err := w.Licensing.Activate(w.Context(), client, call)
		if err != nil || !a.Verdict.Valid {
			w.Errorf("%s (%v)", a.Verdict.Code, err)
			return
		}
		seats.Store(a.Activation.ID, true)
	})
	n := 0
	seats.Range(func(any, any) bool { n++; return true })
	if n != 1 || held(w, l) != 1 || count(w, l, event.ActivationCreated) != 1 {
		w.Errorf("%d activations, %d seats", n, held(w, l))
	}
}

// storm lets 16 devices take and give back 5 seats while somebody counts.
func storm(w *apptest.World, p license.Product, c account.Customer) {
	l, key := w.License(p, c)
	var over atomic.Bool
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for !over.Load() {
			if n := held(w, l); n > 5 {
				w.Errorf("%d seats are held", n)
				return
			}
		}
	}()
	together(16, func(i int) {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		client := apptest.Client(p)
		for range 25 {
			do := w.Licensing.Activate
			if r.IntN(2) == 0 {
				do = w.Licensing.Deactivate
			}
			if _, err := do(w.Context(), client, apptest.Call(key, fmt.Sprint("HW-", r.IntN(16)))); err != nil {
				w.Error(err)
			}
		}
	})
	over.Store(true)
	<-watched
	open := count(w, l, event.ActivationCreated) - count(w, l, event.ActivationDeactivated)
	if open != held(w, l) || open > 5 {
		w.Errorf("%d seats are held, by events %d", held(w, l), open)
	}
}

func doubleClicks(w *apptest.World, p license.Product, c account.Customer) {
	l, key := w.License(p, c)
	a := w.Activate(p, key, "HW-1", "HW-2")[0]
	owner := apptest.Owner(c)
	together(32, func(int) {
		d, err := w.Licensing.Free(w.Context(), owner, a.ID)
		if err != nil || d.Status != license.ActivationDeactivated {
			w.Errorf("%s (%v)", d.Status, err)
		}
	})
	equal(w, 1, count(w, l, event.ActivationDeactivated))
	equal(w, 1, held(w, l))
}

// Keys of one plan are made by many at once, each its own.
func TestIssuingAtOnce(t *testing.T) { // C-GEN-01
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			p, c := w.Product("editor"), w.Customer("Ada")
			w.Person(c, "ada@example.com") // all of them want to invite her
			var keys sync.Map
			together(32, func(int) {
				_, key, err := w.Licensing.Issue(t.Context(), apptest.Staff(), licensing.Issue{ProductID: p.ID, CustomerID: c.ID})
				if err != nil {
					t.Error(err)
				}
				if _, twice := keys.LoadOrStore(key, true); twice {
					t.Error("a key was made twice")
				}
			})
		})
	}
}
