package license

import (
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// Delivery is how a product's releases reach those who hold a license of it.
// The zero value is what a product begins with.
type Delivery struct {
	ActivationFirst bool // a license gives downloads only once it was activated (E-12)
	AfterExpiry     bool // what was released before a license's end stays available (E-13, U-07)
	LatestOnly      bool // only the newest version that a license includes
	Changelog       bool // the product has a changelog (P-CHG-02)
}

// Channel says how settled a release is.
type Channel string

// The channels (P-DL-07).
const (
	Stable Channel = "stable"
	Beta   Channel = "beta"
	Hotfix Channel = "hotfix"
)

// Channels lists them in the order in which they are offered.
func Channels() []Channel { return []Channel{Stable, Hotfix, Beta} }

// Known reports whether c is one of the channels.
func (c Channel) Known() bool { return c == Stable || c == Beta || c == Hotfix }

// ReleaseState is how far a release got.
type ReleaseState string

// The states of a release. One that was withdrawn stays on record, because
// devices still run it, but nobody is offered it any more.
const (
	Draft     ReleaseState = "draft"
	Published ReleaseState = "published"
	Withdrawn ReleaseState = "withdrawn"
)

// Release is a version of a product, as far as eligibility needs it.
type Release struct {
	Version    string
	ReleasedAt time.Time
	Channel    Channel
	Withdrawn  bool
	Access     Access
}

// Access narrows who may download a release. The zero value admits everybody
// whose license includes it (P-DL-19).
type Access struct {
	AssignedAfter  time.Time `json:"assigned_after,omitzero"`  // licenses assigned at or after
	AssignedBefore time.Time `json:"assigned_before,omitzero"` // licenses assigned before
	ExpiresAfter   time.Time `json:"expires_after,omitzero"`   // licenses that are good beyond
	OpensAt        time.Time `json:"opens_at,omitzero"`        // the window during which it can be had
	ClosesAt       time.Time `json:"closes_at,omitzero"`
}

// Admits reports whether the rules let a license have the release at now.
func (a Access) Admits(l License, now time.Time) bool {
	switch {
	case now.Before(a.OpensAt), !a.ClosesAt.IsZero() && !now.Before(a.ClosesAt):
		return false
	case l.AssignedAt.Before(a.AssignedAfter), !a.AssignedBefore.IsZero() && !l.AssignedAt.Before(a.AssignedBefore):
		return false
	}
	return a.ExpiresAfter.IsZero() || l.EndsAt().After(a.ExpiresAfter)
}

// Open reports whether a release is out at now and was not taken back.
func (r Release) Open(now time.Time) bool { return !r.Withdrawn && !r.ReleasedAt.After(now) }

// Newer returns the newest version that takes a release's place for a license:
// one at least as settled that the license includes. "" is none.
func Newer(releases []Release, l License, than Release, now time.Time) string {
	version := than.Version
	for _, r := range releases {
		settled := r.Channel != Beta || than.Channel == Beta
		if settled && r.Open(now) && includes(l, r) && r.Access.Admits(l, now) && verdict.CompareVersions(r.Version, version) > 0 {
			version = r.Version
		}
	}
	if version == than.Version {
		return ""
	}
	return version
}

// Publication is a release as it is presented: what is in it, and its files.
type Publication struct {
	Release
	ID        id.ID
	ProductID id.ID
	State     ReleaseState
	Summary   string
	Notes     string // Markdown
	Assets    []Asset
}

// AssetKind is what a file of a release is (P-DL-09).
type AssetKind string

// The kinds of files.
const (
	Package       AssetKind = "package"
	Image         AssetKind = "image"
	Video         AssetKind = "video"
	Documentation AssetKind = "documentation"
)

// Known reports whether k is one of the kinds.
func (k AssetKind) Known() bool {
	return k == Package || k == Image || k == Video || k == Documentation
}

// Platforms lists what files can be made for; "" is all of them.
func Platforms() []string { return []string{"windows", "macos", "linux", "android", "ios", "web"} }

// Architectures lists the processors that files can be made for; "" is any.
func Architectures() []string { return []string{"x64", "arm64", "universal"} }

// Asset is one file of a release. Where its content is kept is nobody's
// business but the storage's.
type Asset struct {
	ID           id.ID
	FileName     string
	Kind         AssetKind
	Platform     string
	Architecture string
	Size         int64
	SHA256       []byte
	ContentType  string
	StorageKey   string
	Downloads    int64
}
