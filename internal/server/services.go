package server

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/app/calendar"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/app/webhooks"
	"github.com/keyward/keyward/internal/blob"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/metrics"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Services is an open installation: its records, its master key and the use
// cases on them. Commands work with it directly, the server serves it.
type Services struct {
	Store     *store.Store
	Master    *signing.Master
	Identity  *identity.Service
	Catalog   *catalog.Service
	Licensing *licensing.Service
	Delivery  *delivery.Service
	Calendar  *calendar.Service
	Intake    *intake.Service
	Webhooks  *webhooks.Service
	Support   *support.Service
	Sealer    *audit.Sealer
	Attempts  *attempt.Counter
}

// Options say how an installation is opened.
type Options struct {
	BaseURL    string
	AppName    string
	Support    *config.Support // nil: as without settings
	Changelogs delivery.Changelogs
	NoMigrate  bool // refuse an older schema instead of upgrading it
	Now        func() time.Time
	Log        *slog.Logger
	Metrics    *metrics.Metrics // nil: nothing is counted

	restoring bool // open records that a restore is about to end on
}

// Assemble opens an installation: database, schema, master key, use cases. The
// caller closes it.
func Assemble(ctx context.Context, c config.Database, o Options) (*Services, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	options := storeOptions(c, o.Log)
	if o.Metrics != nil {
		options.Observe = o.Metrics.Commit
	}
	s, err := store.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	services, err := assemble(ctx, s, c, o)
	if err != nil {
		_ = s.Close() // the first error says why
		return nil, err
	}
	return services, nil
}

func assemble(ctx context.Context, s *store.Store, c config.Database, o Options) (*Services, error) {
	if err := prepareSchema(ctx, s, o); err != nil {
		return nil, err
	}
	if half, err := s.Restoring(ctx); err != nil || half && !o.restoring {
		return nil, errors.Join(err, halfRestored(half))
	}
	master, err := openMaster(ctx, s, c)
	if err != nil {
		return nil, err
	}
	files, err := blob.New(c.Storage, filepath.Join(c.Data, filesDir))
	if err != nil {
		return nil, err
	}
	desk, err := deskSettings(o.Support)
	if err != nil {
		return nil, err
	}
	hasher := account.NewHasher()
	licenses := licensing.New(licensing.Deps{Store: s, Master: master, Now: o.Now, Log: o.Log, BaseURL: o.BaseURL, Validated: func(c verdict.Code) { o.Metrics.Validation(string(c)) }})
	return &Services{
		Store: s, Master: master,
		Identity:  identity.New(identity.Deps{Store: s, Hasher: hasher, Master: master, Now: o.Now, Log: o.Log, AppName: o.AppName, BaseURL: o.BaseURL}),
		Catalog:   catalog.New(catalog.Deps{Store: s, Master: master, Now: o.Now, Log: o.Log}),
		Licensing: licenses,
		Delivery:  delivery.New(delivery.Deps{Store: s, Master: master, Blobs: files, Now: o.Now, Log: o.Log, Changelogs: o.Changelogs}),
		Calendar:  calendar.New(calendar.Deps{Store: s, Master: master, Now: o.Now}),
		Support:   support.New(support.Deps{Store: s, Master: master, Licensing: licenses, Now: o.Now, Log: o.Log, Settings: desk}),
		Intake:    intake.New(intake.Deps{Store: s, Master: master, Now: o.Now}),
		Webhooks:  webhooks.New(webhooks.Deps{Store: s, Master: master, Now: o.Now}),
		Sealer:    audit.NewSealer(s, master, o.Now),
		Attempts:  attempt.NewCounter(s, master),
	}, nil
}

func halfRestored(half bool) error {
	if !half {
		return nil
	}
	return fault.New(fault.Conflict, "restore_unfinished", "These records come from a restore that did not end.").
		WithNext("Empty the database and restore the backup again.")
}

// Close writes what is held in memory and closes the database.
func (s *Services) Close(ctx context.Context) error {
	flush := s.Licensing.Tally().Flush(ctx)
	if err := s.Store.Close(); err != nil {
		return err
	}
	return flush
}

// prepareSchema upgrades the schema, or with NoMigrate makes that of a new
// database only.
func prepareSchema(ctx context.Context, s *store.Store, o Options) error {
	if o.NoMigrate {
		err := s.CheckSchema(ctx)
		// Where not even the tables are there, nobody has records to lose.
		if _, unreadable := s.Unused(ctx); err == nil || unreadable == nil || s.Ping(ctx) != nil {
			return err
		}
	}
	from, to, err := s.Migrate(ctx)
	switch {
	case err != nil:
		return err
	case from == 0 && to != 0:
		o.Log.InfoContext(ctx, "database created", "schema", to)
	case from != to:
		o.Log.InfoContext(ctx, "database schema upgraded", "from", from, "to", to)
	}
	return nil
}

// Migrate brings the schema of a database to the one of this program and
// returns the versions before and after.
func Migrate(ctx context.Context, c config.Database, log *slog.Logger) (from, to int64, err error) {
	s, err := store.Open(ctx, storeOptions(c, log))
	if err != nil {
		return 0, 0, err
	}
	from, to, err = s.Migrate(ctx)
	return from, to, errors.Join(err, s.Close())
}

// Unused reports whether this installation has no product yet.
func (s *Services) Unused(ctx context.Context) (bool, error) {
	products, err := s.Catalog.Products(ctx, account.System(""), "", 1)
	return len(products) == 0, err
}

// CustomerEntry is a customer and the people who act for it, as a list of
// customers names them.
type CustomerEntry struct {
	account.Customer
	People []account.Person // without password hashes
}

// Customers lists the next customers after one of them, oldest first; after ""
// it begins with the first.
func (s *Services) Customers(ctx context.Context, after id.ID, limit int) ([]CustomerEntry, error) {
	customers, err := s.Store.Customers(ctx, store.CustomerFilter{}, after, limit)
	if err != nil {
		return nil, err
	}
	var list []CustomerEntry
	for _, c := range customers {
		members, err := s.Store.Members(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		e := CustomerEntry{Customer: c}
		for _, m := range members {
			m.Person.PasswordHash = ""
			e.People = append(e.People, m.Person)
		}
		list = append(list, e)
	}
	return list, nil
}
