package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

var noon = time.Date(2027, 3, 12, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// trail is a store with a sealer, and a way around both.
type trail struct {
	*store.Store
	*audit.Sealer
	raw *sql.DB
}

func master(t *testing.T, digit string) *signing.Master {
	t.Helper()
	m, err := signing.LoadMaster(strings.Repeat(digit, 64), "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// onEach runs a test on both databases.
func onEach(t *testing.T, test func(*testing.T, trail)) {
	t.Run("SQLite", func(t *testing.T) { test(t, onSQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		url := storetest.Postgres(t)
		test(t, open(t, store.Options{Database: url}, "pgx", url))
	})
}

func onSQLite(t *testing.T) trail {
	dir := storetest.Dir(t)
	return open(t, store.Options{Dir: dir}, "sqlite", "file:"+filepath.Join(dir, "keyward.db")+"?_pragma=busy_timeout(5000)")
}

func open(t *testing.T, o store.Options, driver, source string) trail {
	t.Helper()
	s := storetest.Open(t, o)
	raw, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return trail{s, audit.NewSealer(s, master(t, "1"), clock), raw}
}

// add appends n events, each in a transaction of its own.
func (tr trail) add(t *testing.T, n int) []id.ID {
	t.Helper()
	var ids []id.ID
	for range n {
		e := event.New(event.PersonSignedIn, account.System("r"), noon).Because("first")
		e.Data = event.Data{Purpose: "p"}
		if err := tr.InTx(t.Context(), func(tx *store.Tx) error { return tx.AppendEvent(t.Context(), e) }); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func (tr trail) seal(t *testing.T, want int) {
	t.Helper()
	n, err := tr.Seal(t.Context())
	if n != want || err != nil {
		t.Fatalf("Seal = %d, %v, want %d", n, err, want)
	}
}

func (tr trail) verify(t *testing.T) audit.Report {
	t.Helper()
	report, err := tr.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// tamper changes the database behind Keyward's back.
func (tr trail) tamper(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		result, err := tr.raw.ExecContext(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if n, _ := result.RowsAffected(); n == 0 {
			t.Fatalf("%s: changed nothing", s)
		}
	}
}

func (tr trail) sealed(t *testing.T) []store.Sealed {
	t.Helper()
	all, err := tr.SealedAfter(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEventsAreNumberedInOrderAndProved(t *testing.T) {
	onEach(t, func(t *testing.T, tr trail) {
		if r := tr.verify(t); !r.Intact() || r.Events != 0 || !r.SealedAt.IsZero() {
			t.Errorf("before the first event: %+v", r)
		}
		tr.seal(t, 0)
		ids := tr.add(t, 3)
		tr.seal(t, 3)
		tr.seal(t, 0)
		ids = append(ids, tr.add(t, 2)...)
		if r := tr.verify(t); !r.Intact() || r.Events != 3 {
			t.Errorf("while two wait: %+v", r)
		}
		tr.seal(t, 2)
		sealed := tr.sealed(t)
		for i, s := range sealed {
			if s.Number != int64(i+1) || s.Event.ID != ids[i] {
				t.Errorf("place %d: number %d, event %s, want %s", i, s.Number, s.Event.ID, ids[i])
			}
		}
		want := audit.Report{Events: 5, Hash: sealed[4].Hash, SealedAt: noon}
		if diff := cmp.Diff(want, tr.verify(t)); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
	})
}

func TestManyEventsAreSealedAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, tr trail) {
		const events = 1250 // more than a batch, and more than a page
		err := tr.InTx(t.Context(), func(tx *store.Tx) error {
			for range events {
				if err := tx.AppendEvent(t.Context(), event.New(event.KeyRevealed, account.System(""), noon)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		tr.seal(t, events)
		if r := tr.verify(t); !r.Intact() || r.Events != events {
			t.Errorf("report: %+v", r)
		}
	})
}

// C-AUD-02: concurrent writers and two sealers neither lose nor double a number.
func TestNoNumberIsLostOrDoubled(t *testing.T) {
	onEach(t, func(t *testing.T, tr trail) {
		const writers, each = 8, 25
		ctx, cancel := context.WithCancel(t.Context())
		var sealers, others sync.WaitGroup
		for range 2 {
			sealers.Go(func() {
				for ctx.Err() == nil {
					if _, err := tr.Seal(ctx); err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
			})
		}
		for range writers {
			others.Go(func() { tr.write(t, each) })
		}
		others.Wait()
		cancel()
		sealers.Wait()
		if _, err := tr.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen := map[id.ID]bool{}
		for i, s := range tr.sealed(t) {
			if s.Number != int64(i+1) || seen[s.Event.ID] {
				t.Errorf("place %d has number %d (seen before: %t)", i, s.Number, seen[s.Event.ID])
			}
			seen[s.Event.ID] = true
		}
		if r := tr.verify(t); len(seen) != writers*each || !r.Intact() || r.Events != writers*each {
			t.Errorf("%d events, report %+v", len(seen), r)
		}
	})
}

// write commits n events, with a transaction that is undone beside each.
func (tr trail) write(t *testing.T, n int) {
	undone := errors.New("undone")
	for range n {
		for _, end := range []error{undone, nil} {
			e := event.New(event.PersonSignedIn, account.System(""), noon)
			err := tr.InTx(t.Context(), func(tx *store.Tx) error {
				if err := tx.AppendEvent(t.Context(), e); err != nil {
					return err
				}
				return end
			})
			if err != end {
				t.Error(err)
			}
		}
	}
}

const fifth = `(SELECT event_seq FROM event_seal WHERE number = 5)`

// C-AUD-02: each case says where the chain no longer holds, and whether its end
// was changed, so that nothing more is sealed.
func TestTamperingIsDetected(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		broken     int64
		end        bool
	}{
		"a reason": {[]string{`UPDATE event SET reason = 'other' WHERE seq = ` + fifth}, 5, false},
		"a time":   {[]string{`UPDATE event SET at = at - 1 WHERE seq = ` + fifth}, 5, false},
		"an actor": {[]string{`UPDATE event SET actor_kind = 'person' WHERE seq = ` + fifth}, 5, false},
		"the data": {[]string{`UPDATE event SET data = '{"purpose":"q"}' WHERE seq = ` + fifth}, 5, false},
		"an id":    {[]string{`UPDATE event SET id = '0195a1b2-0000-7000-8000-000000000001' WHERE seq = ` + fifth}, 5, false},
		"a hash": {[]string{
			`UPDATE event_seal SET hash = (SELECT hash FROM event_seal WHERE number = 6) WHERE number = 5`}, 5, false},
		"the first":      {[]string{`UPDATE event SET reason = 'other' WHERE seq = (SELECT min(seq) FROM event)`}, 1, false},
		"the last":       {[]string{`UPDATE event SET reason = 'other' WHERE seq = (SELECT max(seq) FROM event)`}, 10, false},
		"a removed seal": {[]string{`DELETE FROM event_seal WHERE number = 5`}, 5, false},
		"a removed event": {[]string{
			`DELETE FROM event_seal WHERE number = 5`,
			`DELETE FROM event WHERE NOT EXISTS (SELECT 1 FROM event_seal WHERE event_seq = event.seq)`}, 5, false},
		"a removed event, with the others moved up": {[]string{
			`DELETE FROM event_seal WHERE number = 5`,
			`UPDATE event_seal SET number = number + 100 WHERE number > 5`,
			`UPDATE event_seal SET number = number - 101 WHERE number > 100`}, 5, true},
		"two events in each other's place": {[]string{
			`UPDATE event_seal SET number = 100 WHERE number = 5`,
			`UPDATE event_seal SET number = 5 WHERE number = 6`,
			`UPDATE event_seal SET number = 6 WHERE number = 100`}, 5, false},
		"a removed end": {[]string{`DELETE FROM event_seal WHERE number > 8`}, 9, true},
		"a removed end, with the head moved": {[]string{
			`DELETE FROM event_seal WHERE number > 8`,
			`UPDATE event_head SET number = 8, hash = (SELECT hash FROM event_seal WHERE number = 8)`}, 0, true},
		"the head's hash": {[]string{
			`UPDATE event_head SET hash = (SELECT hash FROM event_seal WHERE number = 9)`}, 10, true},
		"the head's time":      {[]string{`UPDATE event_head SET signed_at = signed_at + 1`}, 0, true},
		"the head's signature": {[]string{`UPDATE event_head SET signature = hash`}, 0, true},
		"a removed head":       {[]string{`DELETE FROM event_head`}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			tr := onSQLite(t)
			tr.add(t, 10)
			tr.seal(t, 10)
			tr.tamper(t, c.statements...)
			if r := tr.verify(t); r.Intact() || r.Broken != c.broken {
				t.Errorf("report %+v, want it broken at %d", r, c.broken)
			}
			if c.end {
				tr.refusesToSeal(t)
			}
		})
	}
}

// refusesToSeal proves that a changed end of the chain gets no new signature.
func (tr trail) refusesToSeal(t *testing.T) {
	t.Helper()
	tr.add(t, 1)
	if n, err := tr.Seal(t.Context()); n != 0 || !errors.Is(err, audit.ErrBroken) {
		t.Errorf("Seal = %d, %v, want ErrBroken", n, err)
	}
	if r := tr.verify(t); r.Intact() {
		t.Error("sealing made it look genuine")
	}
}

// Somebody who knows how the chain is made, but not the master key, makes all
// of it anew.
func TestRewrittenChainIsDetected(t *testing.T) {
	onEach(t, func(t *testing.T, tr trail) {
		tr.add(t, 10)
		tr.seal(t, 10)
		tr.tamper(t, `UPDATE event SET reason = 'other' WHERE seq = `+fifth)
		var prev []byte
		for _, s := range tr.sealed(t) {
			hash, err := event.Hash(prev, s.Number, s.Event)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tr.raw.ExecContext(t.Context(), `UPDATE event_seal SET hash = $1 WHERE number = $2`, hash, s.Number); err != nil {
				t.Fatal(err)
			}
			prev = hash
		}
		signature := master(t, "2").SignHead(event.Head(10, prev, noon))
		if _, err := tr.raw.ExecContext(t.Context(), `UPDATE event_head SET hash = $1, signature = $2`, prev, signature); err != nil {
			t.Fatal(err)
		}
		if r := tr.verify(t); r.Intact() || r.Broken != 0 {
			t.Errorf("report %+v", r)
		}
		tr.refusesToSeal(t)
	})
}

// An older end with its genuine signature does not hide what came later.
func TestOlderHeadIsDetected(t *testing.T) {
	onEach(t, func(t *testing.T, tr trail) {
		tr.add(t, 3)
		tr.seal(t, 3)
		old, err := tr.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tr.add(t, 3)
		tr.seal(t, 3)
		if err := tr.InTx(t.Context(), func(tx *store.Tx) error { return tx.SaveHead(t.Context(), old) }); err != nil {
			t.Fatal(err)
		}
		if r := tr.verify(t); r.Intact() || r.Broken != 4 {
			t.Errorf("report %+v", r)
		}
		tr.refusesToSeal(t)
	})
}
