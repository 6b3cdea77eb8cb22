package backup_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/keyward/keyward/internal/backup"
)

// What somebody still works in is not abandoned, nor is what only looks alike.
func TestOnlyWhatWasLeftIsCleared(t *testing.T) {
	parent := t.TempDir()
	working, err := backup.NewScratch(parent, backup.Making)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(parent, backup.Making+"left")
	for _, dir := range []string{left, filepath.Join(parent, "mine"), filepath.Join(parent, backup.Restoring+"left")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(parent, backup.Making+"file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, look := range []func(string, ...string) ([]string, error){backup.Abandoned, backup.Clear} {
		if dirs, err := look(parent, backup.Making); err != nil || !slices.Equal(dirs, []string{left}) {
			t.Errorf("found %v, %v", dirs, err)
		}
	}
	if dirs, err := backup.Abandoned(parent, backup.Making); err != nil || len(dirs) != 0 {
		t.Errorf("cleared, there is %v, %v", dirs, err)
	}
	if err := working.Remove(); err != nil {
		t.Error(err)
	}
	only(t, parent, backup.Making+"file", backup.Restoring+"left", "mine")
}

func TestNothingIsLeftWhereNothingIs(t *testing.T) {
	if dirs, err := backup.Abandoned(filepath.Join(t.TempDir(), "none"), backup.Making); err != nil || len(dirs) != 0 {
		t.Errorf("found %v, %v", dirs, err)
	}
}
