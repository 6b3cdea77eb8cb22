package server

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// Services is an open installation: its records, its master key and the use
// cases on them. Commands work with it directly, the server serves it.
type Services struct {
	Store     *store.Store
	Master    *signing.Master
	Identity  *identity.Service
	Catalog   *catalog.Service
	Licensing *licensing.Service
	Intake    *intake.Service
	Sealer    *audit.Sealer
}

// Options say how an installation is opened.
type Options struct {
	BaseURL   string
	NoMigrate bool // refuse an older schema instead of upgrading it
	Now       func() time.Time
	Log       *slog.Logger
}

// Assemble opens an installation: database, schema, master key, use cases. The
// caller closes it.
func Assemble(ctx context.Context, c config.Database, o Options) (*Services, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := store.Open(ctx, store.Options{Database: c.Database, Dir: c.Data, Logger: o.Log, Now: time.Now, MmapOff: c.MmapOff})
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
	master, err := openMaster(ctx, s, c)
	if err != nil {
		return nil, err
	}
	hasher := account.NewHasher()
	return &Services{
		Store: s, Master: master,
		Identity:  identity.New(identity.Deps{Store: s, Hasher: hasher, Master: master, Now: o.Now, Log: o.Log}),
		Catalog:   catalog.New(catalog.Deps{Store: s, Master: master, Now: o.Now, Log: o.Log}),
		Licensing: licensing.New(licensing.Deps{Store: s, Master: master, Now: o.Now, Log: o.Log, BaseURL: o.BaseURL}),
		Intake:    intake.New(intake.Deps{Store: s, Master: master, Now: o.Now}),
		Sealer:    audit.NewSealer(s, master, o.Now),
	}, nil
}

// Close writes what is held in memory and closes the database.
func (s *Services) Close(ctx context.Context) error {
	flush := s.Licensing.Tally().Flush(ctx)
	if err := s.Store.Close(); err != nil {
		return err
	}
	return flush
}

func prepareSchema(ctx context.Context, s *store.Store, o Options) error {
	if o.NoMigrate {
		return s.CheckSchema(ctx)
	}
	from, to, err := s.Migrate(ctx)
	if err == nil && from != to {
		o.Log.InfoContext(ctx, "database schema upgraded", "from", from, "to", to)
	}
	return err
}

// masterCheck is the name under which the database keeps the check value of
// its master key.
const masterCheck = "master_check"

// openMaster loads the master key and proves that it is the one the database
// was made with. A key is made only for a database that was never used: with
// another key every sealed value and every key look-up would fail.
func openMaster(ctx context.Context, s *store.Store, c config.Database) (*signing.Master, error) {
	path := filepath.Join(c.Data, "master.key")
	kept, err := s.Meta(ctx, masterCheck)
	if err != nil && !store.IsNotFound(err) {
		return nil, err
	}
	unused, err := s.Unused(ctx)
	if err != nil {
		return nil, err
	}
	master, err := loadMaster(c.MasterKey, path, unused)
	if err != nil {
		return nil, err
	}
	switch {
	case kept == "" && !unused:
		return nil, errors.New("the database has records but no check value of its master key: restore it from a backup")
	case kept == "":
		return master, s.InTx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, masterCheck, master.CheckValue()) })
	case kept != master.CheckValue():
		return nil, fault.New(fault.Conflict, "master_key_wrong", "This is not the master key that the database was made with.").
			WithNext("Set KEYWARD_MASTER_KEY, or put the right master.key into the data directory " + c.Data + ".")
	}
	return master, nil
}

func loadMaster(value, path string, unused bool) (*signing.Master, error) {
	master, err := signing.LoadMaster(value, path)
	if err == nil || !unused || !errors.Is(err, signing.ErrMasterMissing) {
		return master, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return signing.CreateMaster(path)
}

// Unused reports whether nothing was ever kept in this installation but what
// opening it left.
func (s *Services) Unused(ctx context.Context) (bool, error) {
	products, err := s.Catalog.Products(ctx, account.System(""), "", 1)
	return len(products) == 0, err
}
