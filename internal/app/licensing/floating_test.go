package licensing_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
	"github.com/keyward/keyward/verdict"
)

const hold = 15 * time.Minute

// floatingLicense is a license of n floating seats.
func floatingLicense(w *apptest.World, slug string, n int) (license.Product, license.License, string, account.Customer) {
	p := w.Product(slug, func(p *license.Product, _ *license.Generator) { p.HoldFor, p.OfflineAllowed = hold, true })
	c := w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { in.Limit = &n })
	return p, l, key, c
}

func TestFloatingSeats(t *testing.T) {
	w := apptest.New(t)
	p, l, key, c := floatingLicense(w, "cad", 1)
	client := apptest.Client(p)
	mine, other := apptest.Call(key, "HW-1"), apptest.Call(key, "HW-2")
	equal(t, hold, w.Reread(l).HoldFor)
	first := w.Activate(p, key, "HW-1")[0]
	equal(t, apptest.Start.Add(hold), first.HoldUntil)

	t.Run("a check-in moves the hold on, at once and without an event", func(t *testing.T) {
		events := len(w.Events(l))
		w.Clock.Add(10 * time.Minute)
		a := answer(t, w.Licensing.CheckIn, client, mine)
		equal(t, verdict.Valid, a.Verdict.Code)
		kept, err := w.Store.Activation(t.Context(), first.ID)
		w.In(t).Must(err)
		equal(t, w.Clock.Now().Add(hold), kept.HoldUntil)
		equal(t, w.Clock.Now(), kept.LastSeenAt)
		equal(t, kept, *a.Activation)
		equal(t, events, len(w.Events(l)))
	})
	t.Run("activating again moves it on too", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		a := answer(t, w.Licensing.Activate, client, mine)
		equal(t, first.ID, a.Activation.ID)
		equal(t, w.Clock.Now().Add(hold), a.Activation.HoldUntil)
	})
	t.Run("validating does not, and no lease lasts beyond the hold", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		a := answer(t, w.Licensing.Validate, client, mine)
		equal(t, w.Clock.Now().Add(hold-time.Minute), a.Activation.HoldUntil)
		equal(t, a.Activation.HoldUntil.Truncate(time.Second), w.Lease(p, a.Lease).ValidUntil)
	})
	t.Run("while it is held, nobody else gets it", func(t *testing.T) {
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, other).Verdict.Code)
	})
	t.Run("past the hold it is free at that instant, and lapsed for its device", func(t *testing.T) {
		w.Clock.Add(hold - time.Minute - time.Microsecond)
		equal(t, 1, held(w.In(t), l))
		w.Clock.Add(time.Microsecond)
		equal(t, 0, held(w.In(t), l))
		equal(t, verdict.SeatLapsed, answer(t, w.Licensing.Validate, client, mine).Verdict.Code)
		w.Activate(p, key, "HW-2")
	})
	t.Run("a lapsed device is refused while no seat is free", func(t *testing.T) {
		equal(t, verdict.SeatLapsed, answer(t, w.Licensing.CheckIn, client, mine).Verdict.Code)
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, mine).Verdict.Code)
		equal(t, 1, held(w.In(t), l))
	})
	t.Run("released, the seat is free at once and the lapsed device checks in to it", func(t *testing.T) {
		equal(t, verdict.NotActivated, answer(t, w.Licensing.Deactivate, client, other).Verdict.Code)
		a := answer(t, w.Licensing.CheckIn, client, mine)
		equal(t, verdict.Valid, a.Verdict.Code)
		if a.Activation.ID == first.ID {
			t.Error("the lapsed activation came back")
		}
		old, err := w.Store.Activation(t.Context(), first.ID)
		w.In(t).Must(err)
		equal(t, license.Lapse, old.EndReason)
		equal(t, old.HoldUntil, old.EndedAt)
	})
	t.Run("its owner frees it in the portal at once", func(t *testing.T) {
		seat := answer(t, w.Licensing.Validate, client, mine).Activation
		_, err := w.Licensing.Free(t.Context(), apptest.Owner(c), seat.ID)
		w.In(t).Must(err)
		equal(t, verdict.NotActivated, answer(t, w.Licensing.CheckIn, client, mine).Verdict.Code)
		w.Activate(p, key, "HW-2")
	})
	t.Run("a license that does not work keeps nobody's seat", func(t *testing.T) {
		_, err := suspend(w, l)
		w.In(t).Must(err)
		a := answer(t, w.Licensing.CheckIn, client, other)
		equal(t, verdict.Suspended, a.Verdict.Code)
		equal(t, license.ActivationSuspended, a.Activation.Status(license.Suspended, w.Clock.Now()))
		w.Clock.Add(hold)
		equal(t, verdict.Suspended, answer(t, w.Licensing.CheckIn, client, other).Verdict.Code)
		equal(t, 0, held(w.In(t), l))
	})
	t.Run("a license keeps what it was issued with", func(t *testing.T) {
		fixed := w.Product("fixed")
		_, key := w.License(fixed, c)
		seat := w.Activate(fixed, key, "HW-1")[0]
		a := answer(t, w.Licensing.CheckIn, apptest.Client(fixed), apptest.Call(key, "HW-1"))
		equal(t, true, seat.HoldUntil.IsZero() && a.Activation.HoldUntil.IsZero())
	})
}

// The sweep ends what lapsed long ago. No verdict changes by it.
func TestTidySeats(t *testing.T) {
	w := apptest.New(t)
	p, l, key, _ := floatingLicense(w, "cad", 2)
	client := apptest.Client(p)
	seat := w.Activate(p, key, "HW-1")[0]
	codes := func() (all []verdict.Code) {
		for _, do := range []ask{w.Licensing.Validate, w.Licensing.CheckIn} {
			all = append(all, answer(t, do, client, apptest.Call(key, "HW-1")).Verdict.Code)
		}
		return all
	}
	tidied := func() license.Activation {
		w.Must(w.Licensing.TidySeats(t.Context()))
		a, err := w.Store.Activation(t.Context(), seat.ID)
		w.Must(err)
		return a
	}
	w.Clock.Set(seat.HoldUntil.Add(license.LapsedKept - time.Microsecond))
	equal(t, time.Time{}, tidied().EndedAt)
	equal(t, verdict.SeatLapsed, answer(t, w.Licensing.Validate, client, apptest.Call(key, "HW-1")).Verdict.Code)

	w.Clock.Add(time.Microsecond)
	before := codes()
	ended := tidied()
	equal(t, seat.HoldUntil, ended.EndedAt)
	equal(t, license.Lapse, ended.EndReason)
	equal(t, []verdict.Code{verdict.NotActivated, verdict.NotActivated}, before)
	equal(t, before, codes())
	events := w.Events(l)
	last := events[len(events)-1]
	equal(t, event.ActivationDeactivated, last.Type)
	equal(t, string(license.Lapse), last.Reason)
	equal(t, 0, *last.Data.Used)
	tidied()
	equal(t, len(events), len(w.Events(l)))
}

// A device that never connects cannot check in: its seat is fixed.
func TestOfflineFileHoldsItsSeatForGood(t *testing.T) {
	w := apptest.New(t)
	p, l, key, c := floatingLicense(w, "cad", 1)
	w.Activate(p, key, "HW-1")
	file, err := w.Licensing.IssueOffline(t.Context(), apptest.Owner(c), l.ID, requestOf(t, p.ID, "HW-1", "first"))
	w.Must(err)
	equal(t, true, file.Activation.HoldUntil.IsZero())
	w.Clock.Add(2 * hold)
	equal(t, 1, held(w, l))
	a := answer(t, w.Licensing.CheckIn, apptest.Client(p), apptest.Call(key, "HW-1"))
	equal(t, verdict.Valid, a.Verdict.Code)
	equal(t, true, a.Activation.HoldUntil.IsZero())
}

// A check-in that waited for its turn while its seat lapsed and went to another
// device does not keep it: what counts is the instant of the lock.
func TestLateCheckIn(t *testing.T) {
	for name, do := range map[string]func(*licensing.Service) ask{
		"check-in": func(s *licensing.Service) ask { return s.CheckIn }, "activation": func(s *licensing.Service) ask { return s.Activate },
	} {
		t.Run(name, func(t *testing.T) {
			w := apptest.New(t)
			p, l, key, _ := floatingLicense(w, "cad", 1)
			w.Activate(p, key, "HW-1")
			var meanwhile sync.Once
			late := licensing.New(licensing.Deps{Store: w.Store, Master: w.Master, BaseURL: apptest.BaseURL, Now: func() time.Time {
				now := w.Clock.Now()
				meanwhile.Do(func() {
					w.Clock.Add(hold)
					w.Activate(p, key, "HW-2")
				})
				return now
			}})
			if a := answer(t, do(late), apptest.Client(p), apptest.Call(key, "HW-1")); a.Verdict.Valid {
				t.Error("it kept a seat that another device holds")
			}
			equal(t, 1, held(w, l))
		})
	}
}

const (
	contenders    = 256
	floatingSeats = 10
)

// However many devices want a floating seat, hold it, vanish and come back: at
// no instant are more held than there are.
func TestFloatingContention(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) { contendForFloating(world(t)) })
	}
}

func contendForFloating(w *apptest.World) {
	p, l, key, _ := floatingLicense(w, "cad", floatingSeats)
	client := apptest.Client(p)
	var over atomic.Bool
	var watching sync.WaitGroup
	watching.Go(func() {
		for !over.Load() {
			if n := heldLocked(w, l); n > floatingSeats {
				w.Errorf("%d seats are held", n)
				return
			}
		}
	})
	var took, refused, lapsed atomic.Int32
	together(contenders, func(i int) {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		call := apptest.Call(key, fmt.Sprint("HW-", i))
		for range 2 {
			a, err := w.Licensing.Activate(w.Context(), client, call)
			switch {
			case err != nil:
				w.Error(err)
				return
			case !a.Verdict.Valid:
				refused.Add(1)
				w.Clock.Add(30 * time.Second) // time passes while it waits, and seats of others lapse
				continue
			}
			took.Add(1)
			if r.IntN(3) == 0 { // vanishes without a word
				return
			}
			w.Clock.Add(hold / 4)
			a, err = w.Licensing.CheckIn(w.Context(), client, call)
			if err != nil {
				w.Error(err)
				return
			}
			if a.Verdict.Code == verdict.SeatLapsed {
				lapsed.Add(1)
			}
			if r.IntN(2) == 0 {
				if _, err := w.Licensing.Deactivate(w.Context(), client, call); err != nil {
					w.Error(err)
				}
			}
		}
	})
	over.Store(true)
	watching.Wait()
	if took.Load() <= floatingSeats || refused.Load() == 0 || lapsed.Load() == 0 {
		w.Errorf("%d took a seat, %d were refused, %d lapsed: nothing was contended for", took.Load(), refused.Load(), lapsed.Load())
	}
	w.Clock.Add(hold)
	if n := heldLocked(w, l); n != 0 {
		w.Errorf("%d seats are held by devices that vanished", n)
	}
}

// heldLocked counts at the instant at which nobody else changes seats.
func heldLocked(w *apptest.World, l license.License) int {
	n := 0
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockLicense(ctx, l.ID); err != nil {
			return err
		}
		seats, err := tx.Seats(ctx, l.ID, nil, w.Clock.Now())
		n = seats.Used
		return err
	})
	return n
}

// Where and with which key the node that TestKilledNode kills works.
const (
	nodeDir = "KEYWARD_TEST_NODE_DIR"
	nodeURL = "KEYWARD_TEST_NODE_DATABASE"
	nodeKey = "KEYWARD_TEST_NODE_KEY"
)

// Seats that a killed node acknowledged are held to the end of their hold and
// not longer, and none is held beside them.
func TestKilledNode(t *testing.T) {
	if key := os.Getenv(nodeKey); key != "" {
		contendUntilKilled(t, key)
	}
	t.Run("SQLite", func(t *testing.T) {
		dir := storetest.Dir(t)
		killNode(apptest.NewIn(t, dir), nodeDir+"="+dir)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := storetest.Postgres(t)
		killNode(apptest.NewAt(t, url), nodeURL+"="+url)
	})
}

func killNode(w *apptest.World, place string) {
	p, l, key, _ := floatingLicense(w, "cad", floatingSeats)
	mine := w.Activate(p, key, "survivor")[0]
	acknowledged := seatsOfKilled(w, place, key)
	if n := heldLocked(w, l); n != floatingSeats {
		w.Fatalf("%d seats are held after %d were acknowledged", n, len(acknowledged))
	}
	for _, device := range acknowledged {
		a := answer(w, w.Licensing.Validate, apptest.Client(p), apptest.Call(key, device))
		equal(w, verdict.Valid, a.Verdict.Code)
	}
	equal(w, verdict.LimitReached, answer(w, w.Licensing.Activate, apptest.Client(p), apptest.Call(key, "new")).Verdict.Code)

	w.Clock.Set(mine.HoldUntil.Add(-time.Microsecond))
	equal(w, verdict.Valid, answer(w, w.Licensing.CheckIn, apptest.Client(p), apptest.Call(key, "survivor")).Verdict.Code)
	w.Clock.Add(time.Microsecond)
	equal(w, 1, heldLocked(w, l))
	w.Activate(p, key, "new")
}

// seatsOfKilled runs this test in a process of its own, kills it once it has
// acknowledged all seats that were left, and returns their devices.
func seatsOfKilled(w *apptest.World, place, key string) []string {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledNode$")
	cmd.Env = append(os.Environ(), place, nodeKey+"="+key)
	out, err := cmd.StdoutPipe()
	w.Must(err)
	w.Must(cmd.Start())
	var devices []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		devices = append(devices, lines.Text())
		if len(devices) == floatingSeats-1 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // killed, as it should be
	if len(devices) != floatingSeats-1 {
		w.Fatalf("the node acknowledged %q", devices)
	}
	return devices
}

// contendUntilKilled is that process: all its devices want seats, for ever.
func contendUntilKilled(t *testing.T, key string) {
	var w *apptest.World
	if dir := os.Getenv(nodeDir); dir != "" {
		w = apptest.NewIn(t, dir)
	} else {
		w = apptest.NewAt(t, os.Getenv(nodeURL))
	}
	p, err := w.Store.ProductBySlug(t.Context(), license.Production, "cad")
	w.Must(err)
	var say sync.Mutex
	together(32, func(i int) {
		device, told := fmt.Sprint("HW-", i), false
		for {
			a, err := w.Licensing.Activate(t.Context(), apptest.Client(p), apptest.Call(key, device))
			if err == nil && a.Verdict.Valid && !told {
				told = true
				say.Lock()
				fmt.Println(device)
				say.Unlock()
			}
		}
	})
}
