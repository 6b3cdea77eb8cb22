package licensing

import (
	"context"
	"net/url"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// MaxExport is how many rows a file holds at most.
const MaxExport = 10_000

// ExportPage is how many rows are read at once: a slow reader of the file holds
// no connection in between.
const ExportPage = 500

// Exported is a license in a file; Key is empty unless whole keys were asked for.
type Exported struct {
	license.Owned
	Key string
}

// Export passes the licenses that a list shows on all its pages to write, in
// its order, with their keys masked. What write returns ends it.
func (s *Service) Export(ctx context.Context, actor account.Actor, q ListQuery, write func(rows []Exported, at time.Time) error) error {
	if err := customerOnly(actor); err != nil {
		return err
	}
	now := s.clock()
	f, err := s.exported(ctx, actor, q, now)
	if err != nil {
		return err
	}
	return EachPage(func(after id.ID) (id.ID, error) {
		rows, err := s.exportPage(ctx, s.Store.Reader, f, q, after)
		if err == nil {
			err = write(rows, now)
		}
		return NextPage(rows, func(e Exported) id.ID { return e.License.ID }), err
	})
}

// ExportKeys is Export with whole keys, those of high-security products too. It
// leaves one event, which says how many there are and by which filter, before
// it hands out any.
func (s *Service) ExportKeys(ctx context.Context, actor account.Actor, q ListQuery) (list []Exported, at time.Time, err error) {
	if err := customerOnly(actor); err != nil {
		return nil, at, err
	}
	if !actor.Role.MayManage() {
		return nil, at, fault.New(fault.Forbidden, "role_too_low", "Your role does not include copying keys. Ask the owner of the account.")
	}
	at = s.clock()
	f, err := s.exported(ctx, actor, q, at)
	if err != nil {
		return nil, at, err
	}
	err = s.Store.Snapshot(ctx, func(r store.Reader) error {
		list = nil
		return EachPage(func(after id.ID) (id.ID, error) {
			rows, err := s.exportPage(ctx, r, f, q, after)
			if err == nil {
				err = s.openKeys(ctx, r, rows)
			}
			list = append(list, rows...)
			return NextPage(rows, func(e Exported) id.ID { return e.License.ID }), err
		})
	})
	if err == nil {
		err = s.noteExport(ctx, actor, q, len(list), at)
	}
	if err != nil {
		return nil, at, err
	}
	return list, at, nil
}

// exported is what a file is made of, unless that is too much for one.
func (s *Service) exported(ctx context.Context, actor account.Actor, q ListQuery, now time.Time) (store.LicenseFilter, error) {
	var f store.LicenseFilter
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if f, err = s.filter(ctx, r, actor, q, now); err != nil {
			return err
		}
		counts, err := r.CountOwned(ctx, f)
		if err == nil && sum(counts) > MaxExport {
			err = TooMany("licenses")
		}
		return err
	})
	return f, err
}

// TooMany refuses a file of more than MaxExport rows; what names them.
func TooMany(what string) *fault.Error {
	return fault.New(fault.Invalid, "export_too_large", "A file holds at most 10,000 "+what+".").
		WithNext("Narrow the list with a search or a filter and export it in parts.")
}

func (s *Service) exportPage(ctx context.Context, r store.Reader, f store.LicenseFilter, q ListQuery, after id.ID) ([]Exported, error) {
	order := q.Sort
	if order == "" {
		order = license.ByAssigned
	}
	owned, err := r.OwnedLicenses(ctx, f, order, q.Desc, store.Page{After: after, Size: ExportPage - 1})
	rows := make([]Exported, len(owned))
	for i, o := range owned {
		rows[i].Owned = o
	}
	return rows, err
}

// EachPage reads page after page: read gets the last row of the page before and
// returns that of its own, or "" when there are no more.
func EachPage(read func(after id.ID) (last id.ID, err error)) error {
	after, err := read("")
	for n := ExportPage; err == nil && after != "" && n < MaxExport; n += ExportPage {
		after, err = read(after)
	}
	return err
}

// NextPage is where the page behind these rows begins, or "".
func NextPage[T any](rows []T, of func(T) id.ID) id.ID {
	if len(rows) < ExportPage {
		return ""
	}
	return of(rows[len(rows)-1])
}

// openKeys adds the keys to rows. One that cannot be shown stays empty.
func (s *Service) openKeys(ctx context.Context, r store.Reader, rows []Exported) error {
	ids := make([]id.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.License.ID
	}
	kept, err := r.KeysOf(ctx, ids)
	if err != nil {
		return err
	}
	for i, row := range rows {
		key, err := s.openKey(row.License.ID, kept[row.License.ID])
		if err != nil {
			s.Log.ErrorContext(ctx, "a license key cannot be shown", "license", row.License.ID, "error", err)
		}
		rows[i].Key = key
	}
	return nil
}

func (s *Service) noteExport(ctx context.Context, actor account.Actor, q ListQuery, n int, now time.Time) error {
	e := event.New(event.KeysExported, actor, now)
	e.CustomerID = actor.CustomerID
	e.Data = event.Data{Count: &n, Filter: filterCode(q)}
	return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.AppendEvent(ctx, e) })
}

// filterCode is a filter as an event keeps it: whether there was a search, but
// not what was searched for, which may be part of a key or of a name.
func filterCode(q ListQuery) string {
	v := url.Values{}
	if q.Search != "" {
		v.Set("search", "yes")
	}
	if q.Status != "" {
		v.Set("status", string(q.Status))
	}
	if q.Within > 0 {
		v.Set("within", q.Within.String())
	}
	if q.Living && !q.Status.Ended() {
		v.Set("ended", "hide")
	}
	return v.Encode()
}

// ExportDevices passes the activations that a list shows on all its pages to
// write, in its order.
func (s *Service) ExportDevices(ctx context.Context, actor account.Actor, q DeviceQuery, write func(rows []DeviceRow, at time.Time) error) error {
	if err := customerOnly(actor); err != nil {
		return err
	}
	now := s.clock()
	if q.LicenseID != "" {
		if _, err := s.owned(ctx, s.Store.Reader, actor, q.LicenseID); err != nil {
			return err
		}
	}
	f := deviceFilter(actor, q, now)
	counts, err := s.Store.CountActivations(ctx, f)
	if err != nil {
		return err
	}
	if sum(counts) > MaxExport {
		return TooMany("devices")
	}
	return EachPage(func(after id.ID) (id.ID, error) {
		owned, err := s.Store.OwnedActivations(ctx, f, store.Page{After: after, Size: ExportPage - 1})
		if err != nil {
			return "", err
		}
		rows, err := withProducts(ctx, s.Store.Reader, owned, now)
		if err == nil {
			err = write(rows, now)
		}
		return NextPage(rows, func(d DeviceRow) id.ID { return d.Activation.ID }), err
	})
}
