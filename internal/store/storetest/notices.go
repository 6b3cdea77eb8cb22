package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// notices proves what keeps a mail from being made twice.
func notices(t *testing.T, s *store.Store) {
	t.Run("topics", func(t *testing.T) { noticeTopics(t, s) })
	t.Run("a job is rewritten until it is begun", func(t *testing.T) { rewriting(t, s) })
	t.Run("ends are listed in pages", func(t *testing.T) { endings(t, s) })
	t.Run("each end is noted and told once", func(t *testing.T) { marks(t, s) })
	t.Run("recipients", func(t *testing.T) { recipients(t, s) })
}

func noticeTopics(t *testing.T, s *store.Store) {
	p := aPerson(t, s, "topics@example.com")
	_, _, err := s.NoticeTopic(t.Context(), p.ID, "devices")
	absent(t, err)
	for _, j := range []store.Job{{ID: "first", RunAt: noon}, {ID: "second", RunAt: noon.Add(time.Hour)}} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetNoticeTopic(ctx, p.ID, "devices", j) })
		job, at, err := s.NoticeTopic(t.Context(), p.ID, "devices")
		same(t, j, store.Job{ID: job, RunAt: at}, err)
	}
	for _, tt := range []struct {
		before time.Time
		want   int64
	}{{noon.Add(time.Hour), 0}, {noon.Add(2 * time.Hour), 1}} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.PurgeNoticeTopics(ctx, tt.before, 10)
			same(t, tt.want, n, err)
			return err
		})
	}
}

func rewriting(t *testing.T, s *store.Store) {
	j := aJob("mail", "", noon)
	rewrite := func(want bool) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			done, err := tx.RewriteJob(ctx, j.ID, json.RawMessage(`{"n":2}`))
			same(t, want, done, err)
			return err
		})
	}
	rewrite(false) // it is not there
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return only(tx.Enqueue(ctx, j)) })
	rewrite(true)
	got, err := s.Job(t.Context(), j.ID)
	same(t, `{"n":2}`, string(got.Payload), err)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		claimed, err := tx.ClaimJob(ctx, noon)
		return errors.Join(err, tx.RetryJob(ctx, claimed, "away", noon))
	})
	rewrite(false)
}

// only drops the result of a write.
func only[T any](_ T, err error) error { return err }

func endings(t *testing.T, s *store.Store) {
	p, owner := aProduct(t, s, "endings"), aCustomer(t, s, "Owner of endings")
	from := noon.Add(1000 * 24 * time.Hour)
	var want []store.Ending
	for i, after := range []time.Duration{0, time.Microsecond, time.Microsecond, time.Hour, time.Hour, time.Hour + time.Microsecond} {
		l := aLicense(p, owner.ID)
		l.ExpiresAt = from.Add(after)
		add(t, s, l)
		if i > 0 && i < 5 {
			want = append(want, store.Ending{LicenseID: l.ID, CustomerID: owner.ID, EndsAt: l.ExpiresAt})
		}
	}
	revoked, nobodys := aLicense(p, owner.ID), aLicense(p, "")
	revoked.ExpiresAt, revoked.RevokedAt, revoked.RevokeReason = from.Add(time.Minute), noon, license.Manual
	nobodys.ExpiresAt = from.Add(time.Minute)
	add(t, s, revoked, nobodys)
	var got []store.Ending
	var last store.Ending
	for range 10 {
		page, err := s.Endings(t.Context(), from, from.Add(time.Hour), last, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got, last = append(got, page...), page[0]
	}
	same(t, want, got, nil)
	owned, err := s.OwnedEnding(t.Context(), owner.ID, from.Add(time.Microsecond), from.Add(time.Hour), 10)
	if err != nil || len(owned) != 2 || owned[0].License.ID != want[0].LicenseID || owned[0].ProductName != p.Name {
		t.Errorf("licenses %v (%v)", owned, err)
	}
}

func marks(t *testing.T, s *store.Store) {
	p := aProduct(t, s, "marks")
	ada, owner := aMember(t, s, "marks@example.com")
	bob := aPerson(t, s, "marks.bob@example.com")
	l, m := aLicense(p, owner.ID), aLicense(p, owner.ID)
	m.ExpiresAt = l.ExpiresAt.Add(time.Minute)
	add(t, s, l, m)
	mark := func(person id.ID, kind string, until time.Duration, want int64) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.MarkEnding(ctx, person, owner.ID, kind, l.ExpiresAt, l.ExpiresAt.Add(until), noon)
			same(t, want, n, err)
			return err
		})
	}
	mark(ada.ID, "expired", time.Second, 1)
	mark(ada.ID, "expired", time.Second, 0)
	mark(ada.ID, "expired", time.Hour, 1) // the other one
	mark(ada.ID, "expiring", time.Second, 1)
	mark(bob.ID, "expired", time.Hour, 2)
	l.ExpiresAt = l.ExpiresAt.Add(24 * time.Hour)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveLicense(ctx, l) })
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.MarkTold(ctx, bob.ID, l.ID, "expired", noon) })
	mark(bob.ID, "expired", time.Second, 0)
	mark(ada.ID, "expired", time.Second, 1) // of the new end
	for _, want := range []bool{true, false} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			noted, err := tx.NoteEnd(ctx, l.ID, l.ExpiresAt, noon)
			same(t, want, noted, err)
			return err
		})
	}
}

func recipients(t *testing.T, s *store.Store) {
	owner, c := aMember(t, s, "recipient@example.com")
	manager, viewer, off := aPerson(t, s, "manager@example.com"), aPerson(t, s, "looks@example.com"), aPerson(t, s, "off@example.com")
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(
			tx.AddMembership(ctx, manager.ID, c.ID, account.Manager, noon.Add(time.Second)),
			tx.AddMembership(ctx, viewer.ID, c.ID, account.Viewer, noon),
			tx.AddMembership(ctx, off.ID, c.ID, account.Owner, noon),
			tx.SetPersonStatus(ctx, off.ID, account.Inactive, noon))
	})
	got, err := s.Recipients(t.Context(), c.ID)
	same(t, []account.Person{owner, manager}, got, err)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetCustomerStatus(ctx, c.ID, account.Suspended, noon)
	})
	got, err = s.Recipients(t.Context(), c.ID)
	same(t, nil, got, err)
}
