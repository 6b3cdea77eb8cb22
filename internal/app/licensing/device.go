package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Answer is what software gets. License and Activation are nil where the
// caller may not know of them.
type Answer struct {
	Verdict    verdict.Verdict
	License    *license.License
	Product    *license.Product
	Activation *license.Activation
	Lease      string // the verdict, signed; "" when it is about no product or over within the second
}

// Validate answers whether the license is good to use on the device, and
// notes that the device was heard of. It writes nothing durable.
func (s *Service) Validate(ctx context.Context, actor account.Actor, c Call) (Answer, error) {
	c, err := s.admit(actor, c)
	if err != nil {
		return Answer{}, err
	}
	return s.validate(ctx, actor, c)
}

// CheckIn is Validate by a device that says who it is: it keeps its seat and
// renews its lease. A floating seat is then held for longer, durably; one that
// lapsed is taken again if one is free.
func (s *Service) CheckIn(ctx context.Context, actor account.Actor, c Call) (Answer, error) {
	c, err := s.admit(actor, c)
	if err != nil {
		return Answer{}, err
	}
	if c.Device == nil {
		return Answer{}, deviceMissing()
	}
	if floating, err := s.floating(ctx, actor, c); err != nil || !floating {
		return s.validate(ctx, actor, c)
	}
	return s.renew(ctx, actor, c)
}

func deviceMissing() *fault.Error {
	return fault.New(fault.Invalid, "invalid_input", "Name the device.").
		WithField("device", "Send device.id: an identifier that stays the same for this device.")
}

// admit checks permission and input, before anything is looked up.
func (s *Service) admit(actor account.Actor, c Call) (Call, error) {
	if err := actor.Require(account.DevicesUse); err != nil {
		return c, err
	}
	return c.check()
}

func (s *Service) validate(ctx context.Context, actor account.Actor, c Call) (Answer, error) {
	req, err := s.request(ctx, actor, c, verdict.Use)
	if err != nil {
		return Answer{}, err
	}
	now := s.clock()
	facts, err := s.find(ctx, actor, c, req, now)
	if err != nil {
		return Answer{}, err
	}
	v := license.Evaluate(facts, req, now)
	if v.Valid && facts.Device != nil {
		s.tally.saw(store.Seen{ActivationID: facts.Device.ID, At: now, AppVersion: c.Version})
	}
	s.tally.validated(countedProduct(actor, facts), v.Code, now)
	return s.answer(ctx, actor, c, facts, v)
}

// find reads the facts of the license with the call's key, without locking.
func (s *Service) find(ctx context.Context, actor account.Actor, c Call, req license.Request, now time.Time) (license.Facts, error) {
	asked, err := s.Store.AskedByKey(ctx, actor.Environment, s.keyHash(actor.Environment, c.Key), req.Device, now)
	if store.IsNotFound(err) {
		return license.Facts{}, nil
	}
	if err != nil {
		return license.Facts{}, err
	}
	p, err := s.products.current(ctx, asked.License.ProductID, asked.ProductVersion)
	if err != nil {
		return license.Facts{}, err
	}
	return complete(ctx, s.Store.Reader, asked.License, p.Product, asked.Seats, req, nil, now)
}

func countedProduct(actor account.Actor, f license.Facts) id.ID {
	if actor.ProductID != "" {
		return actor.ProductID
	}
	return f.Product.ID
}

// Activate gives the device a seat. It is atomic at the limit, and the same
// device twice takes one seat (C-LCY-04, C-LCY-06). A refusal is an answer,
// not an error, and is kept for the owner to see.
func (s *Service) Activate(ctx context.Context, actor account.Actor, c Call) (Answer, error) {
	c, err := s.admit(actor, c)
	if err != nil {
		return Answer{}, err
	}
	if c.Device == nil {
		return Answer{}, deviceMissing()
	}
	return s.act(ctx, actor, c, verdict.AddDevice, s.takeSeat)
}

// Deactivate gives the device's seat back. The verdict of its answer is that
// of using the license afterwards: not_activated says that it worked, and
// repeating it says the same (P-ACT-18).
func (s *Service) Deactivate(ctx context.Context, actor account.Actor, c Call) (Answer, error) {
	c, err := s.admit(actor, c)
	if err != nil {
		return Answer{}, err
	}
	if c.Device == nil {
		return Answer{}, deviceMissing()
	}
	return s.act(ctx, actor, c, verdict.Use, s.giveSeatBack)
}

// deed is one change of a device's seat inside its transaction: it decides on
// the facts, writes, and returns the facts as they are afterwards.
type deed func(ctx context.Context, tx *store.Tx, d *deedContext) error

type deedContext struct {
	actor   account.Actor
	call    Call
	req     license.Request
	now     time.Time
	facts   license.Facts   // before; after when the deed has written
	verdict verdict.Verdict // of facts
	result  *license.Activation
	seen    *store.Seen // what to note once it is committed
	claim   []byte      // hash of the claim code, nil where none is looked at
	guessed bool        // the code was wrong
	offline bool        // the seat is for a device that never connects
}

// act runs a deed: the lock, then the idempotency key, then facts, then the
// rule. Two calls with one key therefore wait for each other.
func (s *Service) act(ctx context.Context, actor account.Actor, c Call, p verdict.Purpose, do deed) (Answer, error) {
	req, err := s.request(ctx, actor, c, p)
	if err != nil {
		return Answer{}, err
	}
	now := s.clock()
	l, err := s.Store.LicenseByKey(ctx, actor.Environment, s.keyHash(actor.Environment, c.Key))
	if store.IsNotFound(err) {
		facts := license.Facts{}
		return s.answer(ctx, actor, c, facts, license.Evaluate(facts, req, now))
	}
	if err != nil {
		return Answer{}, err
	}
	claim, err := s.claimed(ctx, actor, l.ID, c.Claim, now)
	if err != nil {
		return Answer{}, err
	}
	var d *deedContext
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		d = &deedContext{actor: actor, call: c, req: req, claim: claim}
		return s.inTx(ctx, tx, l.ID, d, do)
	})
	if err != nil {
		return Answer{}, err
	}
	if d.guessed {
		if err := s.guesses.count(ctx, actor, l.ID, d.now); err != nil {
			return Answer{}, err
		}
	}
	if d.seen != nil {
		s.tally.saw(*d.seen)
	}
	answer, err := s.answer(ctx, actor, c, d.facts, d.verdict)
	if answer.License != nil {
		answer.Activation = d.result
	}
	return answer, err
}

// claimed is what a claim code is compared by: nothing, where there is none or
// where no more of them are looked at.
func (s *Service) claimed(ctx context.Context, actor account.Actor, l id.ID, code string, now time.Time) ([]byte, error) {
	if code == "" {
		return nil, nil
	}
	if spent, err := s.guesses.spent(ctx, actor, l, now); err != nil || spent {
		return nil, err
	}
	return s.claimHash(l, code), nil
}

func (s *Service) inTx(ctx context.Context, tx *store.Tx, licenseID id.ID, d *deedContext, do deed) error {
	if err := tx.HoldLicense(ctx, licenseID); err != nil {
		return err
	}
	// The instant is that of the lock: one from before it could keep a seat that
	// has lapsed since and gone to another device.
	d.now = s.clock()
	again, err := s.replayed(ctx, tx, licenseID, d)
	if err != nil {
		return err
	}
	asked, err := tx.Asked(ctx, licenseID, d.req.Device, d.now)
	if err != nil {
		return err
	}
	p, err := s.products.within(ctx, tx, asked.License.ProductID, asked.ProductVersion)
	if err != nil {
		return err
	}
	if d.facts, err = complete(ctx, tx.Reader, asked.License, p, asked.Seats, d.req, d.claim, d.now); err != nil {
		return err
	}
	d.decide()
	if again != "" {
		return d.replay(ctx, tx, again)
	}
	if err := do(ctx, tx, d); err != nil {
		return err
	}
	return s.remember(ctx, tx, licenseID, d)
}

// decide makes the verdict of the facts as they are.
func (d *deedContext) decide() { d.verdict = license.Evaluate(d.facts, d.req, d.now) }

// takeSeat is the deed of Activate.
func (s *Service) takeSeat(ctx context.Context, tx *store.Tx, d *deedContext) error {
	if !d.verdict.Valid {
		return s.refuseSeat(ctx, tx, d)
	}
	if held := d.facts.Device; held != nil && held.HoldsSeat(d.now) {
		return d.keep(ctx, tx, *held)
	}
	if lapsed := d.facts.Device; lapsed != nil {
		if err := tidy(ctx, tx, d.actor, d.facts, *lapsed, d.now); err != nil {
			return err
		}
	}
	return s.seat(ctx, tx, d)
}

// refuseSeat keeps the attempt for the owner to see, and counts a wrong claim
// code that was looked at.
func (s *Service) refuseSeat(ctx context.Context, tx *store.Tx, d *deedContext) error {
	l := d.facts.License.ID
	if c, _ := d.verdict.Check(verdict.LimitReached); c.Reason == verdict.ClaimRefused && d.claim != nil {
		d.guessed = true
		if err := tx.CountClaim(ctx, l, d.now); err != nil {
			return err
		}
	}
	return tx.AddAttempt(ctx, l, license.Attempt{
		ID: id.New(), At: d.now, Kind: d.req.Device.Kind, Identifier: d.req.Device.Identifier, Name: d.req.Device.Name, Code: d.verdict.Code,
	})
}

// seat adds the activation and, on the first one, makes the license active.
// "Last seen" stays empty until something is heard of the device after its
// activation (P-ACT-06).
func (s *Service) seat(ctx context.Context, tx *store.Tx, d *deedContext) error {
	a := license.Activation{
		ID: id.New(), LicenseID: d.facts.License.ID, Kind: d.req.Device.Kind, Identifier: d.req.Device.Identifier,
		Name: d.req.Device.Name, Platform: d.req.Device.Platform, AppVersion: d.call.Version,
		ActivatedAt: d.now,
	}
	if !d.offline { // a device that never connects cannot check in
		a.HoldUntil = d.facts.License.HoldUntil(d.now)
	}
	var err error
	if a.Label, err = tx.LabelOf(ctx, a.LicenseID, *d.req.Device); err != nil {
		return err
	}
	if err := tx.AddActivation(ctx, a); err != nil {
		return err
	}
	if err := d.takeReserved(ctx, tx, a.ID); err != nil {
		return err
	}
	before := *d.facts.License
	after, changed, refused := license.Apply(before, license.Change{Trigger: license.FirstActivate}, d.now)
	if refused != nil {
		return refused
	}
	if changed {
		if err := s.save(ctx, tx, d.actor, before, after, license.Change{Trigger: license.FirstActivate}, d.now); err != nil {
			return err
		}
	}
	d.facts.License, d.facts.Device, d.facts.Used, d.result = &after, &a, d.facts.Used+1, &a
	d.decide()
	return tx.AppendEvent(ctx, seatEvent(event.ActivationCreated, d, a.ID, ""))
}

// takeReserved spends the reservation that let the device in: one seat, once.
func (d *deedContext) takeReserved(ctx context.Context, tx *store.Tx, activation id.ID) error {
	if d.facts.Reservation == nil {
		return nil
	}
	if err := tx.UseReservation(ctx, d.facts.Reservation.ID, activation, d.now); err != nil {
		return err
	}
	d.facts.Reservation, d.facts.Reserved = nil, d.facts.Reserved-1
	return nil
}

// giveSeatBack is the deed of Deactivate. It works whatever the license's
// state is: a seat that is not wanted can always be given back.
func (s *Service) giveSeatBack(ctx context.Context, tx *store.Tx, d *deedContext) error {
	held := d.facts.Device
	if held == nil || mismatched(d.verdict) {
		return nil
	}
	gone := held.Over(d.now, license.BySoftware)
	ended, err := tx.EndActivation(ctx, gone.ID, gone.EndedAt, gone.EndReason)
	if err != nil || !ended {
		return err
	}
	if held.HoldsSeat(d.now) { // one that lapsed was not counted
		d.facts.Used--
	}
	d.facts.Device, d.result = nil, &gone
	d.decide()
	return tx.AppendEvent(ctx, seatEvent(event.ActivationDeactivated, d, gone.ID, gone.EndReason))
}

func seatEvent(t event.Type, d *deedContext, activation id.ID, why license.Reason) event.Event {
	return eventOfSeat(t, d.actor, d.facts, activation, why, d.now)
}

func eventOfSeat(t event.Type, actor account.Actor, f license.Facts, activation id.ID, why license.Reason, now time.Time) event.Event {
	e := event.New(t, actor, now).About(*f.License).Because(string(why))
	e.ActivationID = activation
	e.Data = event.Data{Used: &f.Used, Limit: event.FactsOf(*f.License, now).Limit}
	return e
}

// mismatched reports whether the license is not the caller's business: of
// another product, or asked for in another environment.
func mismatched(v verdict.Verdict) bool {
	for _, code := range []verdict.Code{verdict.KeyUnknown, verdict.EnvironmentMismatch, verdict.ProductMismatch} {
		if c, ok := v.Check(code); ok && c.Outcome == verdict.Fail {
			return true
		}
	}
	return false
}
