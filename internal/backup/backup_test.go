package backup_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/backup"
	"github.com/keyward/keyward/internal/fault"
)

func silent(int64, int64) {}

var manifest = backup.Manifest{
	CreatedAt: time.Date(2027, 3, 12, 12, 0, 0, 0, time.UTC), Database: "sqlite", Schema: 13, Epoch: 2, MasterCheck: "check",
}

// contents are what the backups of these tests hold.
var contents = map[string]string{"keyward.db": "the records", "files/ab/cd": "a release", "master.key": "a key"}

// written writes a backup of contents and returns its name.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "b.tar")
	if _, err := backup.Write(t.Context(), file, t.TempDir(), manifest, entries(t), silent); err != nil {
		t.Fatal(err)
	}
	only(t, dir, "b.tar")
	return file
}

func entries(t *testing.T) (list []backup.Entry) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"keyward.db", "files/ab/cd", "master.key"} {
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, []byte(contents[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, backup.Entry{Name: name, Path: path})
	}
	return list
}

// only fails the test unless a directory holds these names and no others.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != len(names) {
		t.Fatalf("%v, %v, want %v", list, err, names)
	}
	for i, entry := range list {
		if entry.Name() != names[i] {
			t.Errorf("there is %s, want %s", entry.Name(), names[i])
		}
	}
}

// taken extracts a backup and returns what came out.
func taken(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := backup.Extract(t.Context(), file, dir, func(string) bool { return true }, silent); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name := range contents {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	return out
}

func wantFault(t *testing.T, err error, code string) {
	t.Helper()
	f, told := errors.AsType[*fault.Error](err)
	if !told || f.Code != code || f.Next == "" {
		t.Errorf("got %v, want fault %s that says what to do", err, code)
	}
}

func TestWhatGoesInComesOut(t *testing.T) {
	file := written(t)
	got, err := backup.Verify(t.Context(), file, silent)
	want := manifest
	want.Format = backup.Format
	if err != nil || got != want {
		t.Fatalf("manifest %+v, %v", got, err)
	}
	for name, text := range taken(t, file) {
		if text != contents[name] {
			t.Errorf("%s is %q", name, text)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info, err)
	}
}

// Whatever happens to a byte, a backup is refused or still gives what went in.
func TestDamageIsRefused(t *testing.T) {
	file := written(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := 0; at < len(whole); at += 5 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x11
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Verify(t.Context(), file, silent); err != nil {
			refused++
			continue
		}
		for name, text := range taken(t, file) {
			if text != contents[name] {
				t.Fatalf("byte %d was changed, and %s came out as %q", at, name, text)
			}
		}
	}
	if refused < len(whole)/5/10 {
		t.Errorf("only %d of %d changes were refused", refused, len(whole)/5)
	}
}

func TestHalfABackupIsRefused(t *testing.T) {
	file := written(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.Index(whole, []byte("SHA256SUMS\x00")) + 512
	for _, length := range []int{0, 1, 511, 512, 1024, 1536, end - 512, end, end + 10} {
		if err := os.WriteFile(file, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := backup.Verify(t.Context(), file, silent)
		wantFault(t, err, "backup_damaged")
	}
	_, err = backup.Verify(t.Context(), file+".none", silent)
	wantFault(t, err, "backup_unreadable")
}

func TestStoppedBackupLeavesNothing(t *testing.T) {
	dir, scratch := t.TempDir(), t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	halfway := func(done, _ int64) {
		if done > 0 {
			stop()
		}
	}
	if _, err := backup.Write(ctx, filepath.Join(dir, "b.tar"), scratch, manifest, entries(t), halfway); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
	only(t, dir)
	only(t, scratch)
}

func TestMissingFileLeavesNoBackup(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "b.tar")
	list := append(entries(t), backup.Entry{Name: "keyward.db-2", Path: filepath.Join(dir, "none")})
	if _, err := backup.Write(t.Context(), file, t.TempDir(), manifest, list, silent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	only(t, dir)
	list[len(list)-1].MayBeGone = true
	if _, err := backup.Write(t.Context(), file, t.TempDir(), manifest, list, silent); err != nil {
		t.Error(err)
	}
}

// A place that cannot take what is in a backup says nothing against the backup.
func TestPlaceThatCannotBeWrittenIsSaidSo(t *testing.T) {
	file, dir := written(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "files"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := backup.Extract(t.Context(), file, dir, func(string) bool { return true }, silent)
	wantFault(t, err, "restore_failed")
}

func TestBackupIsNeverOverwritten(t *testing.T) {
	file := written(t)
	_, err := backup.Write(t.Context(), file, t.TempDir(), manifest, entries(t), silent)
	wantFault(t, err, "file_exists")
}
