package licensing

import (
	"context"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// MaxKey bounds the text of a key, in bytes.
const MaxKey = 255

// sealedSearched is how many sealed keys are opened for one search.
const sealedSearched = 5_000

// keyHash is how a key is found: an HMAC of its folded form, per environment.
func (s *Service) keyHash(env license.Environment, key string) []byte {
	return s.Master.KeyHash(string(env), id.Fold(key))
}

func keyBinding(l id.ID) signing.Binding {
	return signing.Binding{Table: "license", Column: "key_sealed", Row: string(l)}
}

// storedKey prepares a key for the store: sealed for high-security products,
// as text for others.
func (s *Service) storedKey(l license.License, p license.Product, key string) (store.LicenseKey, error) {
	k := store.LicenseKey{Hash: s.keyHash(l.Environment, key)}
	if !p.HighSecurity {
		k.Text, k.Folded = key, id.Fold(key)
		return k, nil
	}
	sealed, err := s.Master.Seal([]byte(key), keyBinding(l.ID))
	k.Sealed = sealed
	return k, err
}

// openKey returns the whole key of a license, or errKeyUnavailable.
func (s *Service) openKey(l id.ID, k store.LicenseKey) (string, error) {
	if k.Text != "" {
		return k.Text, nil
	}
	if len(k.Sealed) == 0 {
		return "", errKeyUnavailable
	}
	key, err := s.Master.Open(k.Sealed, keyBinding(l))
	if err != nil {
		return "", errKeyUnavailable
	}
	return string(key), nil
}

// Reveal returns the whole key to its owner. Keys of high-security products
// leave an event first, which the owner sees in the license's history
// (P-LICD-03). A key that cannot be shown is NotFound with code
// "key_unavailable" (P-LICD-04).
func (s *Service) Reveal(ctx context.Context, actor account.Actor, wanted id.ID) (string, error) {
	if err := customerOnly(actor); err != nil {
		return "", err
	}
	if !actor.Role.MayManage() {
		return "", fault.New(fault.Forbidden, "role_too_low", "Your role does not include copying keys. Ask the owner of the account.")
	}
	l, err := s.owned(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return "", err
	}
	kept, key, err := s.recordedKey(ctx, l)
	if err != nil || kept.Text != "" {
		return key, err
	}
	if err := s.noteReveal(ctx, actor, l); err != nil {
		return "", err
	}
	return key, nil
}

// recordedKey returns the key of a license, as it is kept and whole.
func (s *Service) recordedKey(ctx context.Context, l license.License) (store.LicenseKey, string, error) {
	kept, err := s.Store.KeyOf(ctx, l.ID)
	if err != nil {
		return kept, "", err
	}
	key, err := s.openKey(l.ID, kept)
	if err != nil {
		s.Log.ErrorContext(ctx, "a license key cannot be shown", "license", l.ID, "error", err)
		return kept, "", fault.Wrap(fault.NotFound, "key_unavailable", "This key cannot be shown.", err).
			WithNext("Contact your administrator to get it again.")
	}
	return kept, key, nil
}

func (s *Service) wholeKey(ctx context.Context, l license.License) (string, error) {
	_, key, err := s.recordedKey(ctx, l)
	return key, err
}

func (s *Service) noteReveal(ctx context.Context, actor account.Actor, l license.License) error {
	e := event.New(event.KeyRevealed, actor, s.clock()).About(l)
	return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.AppendEvent(ctx, e) })
}

// sealedMatches opens the customer's sealed keys and returns the licenses
// whose key contains the folded fragment.
func (s *Service) sealedMatches(ctx context.Context, r store.Reader, customer id.ID, fragment string) ([]id.ID, error) {
	sealed, err := r.SealedKeys(ctx, customer, sealedSearched)
	if err != nil {
		return nil, err
	}
	var found []id.ID
	for _, k := range sealed {
		key, err := s.openKey(k.LicenseID, store.LicenseKey{Sealed: k.Sealed})
		if err == nil && strings.Contains(id.Fold(key), fragment) {
			found = append(found, k.LicenseID)
		}
	}
	return found, nil
}
