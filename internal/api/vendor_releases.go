package api

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// ReleaseRecord is a release as the vendor sees it.
type ReleaseRecord struct {
	ID         string       `json:"id"`
	ProductID  string       `json:"product_id"`
	Version    string       `json:"version"`
	Channel    string       `json:"channel" enum:"stable,beta,hotfix"`
	State      string       `json:"state" enum:"draft,published,withdrawn"`
	ReleasedAt *time.Time   `json:"released_at" doc:"When it is out, or null for a draft without a date."`
	Summary    string       `json:"summary,omitempty"`
	Notes      string       `json:"notes,omitempty" doc:"Markdown."`
	Files      []FileRecord `json:"files" nullable:"false"`
}

// FileRecord is a file of a release.
type FileRecord struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Platform string `json:"platform,omitempty"`
	Size     int64  `json:"size" doc:"Bytes."`
}

// NewRelease is the wish for a release without files.
type NewRelease struct {
	Version string     `json:"version" minLength:"1" maxLength:"64" example:"8.4.1"`
	Channel string     `json:"channel,omitempty" enum:"stable,beta,hotfix" doc:"Without it, stable."`
	Summary string     `json:"summary,omitempty" maxLength:"255"`
	Notes   string     `json:"notes,omitempty" maxLength:"65536" doc:"Markdown."`
	Draft   bool       `json:"draft,omitempty" doc:"Nobody is offered it until it is published."`
	At      *time.Time `json:"at,omitempty" doc:"When it is out. Without it, now."`
}

// Publishing is the wish to publish a draft or a withdrawn release.
type Publishing struct {
	At *time.Time `json:"at,omitempty" doc:"When it is out. Without it, a draft is out now, and a withdrawn one keeps its date."`
}

func releaseRecordOf(r license.Publication) ReleaseRecord {
	return ReleaseRecord{
		ID: string(r.ID), ProductID: string(r.ProductID), Version: r.Version, Channel: string(r.Channel), State: string(r.State),
		ReleasedAt: orNull(r.ReleasedAt), Summary: r.Summary, Notes: r.Notes,
		Files: records(r.Assets, func(f license.Asset) FileRecord {
			return FileRecord{ID: string(f.ID), Name: f.FileName, Platform: f.Platform, Size: f.Size}
		}),
	}
}

func releaseEndpoints() []endpoint {
	const path = productsPath + "/{id}/releases"
	return []endpoint{
		list(endpoint{
			id: "list-all-releases", path: path, tag: "vendor releases", permission: account.ProductsRead,
			summary: "List the releases of a product", description: "Lists releases in whatever state, the latest first.",
		}, func(a *API, q *asked) ([]ReleaseRecord, error) {
			product, err := q.id("id", "product")
			if err != nil {
				return nil, err
			}
			rows, err := a.Delivery.Releases(q.ctx, q.actor, product, q.after)
			return records(rows, releaseRecordOf), err
		}, func(r ReleaseRecord) string { return r.ID }),
		call(endpoint{
			id: "create-release", path: path, tag: "vendor releases", permission: account.ProductsWrite, created: true,
			summary: "Put a release on record", description: "Publishes a version, or keeps it as a draft, without files; those are uploaded with the command line.",
		}, func(a *API, q *asked, in NewRelease) (ReleaseRecord, error) {
			return a.release(q, in.Version, func(product id.ID) error {
				_, err := a.Delivery.Publish(q.ctx, q.actor, delivery.NewRelease{
					Product: product, Version: in.Version, Channel: license.Channel(in.Channel), Summary: in.Summary, Notes: in.Notes,
					Draft: in.Draft, At: instant(in.At),
				})
				return err
			})
		}),
		call(endpoint{
			id: "publish-release", path: path + "/{version}/publish", tag: "vendor releases", permission: account.ProductsWrite,
			summary: "Publish a release", description: "Publishes a draft, or one that was withdrawn. Repeating it changes nothing.",
		}, func(a *API, q *asked, in Publishing) (ReleaseRecord, error) {
			return a.setState(q, license.Published, instant(in.At))
		}),
		call(endpoint{
			id: "withdraw-release", path: path + "/{version}/withdraw", tag: "vendor releases", permission: account.ProductsWrite,
			summary: "Withdraw a release", description: "It stays on record, because devices still run it, but nobody is offered it any more.",
		}, func(a *API, q *asked, _ Nothing) (ReleaseRecord, error) {
			return a.setState(q, license.Withdrawn, time.Time{})
		}),
	}
}

func (a *API) setState(q *asked, to license.ReleaseState, at time.Time) (ReleaseRecord, error) {
	version := q.request.PathValue("version")
	return a.release(q, version, func(product id.ID) error {
		_, err := a.Delivery.SetState(q.ctx, q.actor, product, version, to, at)
		return err
	})
}

// release changes the release of a version and answers it as it is then, for a
// repetition too.
func (a *API) release(q *asked, version string, do func(product id.ID) error) (ReleaseRecord, error) {
	product, err := q.id("id", "product")
	if err != nil {
		return ReleaseRecord{}, err
	}
	if err := unlessDone(do(product)); err != nil {
		return ReleaseRecord{}, err
	}
	r, err := a.Delivery.Release(q.ctx, q.actor, product, version)
	return releaseRecordOf(r), err
}
