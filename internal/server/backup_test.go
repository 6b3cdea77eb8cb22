package server_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/backup"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/store"
)

func silent(string, int64, int64) {}

// shop is an installation in use, and what a test knows of it.
type shop struct {
	*server.Services
	product  license.Product
	customer account.Customer
	person   account.Person
	client   account.Actor
	licenses []license.License
	keys     []string
}

var vendor = account.System("")

func openShop(t *testing.T, c config.Database) *shop {
	t.Helper()
	s := &shop{Services: mustAssemble(t, c)}
	var err error
	s.product, err = s.Catalog.CreateProduct(t.Context(), vendor, catalog.NewProduct{
		Name: "Cartograph", Environment: license.Production, AcceptsHardware: true, Plan: catalog.NewGenerator{Limit: 5},
	})
	must(t, err)
	s.customer, s.person, err = s.Identity.CreateCustomer(t.Context(), vendor, identity.NewCustomer{Name: "Nordlicht", Email: "ada@nordlicht.example"})
	must(t, err)
	s.client = account.Actor{
		Kind: account.ActorToken, ID: id.New(), ProductID: s.product.ID, Environment: s.product.Environment,
		Permissions: []account.Permission{account.DevicesUse},
	}
	for range 2 {
		l, key, err := s.Licensing.Issue(t.Context(), vendor, licensing.Issue{ProductID: s.product.ID, CustomerID: s.customer.ID})
		must(t, err)
		s.licenses, s.keys = append(s.licenses, l), append(s.keys, key)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token makes a client token of the shop.
func (s *shop) token(t *testing.T) account.Token {
	t.Helper()
	token, _, err := s.Identity.CreateToken(t.Context(), vendor, identity.NewToken{Kind: account.ClientToken, Name: "T", ProductID: s.product.ID})
	must(t, err)
	return token
}

// activate asks for a seat under an idempotency key.
func activate(t *testing.T, s *server.Services, by account.Actor, key, device, idempotency string) (licensing.Answer, error) {
	t.Helper()
	return s.Licensing.Activate(t.Context(), by, licensing.Call{Key: key, Device: &license.Device{Identifier: device, Name: device}, Idempotency: idempotency})
}

func (s *shop) activate(t *testing.T, device, idempotency string) license.Activation {
	t.Helper()
	a, err := activate(t, s.Services, s.client, s.keys[0], device, idempotency)
	must(t, err)
	if a.Activation == nil {
		t.Fatalf("%s was not activated: %s", device, a.Verdict.Code)
	}
	return *a.Activation
}

// signIn keeps a session, as signing in does.
func (s *shop) signIn(t *testing.T) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	must(t, s.Store.InTx(t.Context(), func(tx *store.Tx) error {
		return tx.AddSession(t.Context(), account.Session{
			ID: id.New(), PersonID: s.person.ID, CustomerID: s.customer.ID, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour),
		}, []byte("hash"))
	}))
}

func backUp(t *testing.T, c config.Database, change ...func(*server.BackupOptions)) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "b.tar")
	o := server.BackupOptions{Now: time.Now, Log: quiet, Tell: silent}
	for _, f := range change {
		f(&o)
	}
	_, err := server.Backup(t.Context(), c, file, o)
	must(t, err)
	return file
}

func restoreOptions() server.RestoreOptions {
	return server.RestoreOptions{Now: time.Now, Log: quiet, Tell: silent}
}

// emptyLike is an empty place of the same kind that has the same master key.
func emptyLike(t *testing.T, c config.Database) config.Database {
	t.Helper()
	empty := private(t, config.Database{Data: t.TempDir()})
	if c.Database != "" {
		empty.Database = pgtest.URL(t)
	}
	key, err := os.ReadFile(filepath.Join(c.Data, "master.key"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(empty.Data, "master.key"), key, 0o600))
	return empty
}

func TestBackupOfARunningInstallationIsRestored(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		s := openShop(t, c)
		defer closed(t, s.Services)
		made := s.activate(t, "HW-1", "k1")
		s.signIn(t)
		file := backUp(t, c)
		s.activate(t, "HW-2", "k2") // it goes on, and is not in the backup

		empty := emptyLike(t, c)
		done, err := server.Restore(t.Context(), empty, file, restoreOptions())
		must(t, err)
		if done.Epoch != 2 || done.Sessions != 1 || done.Carried() {
			t.Errorf("restored %+v", done)
		}
		here := mustAssemble(t, empty)
		defer closed(t, here)
		again, err := activate(t, here, s.client, s.keys[0], "HW-1", "k1")
		must(t, err)
		if again.Activation == nil || again.Activation.ID != made.ID {
			t.Error("a used idempotency key was used again")
		}
		if n, err := here.Store.Seats(t.Context(), s.licenses[0].ID, nil, time.Now()); err != nil || n.Used != 1 {
			t.Errorf("%+v seats, %v", n, err)
		}
		if report, err := here.Sealer.Verify(t.Context()); err != nil || !report.Intact() || report.Events == 0 {
			t.Errorf("the chain: %+v, %v", report, err)
		}
		healthy(t, empty)
	})
}

// What happened after the backup is carried over as far as it must not be
// undone.
func TestRevokedStaysRevokedAndUsedKeysStayUsed(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		s := openShop(t, c)
		token := s.token(t)
		file := backUp(t, c)
		s.activate(t, "HW-1", "k1")
		_, err := s.Licensing.Revoke(t.Context(), vendor, s.licenses[1].ID, license.Leak, "It was found on the net.")
		must(t, err)
		must(t, s.Identity.RevokeToken(t.Context(), vendor, token.ID))
		must(t, s.Store.InTx(t.Context(), func(tx *store.Tx) error { return tx.Restored(t.Context(), 6) }))
		closed(t, s.Services)

		empty, o := emptyLike(t, c), restoreOptions()
		o.Previous = &c
		done, err := server.Restore(t.Context(), empty, file, o)
		must(t, err)
		if done.Epoch != 7 || done.Revoked != 1 || done.Tokens != 1 || done.Keys != 1 || len(done.NotRevoked) != 0 {
			t.Errorf("restored %+v", done)
		}
		here := mustAssemble(t, empty)
		defer closed(t, here)
		l, err := here.Store.License(t.Context(), s.licenses[1].ID)
		must(t, err)
		if l.Status(time.Now()) != license.Revoked || l.RevokeReason != license.Leak {
			t.Errorf("the license is %s (%s)", l.Status(time.Now()), l.RevokeReason)
		}
		if kept, err := here.Store.Token(t.Context(), token.ID); err != nil || kept.RevokedAt.IsZero() {
			t.Errorf("the token is good: %v", err)
		}
		_, err = activate(t, here, s.client, s.keys[0], "HW-1", "k1")
		wantFault(t, err, "idempotency_outlived")
		if epoch, err := here.Store.Epoch(t.Context()); err != nil || epoch != 7 {
			t.Errorf("epoch %d, %v", epoch, err)
		}
	})
}

func TestRestoreTakesAnEmptyPlaceOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		file := backUp(t, c)
		_, err := server.Restore(t.Context(), c, file, restoreOptions())
		wantFault(t, err, "target_not_empty")
	})
}

func TestRestoreNeedsTheMasterKeyAndWritesNothingWithout(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		file := backUp(t, c)
		empty := emptyLike(t, c)
		key := filepath.Join(empty.Data, "master.key")
		must(t, os.Remove(key))
		_, err := server.Restore(t.Context(), empty, file, restoreOptions())
		wantFault(t, err, "master_key_missing")
		empty.MasterKey = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
		_, err = server.Restore(t.Context(), empty, file, restoreOptions())
		wantFault(t, err, "master_key_wrong")
		if there, err := store.Exists(t.Context(), store.Options{Database: empty.Database, Dir: empty.Data}); err != nil || there {
			t.Errorf("something was written: %v, %v", there, err)
		}
		if list, err := os.ReadDir(empty.Data); err != nil || len(list) != 0 {
			t.Errorf("left behind: %v, %v", list, err)
		}
	})
}

func TestBackupWithAllThatBelongsToIt(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		must(t, os.MkdirAll(filepath.Join(c.Data, "files", "a"), 0o700))
		must(t, os.WriteFile(filepath.Join(c.Data, "files", "a", "b"), []byte("content"), 0o600))
		file := backUp(t, c, func(o *server.BackupOptions) { o.Files, o.MasterKey = true, true })
		empty := emptyLike(t, c)
		must(t, os.Remove(filepath.Join(empty.Data, "master.key")))
		_, err := server.Restore(t.Context(), empty, file, restoreOptions())
		must(t, err)
		closed(t, mustAssemble(t, empty))
		if text, err := os.ReadFile(filepath.Join(empty.Data, "files", "a", "b")); err != nil || string(text) != "content" {
			t.Errorf("the file holds %q, %v", text, err)
		}
		if info, err := os.Stat(filepath.Join(empty.Data, "master.key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the key: %v, %v", info, err)
		}
	})
}

// The master key is a secret that goes where it is told to only.
func TestBackupHoldsNoMasterKeyUnlessAsked(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	used(t, c)
	key, err := os.ReadFile(filepath.Join(c.Data, "master.key"))
	must(t, err)
	text, err := os.ReadFile(backUp(t, c))
	must(t, err)
	if string(key) == "" || contains(text, key[:32]) {
		t.Error("the key is in the backup")
	}
}

func contains(text, part []byte) bool {
	for i := range len(text) - len(part) {
		if string(text[i:i+len(part)]) == string(part) {
			return true
		}
	}
	return false
}

func TestStoppedBackupAndRestoreLeaveNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		file := backUp(t, c)
		stopAt := func(wanted string) (context.Context, func(string, int64, int64)) {
			ctx, stop := context.WithCancel(t.Context())
			return ctx, func(step string, _, _ int64) {
				if step == wanted {
					stop()
				}
			}
		}
		dir := t.TempDir()
		for _, step := range []string{"copying the records", "writing the file"} {
			ctx, tell := stopAt(step)
			_, err := server.Backup(ctx, c, filepath.Join(dir, "b.tar"), server.BackupOptions{Now: time.Now, Log: quiet, Tell: tell})
			if list, read := os.ReadDir(dir); err == nil || read != nil || len(list) != 0 {
				t.Errorf("stopped at %s: %v, left %v", step, err, list)
			}
		}
		empty := emptyLike(t, c)
		for _, step := range []string{"proving the backup", "taking it out", "filling the tables"} {
			if step == "filling the tables" && c.Database == "" {
				continue // SQLite's are full when they come
			}
			ctx, tell := stopAt(step)
			o := restoreOptions()
			o.Tell = tell
			if _, err := server.Restore(ctx, empty, file, o); !errors.Is(err, context.Canceled) && err == nil {
				t.Errorf("stopped at %s: %v", step, err)
			}
			if there, err := store.Exists(t.Context(), store.Options{Database: empty.Database, Dir: empty.Data}); err != nil || there {
				t.Errorf("stopped at %s: left something: %v, %v", step, there, err)
			}
		}
		_, err := server.Restore(t.Context(), empty, file, restoreOptions())
		must(t, err)
	})
}

// A backup that fails says why, and what to do: the database is not at fault.
func TestFailedBackupSaysWhy(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		dir := t.TempDir()
		vanish := func(string, int64, int64) {
			scratch, err := filepath.Glob(filepath.Join(dir, backup.Making+"*"))
			must(t, err)
			for _, d := range scratch {
				must(t, os.RemoveAll(d))
			}
		}
		_, err := server.Backup(t.Context(), c, filepath.Join(dir, "b.tar"), server.BackupOptions{Now: time.Now, Log: quiet, Tell: vanish})
		wantFault(t, err, "backup_failed")
		if !strings.Contains(err.Error(), "no such file or directory") {
			t.Error(err)
		}
	})
}

// What a killed backup or restore left goes with the next one to the same place.
func TestWhatWasKilledIsCleared(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		dir, empty := t.TempDir(), emptyLike(t, c)
		for _, left := range []string{filepath.Join(dir, backup.Making+"1"), filepath.Join(empty.Data, backup.Restoring+"1")} {
			must(t, os.MkdirAll(left, 0o700))
			must(t, os.WriteFile(filepath.Join(left, "keyward.db"), []byte("half of the records"), 0o600))
		}
		file := filepath.Join(dir, "b.tar")
		done, err := server.Backup(t.Context(), c, file, server.BackupOptions{Now: time.Now, Log: quiet, Tell: silent})
		must(t, err)
		restored, err := server.Restore(t.Context(), empty, file, restoreOptions())
		must(t, err)
		if len(done.Cleared) != 1 || len(restored.Cleared) != 1 {
			t.Errorf("cleared %v and %v", done.Cleared, restored.Cleared)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Errorf("beside the backup lies %v, %v", list, err)
		}
	})
}

// A restore that was killed before its end is not taken for records.
func TestUnfinishedRestoreIsNotServed(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		s := mustAssemble(t, c)
		must(t, s.Store.InTx(t.Context(), func(tx *store.Tx) error { return tx.SetMeta(t.Context(), "restoring", "") }))
		closed(t, s)
		_, err := assemble(t, c, server.Options{})
		wantFault(t, err, "restore_unfinished")
	})
}

func TestBackupGoesBackToItsOwnKindOfDatabase(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	used(t, c)
	empty := config.Database{Data: t.TempDir(), Database: pgtest.URL(t)}
	_, err := server.Restore(t.Context(), empty, backUp(t, c), restoreOptions())
	wantFault(t, err, "backup_kind")
}

func TestNothingToBackUpIsSaidSo(t *testing.T) {
	c := config.Database{Data: filepath.Join(t.TempDir(), "none")}
	_, err := server.Backup(t.Context(), c, filepath.Join(t.TempDir(), "b.tar"), server.BackupOptions{Now: time.Now, Log: quiet, Tell: silent})
	wantFault(t, err, "no_records")
	if _, err := os.Lstat(c.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it made a directory: %v", err)
	}
}
