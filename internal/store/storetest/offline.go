package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

func offline(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner := aProduct(t, s, "editor"), aCustomer(t, s, "Owner")
	l, other := aLicense(p, owner.ID), aLicense(p, owner.ID)
	add(t, s, l, other)
	one, two := anActivation(l, "HW-1"), anActivation(l, "HW-2")
	activate(t, s, one, two)
	issue := func(a license.Activation, nonce string, until time.Time) license.OfflineFile {
		f := license.OfflineFile{ID: id.New(), LicenseID: l.ID, Activation: a, Nonce: nonce, IssuedAt: noon, ValidUntil: until}
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddOfflineFile(ctx, f, []byte("sealed "+nonce))
		})
		return f
	}
	first, second, ended := issue(one, "a", noon.Add(time.Hour)), issue(two, "b", noon.Add(time.Hour)), issue(two, "c", noon)

	t.Run("files come back as they were, newest first, of their license only", func(t *testing.T) {
		got, err := s.OfflineFiles(ctx, l.ID, 10)
		same(t, []license.OfflineFile{ended, second, first}, got, err)
		got, err = s.OfflineFiles(ctx, other.ID, 10)
		same(t, nil, got, err)
		f, err := s.OfflineFile(ctx, l.ID, first.ID)
		same(t, first, f, err)
		_, err = s.OfflineFile(ctx, other.ID, first.ID)
		absent(t, err)
		f, err = s.OfflineFileOf(ctx, l.ID, "b")
		same(t, second, f, err)
		_, err = s.OfflineFileOf(ctx, other.ID, "b")
		absent(t, err)
		claims, err := s.OfflineClaims(ctx, first.ID)
		same(t, "sealed a", string(claims), err)
	})
	t.Run("one file answers a request", func(t *testing.T) {
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddOfflineFile(ctx, license.OfflineFile{ID: id.New(), LicenseID: l.ID, Activation: one, Nonce: "a", IssuedAt: noon, ValidUntil: noon}, []byte("x"))
		})
		if !store.IsUnique(err, "offline_file.nonce") {
			t.Errorf("got %v, want a conflict", err)
		}
	})
	t.Run("those that can be in use count, lost ones too", func(t *testing.T) {
		out := func(want int, without id.ID, at time.Time) {
			t.Helper()
			n, err := s.OfflineOut(ctx, l.ID, without, at)
			same(t, want, n, err)
		}
		out(2, "", noon)
		out(1, one.ID, noon)
		out(0, "", noon.Add(time.Hour))
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			done, err := tx.ReturnOfflineFile(ctx, first.ID, license.FileLost, noon)
			same(t, true, done, err)
			done, err = tx.ReturnOfflineFile(ctx, first.ID, license.FileLost, noon)
			same(t, false, done, err)
			return nil
		})
		out(2, "", noon)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SupersedeOfflineFiles(ctx, l.ID, two.ID, noon)
		})
		out(1, "", noon)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			done, err := tx.ReturnOfflineFile(ctx, first.ID, license.FileReturned, noon)
			same(t, true, done, err)
			return nil
		})
		out(0, "", noon)
		f, err := s.OfflineFile(ctx, l.ID, second.ID)
		second.ReturnedAt, second.ReturnReason = noon, license.FileSuperseded
		same(t, second, f, err)
	})
	t.Run("a product keeps its policy", func(t *testing.T) {
		_, err := s.OfflinePolicy(ctx, p.ID)
		absent(t, err)
		for _, policy := range []license.OfflinePolicy{{ValidFor: time.Hour, Files: 1}, {ValidFor: 2 * time.Hour, Files: 7}} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetOffline(ctx, p.ID, false, policy, noon) })
			got, err := s.OfflinePolicy(ctx, p.ID)
			same(t, policy, got, err)
		}
		after, err := s.Product(ctx, p.ID)
		same(t, false, after.OfflineAllowed, err)
	})
}
