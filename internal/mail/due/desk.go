package due

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

const (
	cursor = "mail"
	// batch bounds the events of one transaction, which others wait for on
	// SQLite.
	batch = 50
	// quiet is how long a person hears no more of a topic after a mail about it:
	// what happens meanwhile comes together when it is over.
	quiet = 15 * time.Minute
)

// Desk leaves the jobs of mails that are due.
type Desk struct {
	store *store.Store
	now   func() time.Time
	wake  func()
}

// New makes a desk. wake is called when it has left jobs.
func New(s *store.Store, now func() time.Time, wake func()) *Desk {
	return &Desk{store: s, now: now, wake: wake}
}

func (d *Desk) clock() time.Time { return d.now().UTC().Truncate(time.Microsecond) }

// Collect leaves the mails of all sealed events that it has not read yet. It
// may be called in any number of processes.
func (d *Desk) Collect(ctx context.Context) error {
	for {
		behind, err := d.behind(ctx)
		if err != nil || !behind {
			return err
		}
		if err := d.store.InTx(ctx, func(tx *store.Tx) error { return d.collect(ctx, tx) }); err != nil {
			return fmt.Errorf("collect events for mails: %w", err)
		}
		d.wake()
	}
}

// Skip moves the cursor behind everything that is sealed: nobody gets mails
// about it.
func (d *Desk) Skip(ctx context.Context) error {
	return d.store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockEventCursor(ctx, cursor); err != nil {
			return err
		}
		head, err := tx.Head(ctx)
		if store.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.SetEventCursor(ctx, cursor, head.Number)
	})
}

// behind looks before it takes: most rounds find nothing, and those should not
// disturb the ones who write.
func (d *Desk) behind(ctx context.Context) (bool, error) {
	head, err := d.store.Head(ctx)
	if store.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	at, err := d.store.EventCursor(ctx, cursor)
	if store.IsNotFound(err) {
		return head.Number > 0, nil
	}
	return at < head.Number, err
}

func (d *Desk) collect(ctx context.Context, tx *store.Tx) error {
	at, err := tx.LockEventCursor(ctx, cursor)
	if err != nil {
		return err
	}
	list, err := tx.SealedAfter(ctx, at, batch)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := d.tell(ctx, tx, e.Event); err != nil {
			return err
		}
		at = e.Number
	}
	return tx.SetEventCursor(ctx, cursor, at)
}

// noticeOf is the notice that an event makes, or "". What was taken over from
// elsewhere happened before anybody was here to be told.
func noticeOf(e event.Event) account.Notice {
	if e.Reason == string(license.TakenOver) {
		return ""
	}
	switch e.Type {
	case event.LicenseAssigned:
		return account.LicenseAssignedNotice
	case event.LicenseSuspended:
		return account.LicenseSuspendedNotice
	case event.LicenseReinstated:
		return account.LicenseReinstatedNotice
	case event.LicenseRenewed:
		return account.LicenseRenewedNotice
	case event.LicenseRevoked:
		return account.LicenseRevokedNotice
	case event.LicenseExpired:
		return account.LicenseExpiredNotice
	case event.ActivationCreated:
		return account.DevicesChangedNotice
	case event.ActivationDeactivated:
		if e.Reason != string(license.WithLicense) { // the mail about the license says so
			return account.DevicesChangedNotice
		}
	}
	return ""
}

// tell leaves the mails of one event.
func (d *Desk) tell(ctx context.Context, tx *store.Tx, e event.Event) error {
	term := e.Type == event.LicenseAssigned || e.Type == event.LicenseRenewed
	kind := noticeOf(e)
	if e.CustomerID == "" || kind == "" && !term {
		return nil
	}
	if kind == account.DevicesChangedNotice {
		if comes, err := comesAndGoes(ctx, tx, e); err != nil || comes {
			return err
		}
	}
	people, err := tx.Recipients(ctx, e.CustomerID)
	if err != nil {
		return err
	}
	for _, p := range people {
		if term {
			if err := d.begin(ctx, tx, p, e); err != nil {
				return err
			}
		}
		if err := d.tellOne(ctx, tx, p, kind, e); err != nil {
			return err
		}
	}
	return nil
}

// comesAndGoes reports whether an event is a device by itself taking or leaving
// a floating seat, which happens every day and is no news.
func comesAndGoes(ctx context.Context, tx *store.Tx, e event.Event) (bool, error) {
	if e.Actor.Kind == account.ActorPerson {
		return false, nil
	}
	a, err := tx.Activation(ctx, e.ActivationID)
	if store.IsNotFound(err) {
		return false, nil
	}
	return !a.HoldUntil.IsZero(), err
}

func (d *Desk) tellOne(ctx context.Context, tx *store.Tx, p account.Person, kind account.Notice, e event.Event) error {
	switch kind {
	case "":
		return nil
	case account.LicenseExpiredNotice:
		return d.expired(ctx, tx, p, e)
	case account.LicenseAssignedNotice:
		if invited(p) {
			return nil
		}
	}
	about := account.NoticeAbout{NoticeTo: account.NoticeTo{PersonID: p.ID}, CustomerID: e.CustomerID}
	item := account.NoticeItem{
		LicenseID: e.LicenseID, ActivationID: e.ActivationID, Ended: e.Type == event.ActivationDeactivated, Reason: reasonOf(e), At: e.At,
	}
	return d.join(ctx, tx, kind, topicOf(kind, e), about, item)
}

// reasonOf is the reason code of an event; for a device that was activated it
// is who did it.
func reasonOf(e event.Event) string {
	if e.Type != event.ActivationCreated {
		return e.Reason
	}
	if e.Actor.Kind == account.ActorPerson {
		return string(license.ByOwner)
	}
	return string(license.BySoftware)
}

// invited reports whether the person still has to follow their invitation: it
// names what they own, so that they need no second mail about it.
func invited(p account.Person) bool { return p.PasswordHash == "" && p.EmailVerifiedAt.IsZero() }

// topicOf is what comes together in one mail: devices of one license, and
// otherwise the same that happened to any of a customer's licenses.
func topicOf(kind account.Notice, e event.Event) string {
	if kind == account.DevicesChangedNotice {
		return string(kind) + " " + string(e.LicenseID)
	}
	return string(kind) + " " + string(e.CustomerID)
}

// join adds an item to the mail of its topic that waits, or makes one: due at
// once, or when it has been quiet for long enough.
func (d *Desk) join(ctx context.Context, tx *store.Tx, kind account.Notice, topic string, about account.NoticeAbout, item account.NoticeItem) error {
	latest, ran, err := tx.NoticeTopic(ctx, about.PersonID, topic)
	if err != nil && !store.IsNotFound(err) {
		return err
	}
	if err == nil {
		joined, err := add(ctx, tx, latest, item)
		if err != nil || joined {
			return err
		}
	}
	about.Add(item)
	j, err := job.Of(string(kind), about, d.clock())
	if err != nil {
		return err
	}
	if next := ran.Add(quiet); next.After(j.RunAt) {
		j.RunAt = next
	}
	if _, err := tx.Enqueue(ctx, j); err != nil {
		return err
	}
	return tx.SetNoticeTopic(ctx, about.PersonID, topic, j)
}

// add reports whether the item came along with a job: nobody has begun it.
func add(ctx context.Context, tx *store.Tx, jobID id.ID, item account.NoticeItem) (bool, error) {
	j, err := tx.Job(ctx, jobID)
	if store.IsNotFound(err) || err == nil && (j.State != store.JobWaiting || j.Attempts > 0) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var about account.NoticeAbout
	if err := json.Unmarshal(j.Payload, &about); err != nil {
		return false, nil
	}
	about.Add(item)
	payload, err := json.Marshal(about)
	if err != nil {
		return false, err
	}
	return tx.RewriteJob(ctx, jobID, payload)
}
