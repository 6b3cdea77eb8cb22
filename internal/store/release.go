package store

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// AddRelease puts a version of a product on record as published, without
// anything to read or to download. A version it has already is a conflict: see
// IsUnique with "release.version".
func (tx *Tx) AddRelease(ctx context.Context, product, release id.ID, v license.Release, now time.Time) error {
	return tx.AddPublication(ctx, license.Publication{Release: v, ID: release, ProductID: product, State: license.Published}, now)
}

// AddPublication keeps a release with its files, whose content is in storage
// already. A version that its product has already is a conflict: see IsUnique
// with "release.version".
func (tx *Tx) AddPublication(ctx context.Context, p license.Publication, now time.Time) error {
	access, err := jsonText(p.Access)
	if err != nil {
		return err
	}
	if p.Channel == "" {
		p.Channel = license.Stable
	}
	err = tx.change(ctx, `INSERT INTO release (id, product_seq, version, released_at, created_at, channel, state, summary, notes, access)
		SELECT $2, seq, $3, $4, $5, $6, $7, $8, $9, $10 FROM product WHERE id = $1`,
		p.ProductID, p.ID, p.Version, at(p.ReleasedAt), at(now), p.Channel, p.State, p.Summary, p.Notes, access)
	if err != nil {
		return err
	}
	for _, a := range p.Assets {
		if err := tx.addAsset(ctx, p.ID, a, now); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) addAsset(ctx context.Context, release id.ID, a license.Asset, now time.Time) error {
	return tx.change(ctx, `INSERT INTO asset (id, release_seq, file_name, kind, platform, architecture, size, sha256,
			content_type, storage_key, downloads, created_at)
		SELECT $2, seq, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11 FROM release WHERE id = $1`,
		release, a.ID, a.FileName, a.Kind, a.Platform, a.Architecture, a.Size, a.SHA256, a.ContentType, a.StorageKey, at(now))
}

// SetReleaseState changes how far a release got, and when it is out.
func (tx *Tx) SetReleaseState(ctx context.Context, release id.ID, state license.ReleaseState, released time.Time) error {
	return tx.change(ctx, `UPDATE release SET state = $2, released_at = $3 WHERE id = $1`, release, state, at(released))
}

// CountDownload notes that a file was fetched once more.
func (tx *Tx) CountDownload(ctx context.Context, asset id.ID) error {
	return tx.change(ctx, `UPDATE asset SET downloads = downloads + 1 WHERE id = $1`, asset)
}

const releaseColumns = `r.version, r.released_at, r.channel, r.state, r.access`

func scanRelease(s scanner) (license.Release, error) {
	var v license.Release
	var state license.ReleaseState
	err := s.Scan(releaseTargets(&v, &state)...)
	v.Withdrawn = state == license.Withdrawn
	return v, err
}

func releaseTargets(v *license.Release, state *license.ReleaseState) []any {
	return []any{&v.Version, scanAt(&v.ReleasedAt), &v.Channel, state, scanJSON(&v.Access)}
}

// Release returns a version of a product, unless it is a draft.
func (r Reader) Release(ctx context.Context, product id.ID, version string) (license.Release, error) {
	return first(r.queryRow(ctx, `SELECT `+releaseColumns+` FROM release r
		WHERE`+ofProduct+` AND r.version = $2 AND r.state <> 'draft'`, product, version), scanRelease)
}

// releasesKept is how many of a product's versions count. The oldest beyond
// them are no longer looked at.
const releasesKept = 1000

// Releases lists a product's versions, the latest first, without drafts.
func (r Reader) Releases(ctx context.Context, product id.ID) ([]license.Release, error) {
	rs, err := r.query(ctx, `SELECT `+releaseColumns+` FROM release r
		WHERE`+ofProduct+` AND r.state <> 'draft' ORDER BY r.released_at DESC, r.seq DESC LIMIT $2`, product, releasesKept)
	return collect(rs, err, scanRelease)
}

// Offered is a release that has files.
type Offered struct {
	ID id.ID
	license.Release
}

// OfferedReleases lists a product's published releases that have files, the
// latest first.
func (r Reader) OfferedReleases(ctx context.Context, product id.ID) ([]Offered, error) {
	rs, err := r.query(ctx, `SELECT r.id, `+releaseColumns+` FROM release r
		WHERE`+ofProduct+` AND r.state = 'published' AND EXISTS (SELECT 1 FROM asset a WHERE a.release_seq = r.seq)
		ORDER BY r.released_at DESC, r.seq DESC LIMIT $2`, product, releasesKept)
	return collect(rs, err, func(s scanner) (Offered, error) {
		var o Offered
		var state license.ReleaseState
		err := s.Scan(append([]any{&o.ID}, releaseTargets(&o.Release, &state)...)...)
		return o, err
	})
}

const publicationColumns = `r.id, p.id, r.summary, r.notes, ` + releaseColumns

func scanPublication(s scanner) (license.Publication, error) {
	var p license.Publication
	err := s.Scan(append([]any{&p.ID, &p.ProductID, &p.Summary, &p.Notes}, releaseTargets(&p.Release, &p.State)...)...)
	p.Withdrawn = p.State == license.Withdrawn
	return p, err
}

const publicationFrom = ` FROM release r JOIN product p ON p.seq = r.product_seq`

// ofProduct selects the releases of the product $1.
const ofProduct = ` r.product_seq = (SELECT seq FROM product WHERE id = $1)`

// Publication returns a release of a product by its version, in whatever state,
// with its files.
func (r Reader) Publication(ctx context.Context, product id.ID, version string) (license.Publication, error) {
	p, err := first(r.queryRow(ctx, `SELECT `+publicationColumns+publicationFrom+`
		WHERE`+ofProduct+` AND r.version = $2`, product, version), scanPublication)
	if err != nil {
		return p, err
	}
	return p, r.addAssets(ctx, []*license.Publication{&p})
}

// PublicationsByID returns releases with their files, the latest first.
func (r Reader) PublicationsByID(ctx context.Context, releases []id.ID) ([]license.Publication, error) {
	rs, err := r.query(ctx, `SELECT `+publicationColumns+publicationFrom+`
		WHERE r.id IN `+r.d.listed("$1")+` ORDER BY r.released_at DESC, r.seq DESC`, idList(releases))
	return r.withAssets(collect(rs, err, scanPublication))(ctx)
}

// PublicationFilter selects among the releases of a product.
type PublicationFilter struct {
	Product id.ID
	OutAt   time.Time // set: published ones that are out at this instant
}

// Publications lists a product's releases with their files, the latest first,
// one more than the page size.
func (r Reader) Publications(ctx context.Context, f PublicationFilter, page Page) ([]license.Publication, error) {
	w := &where{d: r.d}
	w.arg(f.Product)
	w.add(ofProduct)
	if !f.OutAt.IsZero() {
		w.add(`r.state = 'published' AND r.released_at <= ` + w.arg(at(f.OutAt)))
	}
	backward, direction := page.Before != "", ` DESC`
	if backward {
		direction = ` ASC`
	}
	if edge := edgeOf(page); edge != "" {
		w.add(`(r.released_at, r.seq) ` + comparison(!backward) + ` (SELECT e.released_at, e.seq FROM release e
			WHERE e.id = ` + w.arg(edge) + ` AND e.product_seq = (SELECT seq FROM product WHERE id = $1))`)
	}
	rs, err := r.query(ctx, `SELECT `+publicationColumns+publicationFrom+w.text()+
		` ORDER BY r.released_at`+direction+`, r.seq`+direction+` LIMIT `+w.arg(page.Size+1), w.args...)
	list, err := collect(rs, err, scanPublication)
	if backward {
		slices.Reverse(list)
	}
	return r.withAssets(list, err)(ctx)
}

// CountPublications counts what a filter selects.
func (r Reader) CountPublications(ctx context.Context, product id.ID, outAt time.Time) (int, error) {
	return first(r.queryRow(ctx, `SELECT COUNT(*)`+publicationFrom+`
		WHERE`+ofProduct+` AND r.state = 'published' AND r.released_at <= $2`, product, at(outAt)), value[int])
}

// withAssets takes the results of a list and adds the files.
func (r Reader) withAssets(list []license.Publication, err error) func(context.Context) ([]license.Publication, error) {
	return func(ctx context.Context) ([]license.Publication, error) {
		if err != nil {
			return nil, err
		}
		pointers := make([]*license.Publication, len(list))
		for i := range list {
			pointers[i] = &list[i]
		}
		return list, r.addAssets(ctx, pointers)
	}
}

const assetColumns = `a.id, a.file_name, a.kind, a.platform, a.architecture, a.size, a.sha256, a.content_type, a.storage_key, a.downloads`

func assetTargets(a *license.Asset) []any {
	return []any{&a.ID, &a.FileName, &a.Kind, &a.Platform, &a.Architecture, &a.Size, &a.SHA256, &a.ContentType, &a.StorageKey, &a.Downloads}
}

// addAssets reads the files of all these releases at once.
func (r Reader) addAssets(ctx context.Context, list []*license.Publication) error {
	if len(list) == 0 {
		return nil
	}
	var ids []id.ID
	of := map[id.ID]*license.Publication{}
	for _, p := range list {
		ids = append(ids, p.ID)
		of[p.ID] = p
	}
	type owned struct {
		release id.ID
		license.Asset
	}
	rs, err := r.query(ctx, `SELECT r.id, `+assetColumns+` FROM release r JOIN asset a ON a.release_seq = r.seq
		WHERE r.id IN `+r.d.listed("$1")+` ORDER BY a.seq`, idList(ids))
	all, err := collect(rs, err, func(s scanner) (owned, error) {
		var o owned
		err := s.Scan(append([]any{&o.release}, assetTargets(&o.Asset)...)...)
		return o, err
	})
	for _, o := range all {
		of[o.release].Assets = append(of[o.release].Assets, o.Asset)
	}
	return err
}

// ReleasedAsset returns a file and the release it belongs to, without the
// release's other files.
func (r Reader) ReleasedAsset(ctx context.Context, asset id.ID) (license.Asset, license.Publication, error) {
	var a license.Asset
	p, err := first(r.queryRow(ctx, `SELECT `+assetColumns+`, `+publicationColumns+`
		FROM asset a JOIN release r ON r.seq = a.release_seq JOIN product p ON p.seq = r.product_seq WHERE a.id = $1`, asset),
		func(s scanner) (license.Publication, error) {
			return scanPublication(prefixed{s, assetTargets(&a)})
		})
	return a, p, err
}

// prefixed scans a row whose first columns go to other targets.
type prefixed struct {
	scanner
	before []any
}

func (p prefixed) Scan(targets ...any) error { return p.scanner.Scan(append(p.before, targets...)...) }

// StorageKeyKnown reports whether a file in storage belongs to a release.
func (r Reader) StorageKeyKnown(ctx context.Context, key string) (bool, error) {
	n, err := first(r.queryRow(ctx, `SELECT COUNT(*) FROM asset a WHERE a.storage_key = $1`, key), value[int])
	return n > 0, err
}

// Uploading reports whether a file in storage is one of a release that is not on
// record yet, or one that is about to be removed.
func (r Reader) Uploading(ctx context.Context, key string) (bool, error) {
	n, err := first(r.queryRow(ctx, `SELECT COUNT(*) FROM upload WHERE storage_key = $1`, key), value[int])
	return n > 0, err
}
