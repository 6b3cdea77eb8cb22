package server

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const (
	masterFile = "master.key"
	// masterCheck is the name under which the database keeps the check value of
	// its master key.
	masterCheck = "master_check"
	// masterLock is a value that whoever settles the master key writes first, so
	// that two servers on a new database do it one after the other.
	masterLock = "master_lock"
)

// openMaster loads the master key and proves that it is the one the database
// was made with. A key is made only for a database that was never used: with
// another key every sealed value and every look-up of a license key would fail.
func openMaster(ctx context.Context, s *store.Store, c config.Database) (*signing.Master, error) {
	kept, err := s.Meta(ctx, masterCheck)
	if err != nil && !store.IsNotFound(err) {
		return nil, err
	}
	unused, err := s.Unused(ctx)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Data, masterFile)
	master, made, err := loadMaster(c.MasterKey, path, unused)
	if err != nil {
		return nil, withAdvice(err, c)
	}
	if kept == "" {
		kept, err = settle(ctx, s, master, unused)
	}
	if err == nil {
		err = compare(kept, master, c)
	}
	if err != nil && made {
		err = errors.Join(err, os.Remove(path)) // it opens nothing, and would be in the way of the right one
	}
	if err != nil {
		return nil, err
	}
	return master, nil
}

// settle makes the master key that of a new database, unless another server was
// faster, and returns the check value that the database has then: "" when it
// has records that were made with nobody knows which key.
func settle(ctx context.Context, s *store.Store, master *signing.Master, unused bool) (string, error) {
	var kept string
	err := s.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.SetMeta(ctx, masterLock, ""); err != nil {
			return err
		}
		var err error
		if kept, err = tx.Meta(ctx, masterCheck); !store.IsNotFound(err) {
			return err
		}
		if kept = ""; !unused {
			return nil
		}
		kept = master.CheckValue()
		return tx.SetMeta(ctx, masterCheck, kept)
	})
	return kept, err
}

func compare(kept string, master *signing.Master, c config.Database) error {
	switch kept {
	case master.CheckValue():
		return nil
	case "":
		return fault.New(fault.Conflict, "master_check_missing", "The database has records, but nothing that says which master key they were made with.").
			WithNext("Restore the database from a backup.")
	}
	return fault.New(fault.Conflict, "master_key_wrong", "This is not the master key that the database was made with.").
		WithNext("Set KEYWARD_MASTER_KEY, or put the right " + masterFile + " into the data directory " + c.Data + ".")
}

// loadMaster reports whether it made the key.
func loadMaster(value, path string, unused bool) (master *signing.Master, made bool, err error) {
	master, err = signing.LoadMaster(value, path)
	if err == nil || !unused || !errors.Is(err, signing.ErrMasterMissing) {
		return master, false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, false, err
	}
	master, err = signing.CreateMaster(path)
	if errors.Is(err, fs.ErrExist) { // somebody else has just made it
		master, err = signing.LoadMaster(value, path)
		return master, false, err
	}
	return master, err == nil, err
}

// withAdvice says what to do about a master key that cannot be loaded.
func withAdvice(err error, c config.Database) error {
	path := filepath.Join(c.Data, masterFile)
	switch {
	case errors.Is(err, signing.ErrMasterMissing):
		return fault.Wrap(fault.Conflict, "master_key_missing", "The database has records, and the master key they were made with is not here.", err).
			WithNext("Set KEYWARD_MASTER_KEY, or put " + masterFile + " into the data directory " + c.Data + ".")
	case errors.Is(err, signing.ErrMasterFormat):
		return fault.Wrap(fault.Invalid, "master_key_format", "The master key is not readable.", err).
			WithNext("It has 32 bytes, written in hexadecimal or base64, in KEYWARD_MASTER_KEY or " + path + ".")
	case errors.Is(err, signing.ErrMasterMode):
		return fault.Wrap(fault.Conflict, "master_key_exposed", "Other users of this machine can read the master key.", err).
			WithNext("Run: chmod 600 " + path)
	}
	return err
}
