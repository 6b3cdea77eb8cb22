package delivery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// An upload that goes on says so now and then; one that has not for long is
// taken for one whose process died.
const (
	aliveEvery = time.Hour
	uploadLife = 24 * time.Hour
)

// sweepBatch bounds what one sweep removes from storage.
const sweepBatch = 200

// upload streams one file into storage and notes its size and checksum. It is
// on record before its first byte is in storage, so that a sweep finds what it
// leaves there when the process dies.
func (s *Service) upload(ctx context.Context, p license.Product, release id.ID, a *license.Asset, u Upload) error {
	key := "products/" + string(p.ID) + "/" + rand.Text() // nobody can guess it
	begun := s.clock()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.BeginUpload(ctx, release, key, begun) })
	if err != nil {
		return err
	}
	a.StorageKey = key
	sum := sha256.New()
	counted := &counter{r: io.TeeReader(u.Content, sum), limit: maxFile, alive: s.pulse(ctx, release, begun)}
	err = s.Blobs.Put(ctx, key, counted, u.Size)
	if err == nil && u.Size >= 0 && counted.n != u.Size {
		err = fmt.Errorf("%d of %d bytes came", counted.n, u.Size)
	}
	switch {
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	case err != nil:
		return fmt.Errorf("upload %s: %w", a.FileName, err)
	}
	a.Size, a.SHA256 = counted.n, sum.Sum(nil)
	return nil
}

// pulse is called while content comes, and keeps the uploads of a release from
// being given up.
func (s *Service) pulse(ctx context.Context, release id.ID, last time.Time) func() error {
	return func() error {
		now := s.clock()
		if now.Sub(last) < aliveEvery {
			return nil
		}
		last = now
		return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.SeeUploads(ctx, release, now) })
	}
}

// endUploads makes the uploaded files those of the release that is recorded in
// this transaction. It refuses when one of them was given up in the meantime.
func endUploads(ctx context.Context, tx *store.Tx, release license.Publication) error {
	n, err := tx.EndUploads(ctx, release.ID)
	if err == nil && n != len(release.Assets) {
		return errGivenUp
	}
	return err
}

var errGivenUp error = fault.New(fault.Conflict, "upload_given_up", "The upload stood still for more than a day and was given up.").
	WithNext("Publish the release again.")

// takeBackTime is how long is spent on removing what was uploaded in vain.
const takeBackTime = 30 * time.Second

// takeBack removes what was uploaded, also when whoever asked for it has left.
// What cannot be removed now is left to a sweep.
func (s *Service) takeBack(ctx context.Context, assets []license.Asset) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), takeBackTime)
	defer done()
	for _, a := range assets {
		if a.StorageKey == "" {
			continue
		}
		if err := s.removeUpload(ctx, a.StorageKey); err != nil {
			s.Log.InfoContext(ctx, "what was uploaded in vain is left to a sweep", "key", a.StorageKey, "error", err)
		}
	}
}

// removeUpload removes what an upload put into storage, unless it has become a
// file of a release: whoever recorded it may not have heard that it worked out.
func (s *Service) removeUpload(ctx context.Context, key string) error {
	known, err := s.Store.StorageKeyKnown(ctx, key)
	if err == nil && !known {
		err = s.Blobs.Delete(ctx, key)
	}
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.ForgetUpload(ctx, key) })
}

// Sweep removes what broken uploads left: parts, and whole files whose release
// never got on record because the process died in between. It touches nothing
// that this installation did not put into storage itself, no file of a release,
// and no upload that still goes on. It is to be run now and then.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.Blobs.Sweep(ctx, s.clock()), s.sweepUploads(ctx))
}

func (s *Service) sweepUploads(ctx context.Context) error {
	now := s.clock()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.GiveUploadsUp(ctx, now.Add(-uploadLife), now) })
	if err != nil {
		return err
	}
	keys, err := s.Store.UploadsGivenUp(ctx, sweepBatch)
	if err != nil {
		return err
	}
	var problems []error
	for _, key := range keys {
		if err := s.removeUpload(ctx, key); err != nil {
			problems = append(problems, err)
			continue
		}
		s.Log.InfoContext(ctx, "removed what an upload left that never became a release", "key", key)
	}
	return errors.Join(problems...)
}

// counter counts what is read and stops where a file is too large.
type counter struct {
	r        io.Reader
	n, limit int64
	alive    func() error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.n > c.limit {
		return n, errTooLarge
	}
	if err == nil {
		err = c.alive()
	}
	return n, err
}

var errTooLarge error = fault.New(fault.TooLarge, "file_too_large", "A file is larger than 64 GB.").
	WithNext("Split it, or offer it elsewhere.")
