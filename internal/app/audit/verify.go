package audit

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/store"
)

const verifyPage = 1000

// Report is what Verify found.
type Report struct {
	Events   int64     // sealed events, by the signed end of the chain
	Hash     []byte    // of the last of them; note it elsewhere to prove more
	SealedAt time.Time // when the end was signed; zero: nothing was sealed yet

	// Problem says what is wrong with the chain; empty: nothing.
	Problem string
	// Broken is the first number at which the chain does not hold. It is 0 when
	// there is no problem, or one that has no single place.
	Broken int64
}

// Intact reports whether nothing is wrong.
func (r Report) Intact() bool { return r.Problem == "" }

func (r Report) broken(number int64, problem string) Report {
	r.Broken, r.Problem = number, problem
	return r
}

// Verify computes the whole chain again and compares it with what is stored and
// signed. Events that are sealed meanwhile are left to the next time. Its error
// means that it could not find out.
func (s *Sealer) Verify(ctx context.Context) (Report, error) {
	head, beyond, err := s.end(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("verify events: %w", err)
	}
	report := Report{Events: head.Number, Hash: head.Hash, SealedAt: head.SignedAt}
	if head.Number == 0 {
		report.SealedAt = time.Time{}
	}
	last, problem, err := s.walk(ctx, head.Number)
	switch {
	case err != nil:
		return Report{}, fmt.Errorf("verify events: %w", err)
	case problem != "":
		return report.broken(last.Number+1, problem), nil
	case !bytes.Equal(last.Hash, head.Hash):
		return report.broken(head.Number, "The signed end of the chain is not the seal of its last event."), nil
	case !s.signed(head):
		return report.broken(0, "The end of the chain is not signed by this installation: the chain was made anew, or the master key is another one."), nil
	case beyond:
		return report.broken(head.Number+1, "There is a seal behind the signed end of the chain."), nil
	}
	return report, nil
}

// end returns the head and whether there are seals behind it, both at the same
// moment. What is in front of a head never changes again.
func (s *Sealer) end(ctx context.Context) (head store.Head, beyond bool, err error) {
	err = s.store.Snapshot(ctx, func(r store.Reader) error {
		head, err = r.Head(ctx)
		if err != nil && !store.IsNotFound(err) {
			return err
		}
		more, err := r.SealedAfter(ctx, head.Number, 1)
		beyond = len(more) > 0
		return err
	})
	return head, beyond, err
}

// walk follows the chain up to a number. It returns the last seal that holds,
// and what is wrong with the one behind it, if that should be there.
func (s *Sealer) walk(ctx context.Context, until int64) (last store.Seal, problem string, err error) {
	for last.Number < until {
		page, err := s.store.SealedAfter(ctx, last.Number, int(min(verifyPage, until-last.Number)))
		if err != nil {
			return last, "", err
		}
		if len(page) == 0 {
			return last, missing, nil
		}
		for _, sealed := range page {
			if sealed.Number != last.Number+1 {
				return last, missing, nil
			}
			next, err := link(last, sealed.Event)
			if err != nil {
				return last, "", err
			}
			if !bytes.Equal(next.Hash, sealed.Hash) {
				return last, "This event, or its seal, was changed.", nil
			}
			last = next
		}
	}
	return last, "", nil
}

const missing = "This event, or its seal, is missing."
