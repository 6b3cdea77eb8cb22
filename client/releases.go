package client

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/verdict"
)

// ReleaseList is which releases there are for a license. It is not signed:
// show it, and ask Validate whether the software may run.
type ReleaseList struct {
	// Verdict says whether the license is good to use.
	Verdict verdict.Verdict
	// License is nil where the token may not know of it.
	License *License
	// Releases are newest first; none where the license gives no downloads.
	Releases []Release
}

// Newest is the newest release that the license includes, or nil. Versions are
// compared by number, whatever their order of publication; channels are those
// to look at, none is stable and hotfix.
func (l *ReleaseList) Newest(channels ...string) *Release {
	if len(channels) == 0 {
		channels = []string{"stable", "hotfix"}
	}
	var newest *Release
	for i, r := range l.Releases {
		if r.Allowed && slices.Contains(channels, r.Channel) &&
			(newest == nil || verdict.CompareVersions(r.Version, newest.Version) > 0) {
			newest = &l.Releases[i]
		}
	}
	return newest
}

// Release is a version of the product, as far as a license includes it.
type Release struct {
	Version    string       `json:"version"`
	Channel    string       `json:"channel"` // stable, beta or hotfix
	ReleasedAt time.Time    `json:"released_at"`
	Summary    string       `json:"summary"`
	Allowed    bool         `json:"allowed"` // whether the license includes it
	Code       verdict.Code `json:"code"`    // the check that refuses it, or Valid
	Files      []File       `json:"files"`   // none where it is not included
}

// File is a file of a release. Its owner downloads it in the portal.
type File struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"`         // package, image, video or documentation
	Platform     string `json:"platform"`     // "": every one
	Architecture string `json:"architecture"` // "": any
	Size         int64  `json:"size"`         // bytes
	SHA256       string `json:"sha256"`       // hexadecimal
}

// Releases asks which releases there are for a license: those that its owner
// finds in the portal. It needs the server: without it the error is ErrAway,
// and nothing is kept.
func (c *Client) Releases(ctx context.Context, key string) (*ReleaseList, error) {
	raw, err := c.send(ctx, "releases", c.question(key, nil))
	if err != nil {
		return nil, err
	}
	return &ReleaseList{Verdict: *raw.Verdict, License: raw.License, Releases: raw.Releases}, nil
}
