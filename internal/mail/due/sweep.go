package due

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

const (
	day = 24 * time.Hour
	// sweptUntil names the instant up to which ends were looked for.
	sweptUntil = "license_ends_swept"
	// pageSize bounds what is read at a time.
	pageSize = 200
	// topicLife is how long the latest mail of a topic is remembered.
	topicLife = 2 * day
)

// stage is a reminder: so long before the end, and until the next one is due.
type stage struct {
	kind   string
	before time.Duration
	next   time.Duration
}

// stages are the reminders, the earliest first (C-LCY-09).
func stages() []stage {
	return []stage{
		{"expiring_30", 30 * day, 14 * day}, {"expiring_14", 14 * day, 7 * day}, {"expiring_7", 7 * day, day}, {"expiring_1", day, 0},
	}
}

const expiredKind = "expired"

// Sweep reminds people of licenses that end soon, and appends the event of each
// end there was. Of what it missed while no server ran it sends the most urgent
// only. It may stop anywhere and start again: nobody is told twice.
//
// The first sweep of a database notes when it was: who was told of earlier ends,
// and by whom, is not known.
func (d *Desk) Sweep(ctx context.Context) error {
	now := d.clock()
	since, err := d.swept(ctx)
	if store.IsNotFound(err) {
		return d.setSwept(ctx, now)
	}
	if err != nil || !since.Before(now) {
		return err
	}
	for _, s := range stages() {
		if err := d.remind(ctx, s, since, now); err != nil {
			return fmt.Errorf("remind of licenses that end: %w", err)
		}
	}
	if err := d.end(ctx, since, now); err != nil {
		return fmt.Errorf("note licenses that have ended: %w", err)
	}
	if err := d.forget(ctx, now); err != nil {
		return fmt.Errorf("forget topics of mails: %w", err)
	}
	d.wake()
	return d.setSwept(ctx, now)
}

func (d *Desk) swept(ctx context.Context) (time.Time, error) {
	text, err := d.store.Meta(ctx, sweptUntil)
	if err != nil {
		return time.Time{}, err
	}
	micros, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read %s: %w", sweptUntil, err)
	}
	return time.UnixMicro(micros).UTC(), nil
}

func (d *Desk) setSwept(ctx context.Context, now time.Time) error {
	return d.store.InTx(ctx, func(tx *store.Tx) error {
		return tx.SetMeta(ctx, sweptUntil, strconv.FormatInt(now.UnixMicro(), 10))
	})
}

// each calls f with the ends after one instant and until another.
func (d *Desk) each(ctx context.Context, after, until time.Time, f func([]store.Ending) error) error {
	var last store.Ending
	for after.Before(until) {
		page, err := d.store.Endings(ctx, after, until, last, pageSize)
		if err != nil {
			return err
		}
		if len(page) > 0 {
			if err := f(page); err != nil {
				return err
			}
			last = page[len(page)-1]
		}
		if len(page) < pageSize {
			break
		}
	}
	return ctx.Err()
}

// remind tells of the licenses that came into a stage since the last sweep and
// are not in a later one.
func (d *Desk) remind(ctx context.Context, s stage, since, now time.Time) error {
	after := since.Add(s.before)
	if later := now.Add(s.next); later.After(after) {
		after = later
	}
	told := make(map[id.ID]time.Time) // customers, and the ends before which they were told of
	return d.each(ctx, after, now.Add(s.before), func(page []store.Ending) error {
		for _, e := range page {
			if e.EndsAt.Before(told[e.CustomerID]) {
				continue
			}
			var covered time.Time
			err := d.store.InTx(ctx, func(tx *store.Tx) (err error) {
				covered, err = d.remindOf(ctx, tx, s, e, now)
				return err
			})
			if err != nil {
				return err
			}
			told[e.CustomerID] = covered
		}
		return nil
	})
}

// remindOf tells a customer's people of a license that ends, and of the others
// that end on the same day.
func (d *Desk) remindOf(ctx context.Context, tx *store.Tx, s stage, e store.Ending, now time.Time) (time.Time, error) {
	people, err := tx.Recipients(ctx, e.CustomerID)
	if err != nil {
		return time.Time{}, err
	}
	covered := e.EndsAt.Add(day)
	for _, p := range people {
		until, err := d.tellEnding(ctx, tx, p, account.LicenseExpiringNotice, s.kind, e, now)
		if err != nil {
			return time.Time{}, err
		}
		if until.Before(covered) {
			covered = until
		}
	}
	return covered, nil
}

// tellEnding leaves the mail about the licenses that end on the day of one of
// them, as the person counts days. It returns when that day ends.
func (d *Desk) tellEnding(ctx context.Context, tx *store.Tx, p account.Person, kind account.Notice, mark string, e store.Ending, now time.Time) (time.Time, error) {
	from, until := dayOf(e.EndsAt, p)
	n, err := tx.MarkEnding(ctx, p.ID, e.CustomerID, mark, from, until, now)
	if err != nil || n == 0 {
		return until, err
	}
	j, err := job.Of(string(kind), account.NoticeAbout{
		NoticeTo: account.NoticeTo{PersonID: p.ID}, CustomerID: e.CustomerID, From: &from, Until: &until,
	}, now)
	if err != nil {
		return until, err
	}
	_, err = tx.Enqueue(ctx, j)
	return until, err
}

// dayOf is the day of an instant where the person is.
func dayOf(t time.Time, p account.Person) (from, until time.Time) {
	zone, err := time.LoadLocation(p.Zone())
	if err != nil {
		zone = time.UTC
	}
	y, m, n := t.In(zone).Date()
	return time.Date(y, m, n, 0, 0, 0, 0, zone).UTC(), time.Date(y, m, n+1, 0, 0, 0, 0, zone).UTC()
}

// begin notes that a person need not be reminded that a new term is short: they
// hear of the term itself at this moment.
func (d *Desk) begin(ctx context.Context, tx *store.Tx, p account.Person, e event.Event) error {
	l, err := tx.License(ctx, e.LicenseID)
	if err != nil || l.Perpetual() {
		return err
	}
	left := l.EndsAt().Sub(e.At)
	for _, s := range slices.Backward(stages()) {
		if left <= s.before {
			return tx.MarkTold(ctx, p.ID, l.ID, s.kind, d.clock())
		}
	}
	return nil
}

// expired tells of the end of a license that an event is about. Others that end
// later on the same day are in the same mail.
func (d *Desk) expired(ctx context.Context, tx *store.Tx, p account.Person, e event.Event) error {
	l, err := tx.License(ctx, e.LicenseID)
	if err != nil || l.Status(d.clock()) != license.Expired {
		return err
	}
	_, err = d.tellEnding(ctx, tx, p, account.LicenseExpiredNotice, expiredKind,
		store.Ending{LicenseID: l.ID, CustomerID: l.CustomerID, EndsAt: l.EndsAt()}, d.clock())
	return err
}

// end appends the event of every end there was since the last sweep.
func (d *Desk) end(ctx context.Context, since, now time.Time) error {
	return d.each(ctx, since, now, func(page []store.Ending) error {
		return d.store.InTx(ctx, func(tx *store.Tx) error {
			for _, licenseID := range inOrder(page) {
				if err := d.endOne(ctx, tx, licenseID, now); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// inOrder are the licenses in the order in which rows are locked everywhere.
func inOrder(page []store.Ending) []id.ID {
	ids := make([]id.ID, 0, len(page))
	for _, e := range page {
		ids = append(ids, e.LicenseID)
	}
	slices.Sort(ids)
	return ids
}

func (d *Desk) endOne(ctx context.Context, tx *store.Tx, licenseID id.ID, now time.Time) error {
	l, err := tx.LockLicense(ctx, licenseID)
	if err != nil || l.Status(now) != license.Expired {
		return err
	}
	noted, err := tx.NoteEnd(ctx, l.ID, l.EndsAt(), now)
	if err != nil || !noted {
		return err
	}
	e := event.New(event.LicenseExpired, account.System(""), now).About(l)
	e.Data = event.Data{Before: event.FactsOf(l, l.EndsAt().Add(-time.Microsecond)), After: event.FactsOf(l, now)}
	return tx.AppendEvent(ctx, e)
}

func (d *Desk) forget(ctx context.Context, now time.Time) error {
	for {
		var n int64
		err := d.store.InTx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.PurgeNoticeTopics(ctx, now.Add(-topicLife), pageSize)
			return err
		})
		if err != nil || n < pageSize {
			return err
		}
	}
}
