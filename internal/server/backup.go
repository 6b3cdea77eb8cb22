package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/keyward/keyward/internal/backup"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

// filesDir is where the files of releases lie in a data directory, and in a
// backup.
const filesDir = "files"

// BackupOptions say what goes into a backup besides the records.
type BackupOptions struct {
	Files     bool // those of releases, where they lie in the data directory
	MasterKey bool
	Now       func() time.Time
	Log       *slog.Logger
	// Tell hears what is being done and how far it is.
	Tell func(step string, done, total int64)
}

func (o BackupOptions) progress(step string) func(done, total int64) {
	return func(done, total int64) { o.Tell(step, done, total) }
}

// BackedUp is what a backup came to.
type BackedUp struct {
	Manifest backup.Manifest
	Size     int64
	Cleared  []string // directories that backups which were killed had left there
}

// Backup writes the records as they are at one moment into a file, while others
// work on them. Where it fails or ctx ends, no file is left.
func Backup(ctx context.Context, c config.Database, file string, o BackupOptions) (done BackedUp, err error) {
	if err := backup.Free(file); err != nil {
		return done, err
	}
	s, err := openExisting(ctx, c, o.Log)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m, err := describe(ctx, s, o)
	if err != nil {
		return done, err
	}
	more, err := o.belongings(c)
	if err != nil {
		return done, err
	}
	if done.Cleared, err = backup.Clear(filepath.Dir(file), backup.Making); err != nil {
		return done, err
	}
	scratch, err := backup.NewScratch(filepath.Dir(file), backup.Making)
	if err != nil {
		return done, fault.Wrap(fault.Invalid, "backup_directory", "There is no room for a backup at "+filepath.Dir(file)+".", err).
			WithNext("Name a file in a directory that you may write to.")
	}
	defer func() { err = errors.Join(err, scratch.Remove()) }()
	names, err := s.Copy(ctx, scratch.Dir, o.progress("copying the records"))
	if err != nil {
		return done, unmade(err, file)
	}
	var entries []backup.Entry
	for _, name := range names {
		entries = append(entries, backup.Entry{Name: name, Path: filepath.Join(scratch.Dir, name)})
	}
	done.Manifest = m
	done.Size, err = backup.Write(ctx, file, scratch.Dir, m, append(entries, more...), o.progress("writing the file"))
	return done, unmade(err, file)
}

// unmade is why a backup could not be made, as it is: mostly a full disk.
func unmade(err error, file string) error {
	if f, told := errors.AsType[*fault.Error](err); err == nil || told && f.Next != "" {
		return err
	}
	return fault.Wrap(fault.Unavailable, "backup_failed", "The backup could not be made: "+innermost(err).Error()+".", err).
		WithNext("See that " + filepath.Dir(file) + " has room for twice the size of the database, and try again. Nothing was left there.")
}

// innermost is the cause of an error, the last one where there are several.
func innermost(err error) error {
	switch outer := err.(type) {
	case interface{ Unwrap() error }:
		if inner := outer.Unwrap(); inner != nil {
			return innermost(inner)
		}
	case interface{ Unwrap() []error }:
		if inner := outer.Unwrap(); len(inner) > 0 {
			return innermost(inner[len(inner)-1])
		}
	}
	return err
}

// openExisting opens records without making what is not there.
func openExisting(ctx context.Context, c config.Database, log *slog.Logger) (*store.Store, error) {
	o := storeOptions(c, log)
	there, err := store.Exists(ctx, o)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fault.New(fault.NotFound, "no_records", "There are no records here.").WithNext("Check --database and --data.")
	}
	return store.Open(ctx, o)
}

func storeOptions(c config.Database, log *slog.Logger) store.Options {
	return store.Options{Database: c.Database, Dir: c.Data, Logger: log, Now: time.Now, MmapOff: c.MmapOff}
}

// describe reads what a backup says about itself. The schema may be that of
// another version of the program: a backup is what comes before an upgrade.
func describe(ctx context.Context, s *store.Store, o BackupOptions) (m backup.Manifest, err error) {
	m = backup.Manifest{CreatedAt: o.Now().UTC(), Database: s.DatabaseName(), Files: o.Files, MasterKey: o.MasterKey}
	if m.Schema, _, err = s.Versions(ctx); err != nil {
		return m, err
	}
	if m.MasterCheck, err = s.Meta(ctx, masterCheck); err != nil && !store.IsNotFound(err) {
		return m, err
	}
	m.Epoch, err = s.Epoch(ctx)
	return m, err
}

// belongings are what was asked for besides the records.
func (o BackupOptions) belongings(c config.Database) (entries []backup.Entry, err error) {
	if o.MasterKey {
		key := filepath.Join(c.Data, masterFile)
		if _, err := os.Lstat(key); err != nil || c.MasterKey != "" {
			return nil, fault.New(fault.Invalid, "master_key_elsewhere", "The master key is not in the data directory.").
				WithNext("Leave --master-key-file out, and keep the key where it is kept.")
		}
		entries = append(entries, backup.Entry{Name: masterFile, Path: key})
	}
	if !o.Files {
		return entries, nil
	}
	if c.Storage != "" {
		return nil, fault.New(fault.Invalid, "files_elsewhere", "The files of releases are not in the data directory.").
			WithNext("Leave --files out, and back up the bucket with its own means.")
	}
	files, err := filesIn(filepath.Join(c.Data, filesDir))
	return append(entries, files...), err
}

// filesIn lists the files below dir, without those that are still being written.
func filesIn(dir string) (entries []backup.Entry, err error) {
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && name == "parts":
			return fs.SkipDir
		case d.Type().IsRegular():
			entries = append(entries, backup.Entry{Name: path.Join(filesDir, name), Path: filepath.Join(dir, filepath.FromSlash(name)), MayBeGone: true})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	return entries, nil
}
