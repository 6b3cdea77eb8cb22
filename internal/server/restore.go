package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/backup"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// RestoreOptions say how a backup is restored.
type RestoreOptions struct {
	// Previous are the records that the backup replaces, if they can still be
	// read and nobody works on them any more. What they revoked, and which
	// idempotency keys they used, is carried over. Nil: they are lost.
	Previous *config.Database
	Now      func() time.Time
	Log      *slog.Logger
	Tell     func(step string, done, total int64)
}

// Restored is what a restore came to.
type Restored struct {
	Manifest backup.Manifest
	Epoch    int64
	Sessions int64    // ended
	Links    int64    // mailed before, worthless now
	Cleared  []string // directories that restores which were killed had left there

	// From the previous records:
	Revoked     int     // licenses
	Tokens      int     // API tokens, revoked
	Keys        int64   // idempotency keys
	NotRevoked  []id.ID // licenses that were revoked there and cannot be here
	withCarried bool
}

// Carried reports whether previous records were read.
func (r Restored) Carried() bool { return r.withCarried }

// Restore brings a backup back to a place without records. It proves the whole
// file first. On SQLite the records appear there as a whole, at the end; on
// PostgreSQL no server starts on them before the end.
func Restore(ctx context.Context, c config.Database, file string, o RestoreOptions) (Restored, error) {
	if there, err := store.Exists(ctx, storeOptions(c, o.Log)); err != nil || there {
		return Restored{}, errors.Join(err, occupied(there))
	}
	m, err := backup.Verify(ctx, file, func(done, total int64) { o.Tell("proving the backup", done, total) })
	if err != nil {
		return Restored{}, err
	}
	if err := suits(c, m); err != nil {
		return Restored{}, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	cleared, err := backup.Clear(c.Data, backup.Restoring)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	scratch, err := backup.NewScratch(c.Data, backup.Restoring)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	r := restore{RestoreOptions: o, target: c, file: file, dir: scratch.Dir, manifest: m}
	done, err := r.run(ctx)
	done.Cleared = cleared
	return done, errors.Join(err, scratch.Remove())
}

func occupied(there bool) error {
	if !there {
		return nil
	}
	return fault.New(fault.Conflict, "target_not_empty", "There are records here already. A backup is restored to an empty place only.").
		WithNext("Name another --data or --database, or move the old records away and name them with --previous.")
}

// suits refuses a backup that this program or this place cannot take.
func suits(c config.Database, m backup.Manifest) error {
	kind := "sqlite"
	if c.Database != "" {
		kind = "postgres"
	}
	if m.Database != kind {
		return fault.New(fault.Invalid, "backup_kind", "The backup is of "+m.Database+", and the place to restore to is "+kind+".").
			WithNext("Restore it to the kind of database that it was made of.")
	}
	return nil
}

// restore is one restore under way. Everything is made in dir, which lies in the
// data directory, before anything is moved into place.
type restore struct {
	RestoreOptions
	target   config.Database
	file     string
	dir      string
	manifest backup.Manifest
}

func (r *restore) run(ctx context.Context) (Restored, error) {
	if err := r.extract(ctx); err != nil {
		return Restored{}, err
	}
	if err := r.checkMaster(); err != nil {
		return Restored{}, err
	}
	if r.target.Database != "" { // PostgreSQL
		if err := r.load(ctx); err != nil {
			return Restored{}, err
		}
		if err := r.place(); err != nil {
			return Restored{}, err
		}
		return r.finish(ctx, r.target)
	}
	staged := r.target
	staged.Data = r.dir
	if r.bringsKey() == "" { // what is there is read, never copied
		staged.MasterKey, _ = r.keyText()
	}
	done, err := r.finish(ctx, staged)
	if err != nil {
		return Restored{}, err
	}
	if err := r.place(); err != nil {
		return Restored{}, err
	}
	return done, store.Place(ctx, r.dir, r.target.Data)
}

func (r *restore) extract(ctx context.Context) error {
	all := func(string) bool { return true }
	return backup.Extract(ctx, r.file, r.dir, all, func(done, total int64) { r.Tell("taking it out", done, total) })
}

// bringsKey is the file of the master key from the backup, or "".
func (r *restore) bringsKey() string {
	path := filepath.Join(r.dir, masterFile)
	if _, err := os.Lstat(path); err != nil {
		return ""
	}
	return path
}

// keyText is the master key that is here already.
func (r *restore) keyText() (string, error) {
	if r.target.MasterKey != "" {
		return r.target.MasterKey, nil
	}
	text, err := os.ReadFile(filepath.Join(r.target.Data, masterFile))
	return strings.TrimSpace(string(text)), err
}

// checkMaster proves that the records will open, before they are anywhere.
func (r *restore) checkMaster() error {
	value, path := r.target.MasterKey, filepath.Join(r.target.Data, masterFile)
	if _, err := os.Lstat(path); err != nil && value == "" && r.bringsKey() != "" {
		path = r.bringsKey()
	}
	master, err := signing.LoadMaster(value, path)
	if errors.Is(err, signing.ErrMasterMissing) {
		return fault.Wrap(fault.Conflict, "master_key_missing", "The backup does not hold the master key that its records were made with, and it is not here.", err).
			WithNext("Put " + masterFile + " into " + r.target.Data + ", or set KEYWARD_MASTER_KEY, and restore again.")
	}
	if err != nil {
		return withAdvice(err, r.target)
	}
	return compare(r.manifest.MasterCheck, master, r.target)
}

// place moves what belongs to the records to where it belongs. What is there
// already stays.
func (r *restore) place() error {
	for _, name := range []string{masterFile, filesDir} {
		from, to := filepath.Join(r.dir, name), filepath.Join(r.target.Data, name)
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := os.Lstat(to); err == nil && name == masterFile {
			continue // the same one, or the variable rules
		} else if err == nil {
			return fault.New(fault.Conflict, "target_not_empty", "There is a directory "+to+" already.").WithNext("Move it away and restore again.")
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

func (r *restore) load(ctx context.Context) (err error) {
	s, err := store.Open(ctx, storeOptions(r.target, r.Log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, want, err := s.Versions(ctx); err != nil || r.manifest.Schema > want {
		return errors.Join(err, newerBackup(r.manifest.Schema, want))
	}
	return s.Load(ctx, r.dir, r.manifest.Schema, func(done, total int64) { r.Tell("filling the tables", done, total) })
}

func newerBackup(have, want int64) error {
	if have <= want {
		return nil
	}
	return fault.New(fault.Conflict, "schema_new", fmt.Sprintf("The backup has schema version %d, which is newer than this program (%d).", have, want)).
		WithNext("Restore it with the program that made it, or a newer one.")
}

// finish opens the records, carries over what must not come back, and begins a
// new epoch.
func (r *restore) finish(ctx context.Context, at config.Database) (done Restored, err error) {
	uses, err := Assemble(ctx, at, Options{Now: r.Now, Log: r.Log, restoring: true})
	if err != nil {
		return done, err
	}
	defer func() {
		err = errors.Join(err, uses.Close(context.WithoutCancel(ctx)))
	}()
	done = Restored{Manifest: r.manifest}
	before := r.manifest.Epoch
	if r.Previous != nil {
		epoch, err := r.carry(ctx, uses, &done)
		if err != nil {
			return done, err
		}
		before = max(before, epoch)
	}
	err = uses.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		done.Epoch = before + 1
		if done.Sessions, done.Links, err = tx.EndVisits(ctx, r.Now()); err != nil {
			return err
		}
		e := event.New(event.RecordsRestored, account.System(""), r.Now().UTC().Truncate(time.Microsecond))
		e.Data.Epoch = done.Epoch
		if err := tx.AppendEvent(ctx, e); err != nil {
			return err
		}
		return tx.Restored(ctx, done.Epoch)
	})
	if err != nil {
		return done, err
	}
	_, err = uses.Sealer.Seal(ctx)
	return done, err
}

// carryPage bounds what is read of the previous records at once.
const carryPage = 500

// carry takes over from the previous records what must not be undone, and
// returns their epoch.
func (r *restore) carry(ctx context.Context, uses *Services, done *Restored) (epoch int64, err error) {
	old, err := openExisting(ctx, *r.Previous, r.Log)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	if err := old.CheckSchema(ctx); err != nil {
		return 0, err
	}
	done.withCarried = true
	c := carrying{Services: uses, old: old, now: r.Now(), done: done}
	for _, part := range []func(context.Context) error{c.licenses, c.tokens, c.idempotency} {
		if err := part(ctx); err != nil {
			return 0, err
		}
	}
	return old.Epoch(ctx)
}

// carrying is how things go from the previous records to these.
type carrying struct {
	*Services
	old  *store.Store
	now  time.Time
	done *Restored
}

func (c *carrying) licenses(ctx context.Context) error {
	for last := id.ID(""); ; {
		page, err := c.old.RevokedLicenses(ctx, last, carryPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, l := range page {
			if err := c.license(ctx, l); err != nil {
				return err
			}
			last = l.ID
		}
	}
}

// license revokes one here too. One that was made after the backup is not here.
func (c *carrying) license(ctx context.Context, l license.License) error {
	here, err := c.Store.License(ctx, l.ID)
	if store.IsNotFound(err) || err == nil && !here.RevokedAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	why := l.RevokeReason
	if !slices.Contains(license.RevokeReasons(), why) {
		why = license.Manual
	}
	switch _, err := c.Licensing.Revoke(ctx, account.System(""), l.ID, why, l.Note); {
	case err == nil:
		c.done.Revoked++
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Invalid):
		c.done.NotRevoked = append(c.done.NotRevoked, l.ID)
	default:
		return err
	}
	return nil
}

func (c *carrying) tokens(ctx context.Context) error {
	for last := id.ID(""); ; {
		page, err := c.old.Tokens(ctx, last, carryPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, t := range page {
			last = t.ID
			here, err := c.Store.Token(ctx, t.ID)
			if store.IsNotFound(err) || err == nil && (t.RevokedAt.IsZero() || !here.RevokedAt.IsZero()) {
				continue
			}
			if err != nil {
				return err
			}
			if err := c.Identity.RevokeToken(ctx, account.System(""), t.ID); err != nil {
				return err
			}
			c.done.Tokens++
		}
	}
}

func (c *carrying) idempotency(ctx context.Context) error {
	for last := (store.Idempotent{}); ; {
		page, err := c.old.IdempotencyKeys(ctx, last, c.now, carryPage)
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1]
		var carried int64
		err = c.Store.InTx(ctx, func(tx *store.Tx) error {
			carried, err = tx.CarryIdempotent(ctx, page)
			return err
		})
		if err != nil {
			return err
		}
		c.done.Keys += carried
	}
}
