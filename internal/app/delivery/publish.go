package delivery

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// NewRelease describes a release and its files.
type NewRelease struct {
	Product id.ID
	Version string
	Channel license.Channel // "" is stable
	Summary string
	Notes   string // Markdown
	Draft   bool
	At      time.Time // when it is out; zero is now
	Access  license.Access
	Files   []Upload
}

// Upload is a file on its way in. Its content is read once, as it comes.
type Upload struct {
	FileName     string
	Kind         license.AssetKind // "" is a package
	Platform     string            // "" or "all": every one
	Architecture string            // "" or "none": any
	Size         int64             // bytes that come; -1 where nobody knows
	Content      io.Reader
}

// Publish uploads the files of a release and then puts it on record, all of it
// or nothing: what was uploaded is removed when the rest does not work out.
func (s *Service) Publish(ctx context.Context, actor account.Actor, in NewRelease) (license.Publication, error) {
	p, err := s.product(ctx, actor, account.ProductsWrite, in.Product)
	if err != nil {
		return license.Publication{}, err
	}
	now := s.clock()
	release, err := newRelease(in, now)
	if err != nil {
		return license.Publication{}, err
	}
	if len(in.Files) > 0 { // before anything is uploaded
		if _, err := s.Store.Publication(ctx, p.ID, release.Version); !store.IsNotFound(err) {
			return license.Publication{}, firstOf(err, errTaken)
		}
	}
	for i := range release.Assets {
		if err = s.upload(ctx, p, release.ID, &release.Assets[i], in.Files[i]); err != nil {
			break
		}
	}
	if err == nil {
		err = s.record(ctx, actor, p, release, now)
	}
	if err != nil {
		s.takeBack(ctx, release.Assets)
		return license.Publication{}, err
	}
	return release, nil
}

var errTaken error = fault.New(fault.Conflict, "version_taken", "This version is on record already.").
	WithField("version", "Choose another version, or publish the one that is there without files.")

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) record(ctx context.Context, actor account.Actor, p license.Product, release license.Publication, now time.Time) error {
	e := about(event.ReleaseCreated, actor, p, release, now).Because(string(release.State))
	return once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		err := tx.AddPublication(ctx, release, now)
		if store.IsUnique(err, "release.version") {
			return "", errTaken
		}
		if err == nil {
			err = endUploads(ctx, tx, release)
		}
		if err != nil {
			return "", err
		}
		return release.ID, tx.AppendEvent(ctx, e)
	})
}

// SetState publishes a draft or a withdrawn release, or withdraws a published
// one. at is when it is out: zero is now for one that is published, and leaves
// the date of a withdrawn one alone. One that is in this state is no error.
func (s *Service) SetState(ctx context.Context, actor account.Actor, product id.ID, version string, to license.ReleaseState, at time.Time) (license.Publication, error) {
	p, err := s.product(ctx, actor, account.ProductsWrite, product)
	if err != nil {
		return license.Publication{}, err
	}
	now := s.clock()
	var release license.Publication
	err = once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		if _, err := tx.LockProduct(ctx, p.ID); err != nil {
			return "", err
		}
		if release, err = tx.Publication(ctx, p.ID, version); err != nil {
			return "", missing(err, "release")
		}
		if release.State == to {
			return release.ID, nil
		}
		if to == license.Published && (release.State == license.Draft || !at.IsZero()) {
			release.ReleasedAt = outAt(at, now)
		}
		happened := event.ReleasePublished
		if to == license.Withdrawn {
			happened = event.ReleaseWithdrawn
		}
		release.State, release.Withdrawn = to, to == license.Withdrawn
		if err := tx.SetReleaseState(ctx, release.ID, to, release.ReleasedAt); err != nil {
			return "", err
		}
		return release.ID, tx.AppendEvent(ctx, about(happened, actor, p, release, now))
	})
	return release, err
}

func missing(err error, what string) error {
	if store.IsNotFound(err) {
		return fault.Missing(what)
	}
	return err
}

// Release returns the release of a version, in whatever state, to whoever may
// read or write products.
func (s *Service) Release(ctx context.Context, actor account.Actor, product id.ID, version string) (license.Publication, error) {
	needed := account.ProductsRead
	if actor.Can(account.ProductsWrite) {
		needed = account.ProductsWrite
	}
	p, err := s.product(ctx, actor, needed, product)
	if err != nil {
		return license.Publication{}, err
	}
	release, err := s.Store.Publication(ctx, p.ID, version)
	return release, missing(err, "release")
}

// MaxReleases is the most releases one call returns.
const MaxReleases = 101

// Releases lists the next releases of a product behind one of them, in whatever
// state, the latest first; after "" it begins with the latest.
func (s *Service) Releases(ctx context.Context, actor account.Actor, product, after id.ID) ([]license.Publication, error) {
	p, err := s.product(ctx, actor, account.ProductsRead, product)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.Publications(ctx, store.PublicationFilter{Product: p.ID}, store.Page{After: after, Size: MaxReleases})
	return list[:min(len(list), MaxReleases)], err
}

func outAt(at, now time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	return at.UTC().Truncate(time.Microsecond)
}

// Limits of what a release is made of.
const (
	maxFiles    = 100
	maxFile     = 64 << 30
	maxFileName = 200
	maxSummary  = 500
	maxNotes    = 256 << 10
)

func newRelease(in NewRelease, now time.Time) (license.Publication, error) {
	var problems fault.Problems
	r := license.Publication{
		ID: id.New(), ProductID: in.Product, State: license.Published, Summary: strings.TrimSpace(in.Summary), Notes: strings.TrimSpace(in.Notes),
		Release: license.Release{Version: version(&problems, in.Version), ReleasedAt: outAt(in.At, now), Channel: in.Channel, Access: in.Access},
	}
	if in.Draft {
		r.State = license.Draft
	}
	if r.Channel == "" {
		r.Channel = license.Stable
	}
	checkText(&problems, r)
	if len(in.Files) > maxFiles {
		problems.Add("files", fmt.Sprintf("Use at most %d files.", maxFiles))
		return r, asError(problems.Err())
	}
	for _, u := range in.Files {
		a := newAsset(&problems, u)
		if slices.ContainsFunc(r.Assets, func(b license.Asset) bool { return b.FileName == a.FileName }) {
			problems.Add("files", fmt.Sprintf("The file %q is there twice.", a.FileName))
		}
		r.Assets = append(r.Assets, a)
	}
	return r, asError(problems.Err())
}

// asError drops the typed nil of a fault, which would not be a nil error.
func asError(f *fault.Error) error {
	if f == nil {
		return nil
	}
	return f
}

func checkText(problems *fault.Problems, r license.Publication) {
	if !r.Channel.Known() {
		problems.Add("channel", "Choose stable, beta or hotfix.")
	}
	if len(r.Summary) > maxSummary || strings.ContainsFunc(r.Summary, control) || !valid(r.Summary) {
		problems.Add("summary", fmt.Sprintf("Use one line of at most %d bytes.", maxSummary))
	}
	if len(r.Notes) > maxNotes || !valid(r.Notes) {
		problems.Add("notes", "Use text (UTF-8) of at most 256 KiB.")
	}
	if a := r.Access; !a.ClosesAt.IsZero() && !a.OpensAt.Before(a.ClosesAt) || !a.AssignedBefore.IsZero() && !a.AssignedAfter.Before(a.AssignedBefore) {
		problems.Add("access", "Let every span begin before it ends.")
	}
}
