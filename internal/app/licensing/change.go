package licensing

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// Assign makes a customer the owner of a license; its validity starts now
// (C-LCY-05). The customer must exist and be active, the product active.
func (s *Service) Assign(ctx context.Context, actor account.Actor, wanted, customer id.ID) (license.License, error) {
	return s.change(ctx, actor, account.LicensesWrite, wanted, license.Change{Trigger: license.Assign, CustomerID: customer})
}

// Suspend pauses a license. The note is for the customer to read.
func (s *Service) Suspend(ctx context.Context, actor account.Actor, wanted id.ID, why license.Reason, note string) (license.License, error) {
	return s.change(ctx, actor, account.LicensesControl, wanted, license.Change{Trigger: license.Suspend, Reason: why, Note: note})
}

// Reinstate ends a suspension.
func (s *Service) Reinstate(ctx context.Context, actor account.Actor, wanted id.ID) (license.License, error) {
	return s.change(ctx, actor, account.LicensesControl, wanted, license.Change{Trigger: license.Reinstate})
}

// Renew extends a license by days, or to an instant when until is not zero.
func (s *Service) Renew(ctx context.Context, actor account.Actor, wanted id.ID, days int, until time.Time) (license.License, error) {
	return s.change(ctx, actor, account.LicensesWrite, wanted, license.Change{Trigger: license.RenewTrigger, Days: days, Until: until})
}

// Revoke ends a license for good, and with it its activations.
func (s *Service) Revoke(ctx context.Context, actor account.Actor, wanted id.ID, why license.Reason, note string) (license.License, error) {
	return s.change(ctx, actor, account.LicensesControl, wanted, license.Change{Trigger: license.Revoke, Reason: why, Note: note})
}

// Change makes one change of a license, whichever it is.
func (s *Service) Change(ctx context.Context, actor account.Actor, wanted id.ID, c license.Change) (license.License, error) {
	return s.change(ctx, actor, Needed(c.Trigger), wanted, c)
}

// Needed is the permission that a change of a license asks for.
func Needed(t license.Trigger) account.Permission {
	switch t {
	case license.Suspend, license.Reinstate, license.Revoke:
		return account.LicensesControl
	}
	return account.LicensesWrite
}

// keptTerms are terms with instants as precise as the store keeps them.
func keptTerms(t license.Terms) license.Terms {
	for _, at := range []**time.Time{&t.ExpiresAt, &t.UpdatesUntil} {
		if *at != nil {
			exact := kept(**at)
			*at = &exact
		}
	}
	return t
}

// MaxNote bounds the words for the customer, in bytes.
const MaxNote = 500

// checkNote reports what is wrong with the words for the customer, if anything.
func checkNote(note string) error {
	var p fault.Problems
	switch {
	case len(note) > MaxNote:
		p.Add("note", "Shorten it: it has at most 500 characters.")
	case !utf8.ValidString(note), strings.ContainsFunc(note, func(r rune) bool { return r != '\n' && r != ' ' && !unicode.IsPrint(r) }):
		p.Add("note", "Remove control and invisible characters.")
	}
	return asError(p.Err())
}

// change makes one transition of one license. Repeating it changes nothing
// and leaves no event; a refused one changes no facts and leaves one event
// (C-LCY-01, C-LCY-02, C-AUD-03).
func (s *Service) change(ctx context.Context, actor account.Actor, need account.Permission, wanted id.ID, c license.Change) (license.License, error) {
	if err := actor.Require(need); err != nil {
		return license.License{}, err
	}
	if err := checkNote(c.Note); err != nil {
		return license.License{}, err
	}
	now := s.clock()
	c.Until, c.Terms = kept(c.Until), keptTerms(c.Terms)
	var after license.License
	var refused *fault.Error
	err := once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		after, refused = license.License{}, nil
		before, err := s.lock(ctx, tx, actor, wanted)
		if err != nil {
			return "", err
		}
		after, refused, err = s.transition(ctx, tx, actor, before, c, now)
		if err != nil || refused != nil {
			return "", err
		}
		return after.ID, nil
	})
	if err == nil {
		err = asError(refused)
	}
	return after, err
}

// transition decides on a locked license and writes what comes of it: the
// change with its event, the event of a refusal, or nothing for a repetition.
func (s *Service) transition(ctx context.Context, tx *store.Tx, actor account.Actor, before license.License, c license.Change, now time.Time) (license.License, *fault.Error, error) {
	after, changed, refused := license.Apply(before, c, now)
	if changed && c.Trigger == license.Assign {
		var err error
		if refused, err = assignable(ctx, tx, before, c.CustomerID); err != nil {
			return before, nil, err
		}
	}
	switch {
	case refused != nil:
		return before, refused, tx.AppendEvent(ctx, refusedChange(actor, before, c, refused, now))
	case changed:
		return after, nil, s.save(ctx, tx, actor, before, after, c, now)
	}
	return after, nil, nil
}

// lock locks the license if the actor's environment includes it.
func (s *Service) lock(ctx context.Context, tx *store.Tx, actor account.Actor, wanted id.ID) (license.License, error) {
	l, err := tx.LockLicense(ctx, wanted)
	if store.IsNotFound(err) || err == nil && !sees(actor, l.Environment) {
		return license.License{}, fault.Missing("license")
	}
	return l, err
}

// assignable checks what an assignment needs beyond the license (C-LCY-03). A
// customer that does not exist is an error; what may change is a refusal.
func assignable(ctx context.Context, tx *store.Tx, l license.License, to id.ID) (*fault.Error, error) {
	customer, err := tx.Customer(ctx, to)
	switch {
	case store.IsNotFound(err):
		return nil, fault.Missing("customer")
	case err != nil:
		return nil, err
	case customer.Status != account.Active:
		return fault.New(fault.Conflict, "customer_inactive", "This customer is switched off.").WithNext("Activate the customer first."), nil
	}
	p, err := tx.Product(ctx, l.ProductID)
	if err != nil {
		return nil, err
	}
	return activeProduct(p), nil
}

func activeProduct(p license.Product) *fault.Error {
	if p.Active && p.KilledAt.IsZero() {
		return nil
	}
	return fault.New(fault.Conflict, "product_inactive", "This product is switched off.").WithNext("Switch it on first.")
}

func refusedChange(actor account.Actor, l license.License, c license.Change, f *fault.Error, now time.Time) event.Event {
	e := event.New(event.ChangeRefused, actor, now).About(l).Because(f.Code)
	e.Data = event.Data{Trigger: string(c.Trigger), Before: event.FactsOf(l, now)}
	return e
}

// save writes a transition and everything that goes with it.
func (s *Service) save(ctx context.Context, tx *store.Tx, actor account.Actor, before, after license.License, c license.Change, now time.Time) error {
	if err := tx.SaveLicense(ctx, after); err != nil {
		return err
	}
	e := event.New(event.OfTransition(c.Trigger), actor, now).About(after).Because(string(c.Reason))
	e.Data = event.Data{Before: event.FactsOf(before, now), After: event.FactsOf(after, now)}
	if err := tx.AppendEvent(ctx, e); err != nil {
		return err
	}
	switch c.Trigger {
	case license.Revoke:
		return s.endAll(ctx, tx, actor, after, now)
	case license.Assign:
		return inviteOwners(ctx, tx, c.CustomerID, now)
	}
	return nil
}

// endAll ends every activation of a license: rows stay, marked ended (E-07).
func (s *Service) endAll(ctx context.Context, tx *store.Tx, actor account.Actor, l license.License, now time.Time) error {
	ended, err := tx.EndActivations(ctx, l.ID, now, license.WithLicense)
	if err != nil {
		return err
	}
	slices.Sort(ended) // by age: one order on every database
	for _, activation := range ended {
		e := event.New(event.ActivationDeactivated, actor, now).About(l).Because(string(license.WithLicense))
		e.ActivationID = activation
		if err := tx.AppendEvent(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
