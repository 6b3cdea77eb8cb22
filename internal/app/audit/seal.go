package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// sealBatch bounds the events sealed in one transaction, which others wait for
// on SQLite.
const sealBatch = 200

// ErrBroken says that the end of the chain is not as Keyward left it. Nothing
// is sealed then: a new signature would make what was changed look genuine.
var ErrBroken = errors.New("the chain of events was changed from outside; events wait for their seal")

// Sealer gives committed events their number and place in the chain. Any
// number of them may work at the same time, in any number of processes.
type Sealer struct {
	store  *store.Store
	master *signing.Master
	now    func() time.Time
}

// NewSealer makes a sealer that signs with a key of the master key.
func NewSealer(s *store.Store, master *signing.Master, now func() time.Time) *Sealer {
	return &Sealer{store: s, master: master, now: now}
}

// Seal seals all events that wait and says how many. After an error those it
// counts are sealed, and the others wait. ErrBroken needs an operator.
func (s *Sealer) Seal(ctx context.Context) (int, error) {
	total := 0
	for {
		// Most rounds find nothing, and those should not disturb the writers.
		waiting, err := s.store.Unsealed(ctx, 1)
		if err != nil || len(waiting) == 0 {
			return total, wrap(err)
		}
		n, err := s.batch(ctx)
		total += n
		if err != nil {
			return total, wrap(err)
		}
	}
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("seal events: %w", err)
	}
	return nil
}

// batch seals some of the events that wait, in one transaction.
func (s *Sealer) batch(ctx context.Context) (n int, err error) {
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		n, err = s.extend(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (s *Sealer) extend(ctx context.Context, tx *store.Tx) (int, error) {
	head, err := tx.LockHead(ctx)
	if err != nil {
		return 0, err
	}
	waiting, err := tx.Unsealed(ctx, sealBatch)
	if err != nil || len(waiting) == 0 {
		return 0, err // another sealer was here first
	}
	if err := s.trusted(ctx, tx.Reader, head); err != nil {
		return 0, err
	}
	links := make([]store.Link, 0, len(waiting))
	for _, w := range waiting {
		if head.Seal, err = link(head.Seal, w.Event); err != nil {
			return 0, err
		}
		links = append(links, store.Link{Seq: w.Seq, Seal: head.Seal})
	}
	if err := tx.AddSeals(ctx, links); err != nil {
		return 0, err
	}
	return len(waiting), tx.SaveHead(ctx, s.sign(head.Seal))
}

// link is the seal of an event behind another one.
func link(last store.Seal, e event.Event) (store.Seal, error) {
	number := last.Number + 1
	hash, err := event.Hash(last.Hash, number, e)
	return store.Seal{Number: number, Hash: hash}, err
}

func (s *Sealer) sign(end store.Seal) store.Head {
	at := s.now().UTC().Truncate(time.Microsecond)
	return store.Head{Seal: end, SignedAt: at, Signature: s.master.SignHead(event.Head(end.Number, end.Hash, at))}
}

// signed reports whether the head is Keyward's, or of a chain without events.
func (s *Sealer) signed(h store.Head) bool {
	if h.Number == 0 {
		return len(h.Hash) == 0 && len(h.Signature) == 0
	}
	return s.master.VerifyHead(event.Head(h.Number, h.Hash, h.SignedAt), h.Signature)
}

// trusted returns ErrBroken unless the head is signed and the chain ends there.
func (s *Sealer) trusted(ctx context.Context, r store.Reader, head store.Head) error {
	end, err := r.SealedAfter(ctx, head.Number-1, 2)
	if err != nil {
		return err
	}
	fits := len(end) == 0 && head.Number == 0 ||
		len(end) == 1 && end[0].Number == head.Number && bytes.Equal(end[0].Hash, head.Hash)
	if !fits || !s.signed(head) {
		return ErrBroken
	}
	return nil
}
