package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// LinkLife is how long a download link begins transfers (P-DL-12). One that has
// begun runs to its end.
const LinkLife = 15 * time.Minute

// Codes of download links that are refused.
const (
	CodeLinkExpired = "link_expired"
	CodeLinkForeign = "link_foreign"
	CodeFileMissing = "file_missing"
)

// Link checks that a customer may have a file and returns the token of a link
// to it, which is good for this session, customer and file (C-DWN-02).
func (s *Service) Link(ctx context.Context, actor account.Actor, session, asset id.ID) (string, error) {
	if _, err := s.entitled(ctx, actor, asset); err != nil {
		return "", err
	}
	until := s.clock().Add(LinkLife)
	return s.sign(actor, session, asset, until), nil
}

// sign is the token of a link: its end, and a code over that and all it is
// bound to.
func (s *Service) sign(actor account.Actor, session, asset id.ID, until time.Time) string {
	end := binary.BigEndian.AppendUint64(nil, uint64(until.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(end, s.code(end, actor, session, asset)...))
}

func (s *Service) code(end []byte, actor account.Actor, session, asset id.ID) []byte {
	mac := hmac.New(sha256.New, s.links[:])
	mac.Write(end)
	for _, bound := range []id.ID{session, actor.CustomerID, actor.ID, asset} {
		mac.Write([]byte(bound))
		mac.Write([]byte{0})
	}
	return mac.Sum(nil)
}

// checkLink refuses what is not this session's own link, and one that is over.
func (s *Service) checkLink(actor account.Actor, session, asset id.ID, token string, now time.Time) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != 8+sha256.Size || !hmac.Equal(raw[8:], s.code(raw[:8], actor, session, asset)) {
		return fault.New(fault.Forbidden, CodeLinkForeign, "This download link does not work here: it was made for another session, or changed on the way.").
			WithNext("Open Downloads and click the file again.")
	}
	if until := time.UnixMicro(int64(binary.BigEndian.Uint64(raw[:8]))); now.After(until) {
		return fault.New(fault.Forbidden, CodeLinkExpired, "This download link has expired. Links work for 15 minutes.").
			WithNext("Refresh the Downloads page and click the file again.")
	}
	return nil
}

// File is a file that may go out now.
type File struct {
	license.Asset
	Version    string
	ReleasedAt time.Time
	Content    io.ReadSeekCloser
}

// Fetch opens a file behind a link, after checking the link and once more
// whether the customer may have it. Close its content. begins says that this is
// the beginning of a transfer and not the rest of one: it is counted.
func (s *Service) Fetch(ctx context.Context, actor account.Actor, session, asset id.ID, token string, begins bool) (File, error) {
	g, err := s.entitled(ctx, actor, asset)
	if err != nil {
		return File{}, err
	}
	if err := s.checkLink(actor, session, asset, token, s.clock()); err != nil {
		return File{}, err
	}
	content, err := s.content(ctx, g.asset)
	if err != nil {
		return File{}, err
	}
	if begins {
		if err := s.count(ctx, actor, g); err != nil {
			return File{}, errors.Join(err, content.Close())
		}
	}
	return File{Asset: g.asset, Version: g.release.Version, ReleasedAt: g.release.ReleasedAt, Content: content}, nil
}

// content opens a file in storage. One that is not there, or not all of it, is
// our fault and goes into the log (P-DL-16).
func (s *Service) content(ctx context.Context, a license.Asset) (io.ReadSeekCloser, error) {
	content, err := s.Blobs.Open(ctx, a.StorageKey)
	if err == nil {
		var size int64
		if size, err = content.Seek(0, io.SeekEnd); err == nil && size != a.Size {
			err = fs.ErrNotExist
		}
		if err == nil {
			_, err = content.Seek(0, io.SeekStart)
		}
		if err == nil {
			return content, nil
		}
		err = errors.Join(err, content.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Unavailable, "storage_unavailable", "The file storage does not answer.", err).
			WithNext("Try again in a moment.")
	}
	s.Log.ErrorContext(ctx, "a file of a release is missing in storage", "asset", a.ID, "key", a.StorageKey, "error", err)
	return nil, fault.New(fault.NotFound, CodeFileMissing, "File not found: "+a.FileName+" is missing in our storage.").
		WithNext("We have been told. Try again later, or write to support.")
}

// count notes who fetched which file, and when (P-DL-21).
func (s *Service) count(ctx context.Context, actor account.Actor, g grant) error {
	e := event.New(event.ReleaseDownloaded, actor, s.clock()).About(g.license)
	e.PersonID = actor.ID
	e.Data.Subject, e.Data.Version, e.Data.File = g.asset.ID, g.release.Version, g.asset.FileName
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.CountDownload(ctx, g.asset.ID); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, e)
	})
}

// grant is a file that a customer may have, and the license it goes by.
type grant struct {
	asset   license.Asset
	release license.Publication
	license license.License
}

// entitled reads a file and decides whether the customer may have it now
// (C-DWN-01). A file of a product that it holds no license for does not exist.
func (s *Service) entitled(ctx context.Context, actor account.Actor, wanted id.ID) (grant, error) {
	if err := customerOnly(actor); err != nil {
		return grant{}, err
	}
	var g grant
	now := s.clock()
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if g.asset, g.release, err = r.ReleasedAsset(ctx, wanted); err != nil {
			return missing(err, "file")
		}
		p, err := r.Product(ctx, g.release.ProductID)
		if err != nil {
			return err
		}
		h, err := heldBy(ctx, r, actor.CustomerID, p, now)
		if err != nil {
			return err
		}
		if len(h.licenses) == 0 {
			isolation.Note(ctx, s.Log, actor, "file", wanted)
			return fault.Missing("file")
		}
		if g.release.State != license.Published || !g.release.Open(now) {
			return fault.Missing("file")
		}
		reach := h.reach(g.release.Release)
		g.license = reach.License
		return refusal(reach, g.release)
	})
	return g, err
}

// refusal says why a release cannot be had, in words for the customer.
func refusal(r Reach, release license.Publication) error {
	switch {
	case r.Allowed:
		return nil
	case r.Verdict.Code == verdict.VersionNotEligible:
		return fault.New(fault.Forbidden, string(r.Verdict.Code), "Your license does not include version "+release.Version+".").
			WithNext("A maintenance renewal may be needed for a major version. Versions that your license includes are under Downloads.")
	case r.Verdict.Code == verdict.NotActivated:
		return fault.New(fault.Forbidden, string(r.Verdict.Code), "Downloads of this product begin with the first activation of your license.").
			WithNext("Activate the software on a device first.")
	}
	return fault.New(fault.Forbidden, string(r.Verdict.Code), "This file cannot be downloaded with your licenses any more.").
		WithNext("It takes an active or assigned license whose support and updates have not ended. See My Licenses for what yours needs.")
}
