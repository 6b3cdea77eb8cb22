package export

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// pageSize is how many records are read at a time.
const pageSize = 200

// Service writes exports.
type Service struct {
	store *store.Store
	now   func() time.Time
}

// New makes the use case.
func New(s *store.Store, now func() time.Time) *Service { return &Service{s, now} }

// maxViews is more than a person can keep of all lists.
const maxViews = 20 * account.MaxViews

// Export is one, with what comes first read already: what can be refused is
// refused before anything is written.
type Export struct {
	store *store.Store
	actor account.Actor
	now   time.Time
	head  head
}

// head is what there is once.
type head struct {
	MadeAt   time.Time  `json:"made_at"`
	Person   person     `json:"person"`
	Customer customer   `json:"customer"`
	Factors  factors    `json:"sign_in_with"`
	Calendar *time.Time `json:"calendar_since"` // null: there is none
	Views    []view     `json:"saved_views"`
	Sessions []session  `json:"sessions"`
	SignIns  []signIn   `json:"sign_ins"`
}

// Start reads who the actor is.
func (s *Service) Start(ctx context.Context, actor account.Actor) (*Export, error) {
	if actor.Kind != account.ActorPerson || actor.CustomerID == "" {
		return nil, fault.New(fault.Forbidden, "not_a_customer", "Sign in to the customer portal for this.")
	}
	e := &Export{store: s.store, actor: actor, now: s.now().UTC().Truncate(time.Microsecond)}
	e.head.MadeAt = e.now
	if err := e.readPerson(ctx); err != nil {
		return nil, err
	}
	if err := e.readFactors(ctx); err != nil {
		return nil, err
	}
	if err := e.readViews(ctx); err != nil {
		return nil, err
	}
	return e, e.readAccess(ctx)
}

func (e *Export) readPerson(ctx context.Context) error {
	p, err := e.store.Person(ctx, e.actor.ID)
	if err != nil {
		return err
	}
	e.head.Person, e.head.Factors.Password = personOf(p), p.PasswordHash != ""
	memberships, err := e.store.Memberships(ctx, p.ID)
	for _, m := range memberships {
		if m.Customer.ID == e.actor.CustomerID {
			e.head.Customer = customerOf(m)
		}
	}
	return err
}

func (e *Export) readFactors(ctx context.Context) error {
	f := &e.head.Factors
	app, err := e.store.App(ctx, e.actor.ID)
	if err != nil && !store.IsNotFound(err) {
		return err
	}
	f.AppSince = orNull(app.ConfirmedAt)
	if f.CodesLeft, err = e.store.RecoveryCodesLeft(ctx, e.actor.ID); err != nil {
		return err
	}
	keys, err := e.store.Passkeys(ctx, e.actor.ID, account.MaxPasskeys)
	for _, k := range keys {
		f.Passkeys = append(f.Passkeys, passkey{k.Name, k.CreatedAt, orNull(k.LastUsedAt)})
	}
	if err != nil {
		return err
	}
	feed, err := e.store.FeedOf(ctx, e.actor.ID, e.actor.CustomerID)
	e.head.Calendar = orNull(feed.CreatedAt)
	if store.IsNotFound(err) {
		return nil
	}
	return err
}

func (e *Export) readViews(ctx context.Context) error {
	views, err := e.store.AllViews(ctx, e.actor.ID, e.actor.CustomerID, maxViews)
	for _, v := range views {
		e.head.Views = append(e.head.Views, view{v.List, v.Name, v.Query, v.CreatedAt})
	}
	return err
}

func (e *Export) readAccess(ctx context.Context) error {
	sessions, err := e.store.Sessions(ctx, e.actor.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Live(e.now) {
			e.head.Sessions = append(e.head.Sessions, session{s.CreatedAt, s.LastSeenAt, s.Address, s.UserAgent})
		}
	}
	signIns, err := e.store.SignIns(ctx, e.actor.ID, 2*account.SignInsKept)
	for _, s := range signIns {
		e.head.SignIns = append(e.head.SignIns, signIn{s.At, s.Refused, string(s.Way), s.Address, s.UserAgent})
	}
	return err
}

// Write writes the export as one JSON object. When it fails, what was written
// is no whole object.
func (e *Export) Write(ctx context.Context, w io.Writer) error {
	first, err := json.Marshal(e.head)
	if err != nil {
		return err
	}
	if _, err := w.Write(first[:len(first)-1]); err != nil { // without its closing brace
		return err
	}
	for _, part := range []struct {
		name  string
		write func(context.Context, *list) error
	}{{"licenses", e.licenses}, {"devices", e.devices}, {"tickets", e.tickets}, {"events", e.events}} {
		l := &list{w: w, json: json.NewEncoder(w)}
		if _, err := io.WriteString(w, ",\n\""+part.name+"\":["); err != nil {
			return err
		}
		if err := part.write(ctx, l); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "]"); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "}\n")
	return err
}

// list is an array being written.
type list struct {
	w    io.Writer
	json *json.Encoder
	any  bool
}

func (l *list) add(v any) error {
	if l.any {
		if _, err := io.WriteString(l.w, ","); err != nil {
			return err
		}
	}
	l.any = true
	return l.json.Encode(v)
}

func (e *Export) licenses(ctx context.Context, out *list) error {
	mine := store.LicenseFilter{Customer: e.actor.CustomerID, Now: e.now}
	page := store.Page{Size: pageSize}
	for {
		owned, err := e.store.OwnedLicenses(ctx, mine, license.ByAssigned, false, page)
		if err != nil {
			return err
		}
		for _, o := range owned[:min(len(owned), pageSize)] {
			if err := out.add(licenseOf(o, e.now)); err != nil {
				return err
			}
			page.After = o.License.ID
		}
		if len(owned) <= pageSize {
			return nil
		}
	}
}

func (e *Export) devices(ctx context.Context, out *list) error {
	mine := store.ActivationFilter{Customer: e.actor.CustomerID, Now: e.now}
	page := store.Page{Size: pageSize}
	for {
		owned, err := e.store.OwnedActivations(ctx, mine, page)
		if err != nil {
			return err
		}
		for _, o := range owned[:min(len(owned), pageSize)] {
			if err := out.add(deviceOf(o, e.now)); err != nil {
				return err
			}
			page.After = o.Activation.ID
		}
		if len(owned) <= pageSize {
			return nil
		}
	}
}

func (e *Export) tickets(ctx context.Context, out *list) error {
	page := store.Page{Size: pageSize}
	for {
		found, err := e.store.Tickets(ctx, store.TicketFilter{Customer: e.actor.CustomerID}, ticket.ByUpdated, page)
		if err != nil {
			return err
		}
		for _, t := range found[:min(len(found), pageSize)] {
			if err := e.ticket(ctx, out, t); err != nil {
				return err
			}
			page.After = t.ID
		}
		if len(found) <= pageSize {
			return nil
		}
	}
}

// ticket adds a ticket that the person opened or wrote in. What others wrote is
// theirs.
func (e *Export) ticket(ctx context.Context, out *list, t ticket.Ticket) error {
	messages, err := e.written(ctx, t.ID)
	opened := t.PersonID == e.actor.ID
	if err != nil || !opened && len(messages) == 0 {
		return err
	}
	a := asked{Number: t.Name(), Category: t.Category, Status: string(t.Status), OpenedAt: t.CreatedAt, Messages: messages}
	if opened {
		a.Subject = t.Subject
	}
	return out.add(a)
}

func (e *Export) written(ctx context.Context, wanted id.ID) ([]written, error) {
	files, err := e.store.Files(ctx, wanted, false)
	if err != nil {
		return nil, err
	}
	names := map[id.ID][]string{}
	for _, f := range files {
		names[f.PostID] = append(names[f.PostID], f.Name)
	}
	var list []written
	var after id.ID
	for {
		posts, err := e.store.Written(ctx, wanted, e.actor.ID, after, pageSize)
		if err != nil {
			return nil, err
		}
		for _, p := range posts {
			list = append(list, written{p.At, p.Body, p.ByMail, names[p.ID]})
			after = p.ID
		}
		if len(posts) < pageSize {
			return list, nil
		}
	}
}

func (e *Export) events(ctx context.Context, out *list) error {
	var after id.ID
	for {
		events, err := e.store.EventsOfCustomer(ctx, e.actor.CustomerID, after, pageSize, event.LicenseCreated, event.ChangeRefused, event.TicketNoted)
		if err != nil {
			return err
		}
		for _, one := range events {
			if err := out.add(eventOf(one, e.actor)); err != nil {
				return err
			}
			after = one.ID
		}
		if len(events) < pageSize {
			return nil
		}
	}
}
