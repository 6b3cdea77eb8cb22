package licensing

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// How much of a license's story one page shows.
const (
	detailDevices  = 10
	detailAttempts = 5
	detailEvents   = 100
	recentLicenses = 5
	recentEvents   = 8
)

// soonWindow is how far the list warns ahead (P-LIC-07).
const soonWindow = verdict.SoonWindow

// ExpiringWindow is how far the dashboard looks ahead (P-DASH-04).
const ExpiringWindow = 30 * 24 * time.Hour

// Detail is everything its owner sees of one license.
type Detail struct {
	License    license.License
	Product    license.Product
	At         time.Time // instant of everything below
	Used       int
	Taken      int                   // seats that no other device can have: used and reserved ones
	Reserved   []license.Reservation // the reserved ones, at most ten
	Swaps      license.Swaps
	Use        verdict.Verdict // does it work now, on any device
	AddDevice  verdict.Verdict // could one more device activate
	Devices    []license.Activation
	Attempts   []Refused
	Retire     *license.Activation // unused the longest: can go for a refused device; nil where none can
	History    []HistoryEntry      // newest first, the assignment last
	Shortened  bool                // older entries between the last two are left out
	KeyOnFile  bool                // false: contact the administrator (P-LICD-04)
	RenewalURL string
}

// HistoryEntry is an event of a license and the device it is about, if any.
type HistoryEntry struct {
	Event  event.Event
	Device string
	ByYou  bool // the reader did it
}

// Detail returns one of the customer's licenses with both verdicts, devices,
// refused attempts and history, all of one moment.
func (s *Service) Detail(ctx context.Context, actor account.Actor, wanted id.ID) (Detail, error) {
	if err := customerOnly(actor); err != nil {
		return Detail{}, err
	}
	d := Detail{At: s.clock()}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		l, err := s.owned(ctx, r, actor, wanted)
		if err != nil {
			return err
		}
		return s.fillDetail(ctx, r, actor, &d, l)
	})
	return d, err
}

func (s *Service) fillDetail(ctx context.Context, r store.Reader, actor account.Actor, d *Detail, l license.License) error {
	facts, err := gatherWhole(ctx, r, l, d.At)
	if err != nil {
		return err
	}
	d.License, d.Product, d.Used, d.Taken = l, facts.Product, facts.Used, facts.Used+facts.Reserved
	d.RenewalURL = license.RenewalURL(facts.Product, l)
	d.Use = evaluateWhole(facts, verdict.Use, d.At).For(verdict.ForOwner)
	d.AddDevice = evaluateWhole(facts, verdict.AddDevice, d.At).For(verdict.ForOwner)
	kept, err := r.KeyOf(ctx, l.ID)
	if err != nil {
		return err
	}
	_, err = s.openKey(l.ID, kept)
	d.KeyOnFile = err == nil
	if d.Swaps, err = swapsOf(ctx, r, facts.Product, l.ID, d.At); err != nil {
		return err
	}
	if d.Reserved, err = r.OpenReservations(ctx, l.ID, d.At, shownReservations); err != nil {
		return err
	}
	if d.Devices, err = r.LicenseActivations(ctx, l.ID, detailDevices); err != nil {
		return err
	}
	if err := fillRefused(ctx, r, d); err != nil {
		return err
	}
	d.History, d.Shortened, err = history(ctx, r, actor, l.ID)
	return err
}

func evaluateWhole(f license.Facts, p verdict.Purpose, now time.Time) verdict.Verdict {
	return license.Evaluate(f, license.Request{Purpose: p, Whole: true}, now)
}

// hiddenFromOwners are events that are the vendor's business alone.
func hiddenFromOwners() []event.Type {
	return []event.Type{event.LicenseCreated, event.ChangeRefused}
}

// history is the license's story for its owner, newest first.
func history(ctx context.Context, r store.Reader, actor account.Actor, l id.ID) (entries []HistoryEntry, shortened bool, err error) {
	events, err := r.LicenseEvents(ctx, l, detailEvents)
	if err != nil {
		return nil, false, err
	}
	events, shortened, err = withBeginning(ctx, r, l, events)
	if err != nil {
		return nil, false, err
	}
	names, err := r.DeviceNames(ctx, activationsOf(events))
	if err != nil {
		return nil, false, err
	}
	for _, e := range events {
		if slices.Contains(hiddenFromOwners(), e.Type) {
			continue
		}
		e.Address = "" // of staff and devices: not the owner's to see
		entries = append(entries, HistoryEntry{Event: e, Device: names[e.ActivationID], ByYou: e.Actor.ID != "" && e.Actor.ID == actor.ID})
	}
	return entries, shortened, nil
}

// withBeginning adds the assignment to a history so long that its older part
// is left out: every history begins there.
func withBeginning(ctx context.Context, r store.Reader, l id.ID, events []event.Event) (all []event.Event, shortened bool, err error) {
	if len(events) < detailEvents {
		return events, false, nil
	}
	assigned, err := r.LicenseEvent(ctx, l, event.LicenseAssigned)
	switch {
	case store.IsNotFound(err):
		return events, false, nil
	case err != nil:
		return nil, false, err
	}
	if slices.ContainsFunc(events, func(e event.Event) bool { return e.ID == assigned.ID }) {
		return events, false, nil
	}
	return append(events, assigned), true, nil
}

func activationsOf(events []event.Event) []id.ID {
	var list []id.ID
	for _, e := range events {
		if e.ActivationID != "" {
			list = append(list, e.ActivationID)
		}
	}
	return list
}

// Dashboard is the customer's overview, true at one moment (P-DASH-05).
type Dashboard struct {
	At       time.Time
	Total    int // licenses in any state
	Active   int // valid and in use; assigned ones are not counted (P-DASH-02)
	InUse    int // active activations over all licenses
	Expiring int // end within ExpiringWindow
	ByStatus map[license.Status]int
	Latest   []license.Owned  // newest assignment first
	Recent   []event.Historic // newest first
	Urgent   *Urgent          // the one that ends first within SoonWindow
}

// Dashboard returns the overview.
func (s *Service) Dashboard(ctx context.Context, actor account.Actor) (Dashboard, error) {
	if err := customerOnly(actor); err != nil {
		return Dashboard{}, err
	}
	d := Dashboard{At: s.clock()}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		mine := store.LicenseFilter{Customer: actor.CustomerID, Now: d.At}
		if err := s.figures(ctx, r, mine, &d); err != nil {
			return err
		}
		var err error
		if d.Latest, err = r.OwnedLicenses(ctx, mine, license.ByAssigned, true, store.Page{Size: recentLicenses}); err != nil {
			return err
		}
		d.Latest = d.Latest[:min(len(d.Latest), recentLicenses)]
		if d.Urgent, err = urgent(ctx, r, mine); err != nil {
			return err
		}
		d.Recent, err = r.CustomerEvents(ctx, actor.CustomerID, recentEvents, hiddenFromOwners()...)
		for i := range d.Recent {
			d.Recent[i].Event.Address = ""
		}
		return err
	})
	return d, err
}

func (s *Service) figures(ctx context.Context, r store.Reader, mine store.LicenseFilter, d *Dashboard) error {
	var err error
	if d.ByStatus, err = r.CountOwned(ctx, mine); err != nil {
		return err
	}
	d.Total = sum(d.ByStatus)
	d.Active = d.ByStatus[license.Active]
	devices, err := r.CountActivations(ctx, store.ActivationFilter{Customer: mine.Customer, Now: mine.Now})
	if err != nil {
		return err
	}
	d.InUse = devices[license.ActivationActive]
	expiring := mine
	expiring.Within = ExpiringWindow
	d.Expiring, err = countAll(ctx, r, expiring)
	return err
}

// Urgent is the license of a customer that ends first within the warning
// window, and where it can be renewed.
type Urgent struct {
	license.Owned
	RenewalURL string
}

// urgent returns the most urgent license, or nil.
func urgent(ctx context.Context, r store.Reader, mine store.LicenseFilter) (*Urgent, error) {
	mine.Within = verdict.SoonWindow
	list, err := r.OwnedLicenses(ctx, mine, license.ByExpiry, false, store.Page{Size: 1})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	p, err := r.Product(ctx, list[0].License.ProductID)
	return &Urgent{Owned: list[0], RenewalURL: license.RenewalURL(p, list[0].License)}, err
}
