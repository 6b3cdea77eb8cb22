package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Beginnings of the names of scratch directories.
const (
	Making    = ".keyward-backup-" // beside the file that is being made
	Restoring = ".restore-"        // in the data directory that is being filled
)

// Scratch is a directory in which a backup is made or restored. It is locked
// while its process lives, so that what was killed is told from what is under
// way.
type Scratch struct {
	Dir  string
	lock *os.File
}

// NewScratch makes one in parent.
func NewScratch(parent, beginning string) (*Scratch, error) {
	dir, err := os.MkdirTemp(parent, beginning)
	if err != nil {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	// Where nothing can be locked, nothing is ever taken for abandoned.
	_ = tryLock(lock)
	return &Scratch{dir, lock}, nil
}

// Remove removes the directory and what is in it.
func (s *Scratch) Remove() error { return errors.Join(s.lock.Close(), os.RemoveAll(s.Dir)) }

// Abandoned lists the scratch directories in parent whose process ended before
// it could remove them. They hold copies of records, and maybe the master key.
func Abandoned(parent string, beginnings ...string) (dirs []string, err error) {
	err = eachAbandoned(parent, beginnings, func(dir string) error {
		dirs = append(dirs, dir)
		return nil
	})
	return dirs, err
}

// Clear removes those, and returns which it removed.
func Clear(parent string, beginnings ...string) (dirs []string, err error) {
	err = eachAbandoned(parent, beginnings, func(dir string) error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		dirs = append(dirs, dir)
		return nil
	})
	return dirs, err
}

// eachAbandoned calls do while it holds the lock of a directory.
func eachAbandoned(parent string, beginnings []string, do func(dir string) error) error {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for what was left over: %w", err)
	}
	for _, e := range entries {
		named := slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(e.Name(), b) })
		if !named || !e.IsDir() {
			continue
		}
		if err := ifAbandoned(filepath.Join(parent, e.Name()), do); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look for what was left over: %w", err)
		}
	}
	return nil
}

// ifAbandoned leaves alone what another user made.
func ifAbandoned(dir string, do func(string) error) error {
	lock, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if !tryLock(lock) {
		return nil
	}
	return do(dir)
}
