package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// apps proves what the store does for authenticator apps (P-AUTH-12).
func apps(t *testing.T, s *store.Store) {
	p := aPerson(t, s, "app@example.com")
	begin := func(person id.ID, secret string) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutApp(ctx, account.App{PersonID: person, Secret: []byte(secret), CreatedAt: noon})
		})
	}
	confirm := func() error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.ConfirmApp(ctx, p.ID, noon.Add(time.Minute)) })
	}
	_, err := s.App(t.Context(), p.ID)
	absent(t, err)
	absent(t, begin(id.New(), "nobody's"))
	absent(t, confirm())
	found(t, begin(p.ID, "first"))
	found(t, begin(p.ID, "second"))
	want := account.App{PersonID: p.ID, Secret: []byte("second"), CreatedAt: noon}
	got, err := s.App(t.Context(), p.ID)
	same(t, want, got, err)
	found(t, confirm())
	absent(t, confirm())
	absent(t, begin(p.ID, "third")) // one that is on is not replaced
	want.ConfirmedAt = noon.Add(time.Minute)
	got, err = s.App(t.Context(), p.ID)
	same(t, want, got, err)

	t.Run("each code is good once, and none before it", func(t *testing.T) {
		accept := func(step int64) error {
			return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AcceptAppCode(ctx, p.ID, step) })
		}
		found(t, accept(7))
		absent(t, accept(7))
		absent(t, accept(6))
		found(t, accept(8))
		got, err := s.App(t.Context(), p.ID)
		same(t, int64(8), got.LastStep, err)
	})
	t.Run("one is removed", func(t *testing.T) {
		drop := func(ctx context.Context, tx *store.Tx) error { return tx.DropApp(ctx, p.ID) }
		must(t, s, drop)
		absent(t, try(t, s, drop))
		_, err := s.App(t.Context(), p.ID)
		absent(t, err)
	})
}

// recoveryCodes proves that each is good once, for the person it was made for.
func recoveryCodes(t *testing.T, s *store.Store) {
	p, other := aPerson(t, s, "codes@example.com"), aPerson(t, s, "others.codes@example.com")
	replace := func(hashes ...string) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			list := make([][]byte, len(hashes))
			for i, hash := range hashes {
				list[i] = []byte(hash)
			}
			return tx.ReplaceRecoveryCodes(ctx, p.ID, list, noon)
		})
	}
	spend := func(person id.ID, hash string) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SpendRecoveryCode(ctx, person, []byte(hash), noon)
		})
	}
	left := func(want int) {
		t.Helper()
		got, err := s.RecoveryCodesLeft(t.Context(), p.ID)
		same(t, want, got, err)
	}
	left(0)
	replace("a", "b", "c")
	left(3)
	absent(t, spend(other.ID, "a"))
	absent(t, spend(p.ID, "unknown"))
	found(t, spend(p.ID, "a"))
	absent(t, spend(p.ID, "a"))
	left(2)
	replace("d", "e")
	left(2)
	absent(t, spend(p.ID, "b"))
	replace()
	left(0)
	absent(t, spend(p.ID, "d"))
}

func aPasskey(t *testing.T, s *store.Store, person id.ID, credential string) account.Passkey {
	t.Helper()
	k := account.Passkey{
		ID: id.New(), PersonID: person, CredentialID: []byte(credential), PublicKey: []byte("key"), SignCount: 1 << 31, Flags: 0x5d,
		Transports: []string{"hybrid", "internal"}, Name: "Work laptop", CreatedAt: noon,
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPasskey(ctx, k) })
	return k
}

// passkeys proves what the store does for passkeys (P-AUTH-12).
func passkeys(t *testing.T, s *store.Store) {
	p, other := aPerson(t, s, "passkeys@example.com"), aPerson(t, s, "others.passkeys@example.com")
	first, second := aPasskey(t, s, p.ID, "first"), aPasskey(t, s, p.ID, "second")
	aPasskey(t, s, other.ID, "other")

	t.Run("one is found by id, by credential and in the list", func(t *testing.T) {
		got, err := s.Passkey(t.Context(), p.ID, second.ID)
		same(t, second, got, err)
		got, err = s.PasskeyByCredential(t.Context(), []byte("first"))
		same(t, first, got, err)
		list, err := s.Passkeys(t.Context(), p.ID, 10)
		same(t, []account.Passkey{first, second}, list, err)
		list, err = s.Passkeys(t.Context(), p.ID, 1)
		same(t, []account.Passkey{first}, list, err)
		_, err = s.PasskeyByCredential(t.Context(), []byte("unknown"))
		absent(t, err)
	})
	t.Run("a credential belongs to one", func(t *testing.T) {
		again := first
		again.ID, again.PersonID = id.New(), other.ID
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPasskey(ctx, again) })
		if !store.IsUnique(err, "passkey.credential_id") || !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict about passkey.credential_id", err)
		}
		again.PersonID, again.CredentialID = id.New(), []byte("nobody's")
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPasskey(ctx, again) }))
	})
	t.Run("others do not find it", func(t *testing.T) { // P-ISO-01
		_, err := s.Passkey(t.Context(), other.ID, first.ID)
		absent(t, err)
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.RenamePasskey(ctx, other.ID, first.ID, "Mine")
		}))
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropPasskey(ctx, other.ID, first.ID) }))
		got, err := s.Passkey(t.Context(), p.ID, first.ID)
		same(t, first, got, err)
	})
	t.Run("the count only goes up, unless there is none", func(t *testing.T) {
		use := func(k account.Passkey, count uint32) error {
			k.SignCount, k.Flags = count, 0x1d
			return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.UsePasskey(ctx, k, noon.Add(time.Minute)) })
		}
		absent(t, use(first, first.SignCount))
		absent(t, use(first, 0))
		found(t, use(first, 1<<32-1))
		want := first
		want.SignCount, want.Flags, want.LastUsedAt = 1<<32-1, 0x1d, noon.Add(time.Minute)
		got, err := s.Passkey(t.Context(), p.ID, first.ID)
		same(t, want, got, err)
		countless := account.Passkey{ID: id.New(), PersonID: p.ID, CredentialID: []byte("countless"), PublicKey: []byte("key"), CreatedAt: noon}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPasskey(ctx, countless) })
		found(t, use(countless, 0))
		found(t, use(countless, 0))
	})
	t.Run("one is renamed and removed, then all", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.RenamePasskey(ctx, p.ID, second.ID, "Phone"), tx.DropPasskey(ctx, p.ID, first.ID))
		})
		got, err := s.Passkey(t.Context(), p.ID, second.ID)
		same(t, "Phone", got.Name, err)
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropPasskey(ctx, p.ID, first.ID) }))
		for _, want := range []int64{2, 0} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.DropPasskeys(ctx, p.ID)
				same(t, want, n, err)
				return nil
			})
		}
		list, err := s.Passkeys(t.Context(), other.ID, 10)
		same(t, 1, len(list), err)
	})
}

// challenges proves that each is answered once, in time and for its purpose.
func challenges(t *testing.T, s *store.Store) {
	p := aPerson(t, s, "challenges@example.com")
	ask := func(t *testing.T, hash string, purpose account.ChallengePurpose, person id.ID) account.Challenge {
		t.Helper()
		c := account.Challenge{Purpose: purpose, PersonID: person, Data: `{"n":1}`, CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddChallenge(ctx, c, []byte(hash)) })
		return c
	}
	missing := func(t *testing.T, hash string, purpose account.ChallengePurpose, now time.Time) {
		t.Helper()
		_, err := s.Challenge(t.Context(), []byte(hash), purpose, now)
		absent(t, err)
	}

	t.Run("one is found by its token's hash for its purpose, and spent once", func(t *testing.T) {
		step, anybody := ask(t, "step", account.SecondStep, p.ID), ask(t, "anybody", account.PasskeySignIn, "")
		got, err := s.Challenge(t.Context(), []byte("step"), account.SecondStep, noon)
		same(t, step, got, err)
		got, err = s.Challenge(t.Context(), []byte("anybody"), account.PasskeySignIn, noon)
		same(t, anybody, got, err)
		missing(t, "step", account.PasskeyConfirm, noon)
		missing(t, "other", account.SecondStep, noon)
		missing(t, "step", account.SecondStep, step.ExpiresAt)
		spend := func(ctx context.Context, tx *store.Tx) error { return tx.SpendChallenge(ctx, []byte("step")) }
		must(t, s, spend)
		absent(t, try(t, s, spend))
		missing(t, "step", account.SecondStep, noon)
	})
	t.Run("one of nobody is not found", func(t *testing.T) {
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddChallenge(ctx, account.Challenge{Purpose: account.PasskeyAdd, PersonID: id.New(), CreatedAt: noon, ExpiresAt: noon}, []byte("x"))
		}))
	})
	t.Run("those of a person are dropped together", func(t *testing.T) {
		ask(t, "add", account.PasskeyAdd, p.ID)
		ask(t, "confirm", account.PasskeyConfirm, p.ID)
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropChallenges(ctx, p.ID) })
		missing(t, "add", account.PasskeyAdd, noon)
		missing(t, "confirm", account.PasskeyConfirm, noon)
		_, err := s.Challenge(t.Context(), []byte("anybody"), account.PasskeySignIn, noon)
		found(t, err)
	})
	t.Run("those that nobody answered are purged in steps", func(t *testing.T) {
		ask(t, "late", account.SecondStep, p.ID)
		for _, tt := range []struct {
			now  time.Time
			want int64
		}{{noon, 0}, {noon.Add(time.Minute), 1}, {noon.Add(time.Minute), 1}, {noon.Add(time.Minute), 0}} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.PurgeChallenges(ctx, tt.now, 1)
				same(t, tt.want, n, err)
				return nil
			})
		}
	})
}

// securityNotices proves that each change is told in a mail of its own.
func securityNotices(t *testing.T, s *store.Store) {
	p := aPerson(t, s, "changes@example.com")
	want := []string{`{"person_id":"` + string(p.ID) + `","change":"app_added"}`, `{"person_id":"` + string(p.ID) + `","change":"app_removed"}`}
	for _, change := range []account.SecurityChange{account.AppAdded, account.AppRemoved} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.EnqueueSecurityNotice(ctx, p.ID, change, noon)
		})
	}
	var got []string
	for range want {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			j, err := tx.ClaimJob(ctx, noon)
			same(t, string(account.SecurityChangedNotice), j.Kind, err)
			got = append(got, string(j.Payload))
			return nil
		})
	}
	same(t, want, got, nil)
}
