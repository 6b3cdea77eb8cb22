package api

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
)

// maxReleases bounds one answer. Who runs something older is told to update
// long before.
const maxReleases = 100

// ReleaseList is which releases there are for a license.
type ReleaseList struct {
	License  *License  `json:"license" doc:"The license, or null where there is none for this token."`
	Verdict  Verdict   `json:"verdict" doc:"Whether the license is good to use, and every check that was made."`
	Releases []Release `json:"releases" nullable:"false" doc:"Its releases, newest first. None where the license does not give downloads."`
}

// Release is one version, as far as a license includes it.
type Release struct {
	Version    string    `json:"version" example:"8.4.1"`
	Channel    string    `json:"channel" enum:"stable,beta,hotfix" doc:"How settled it is."`
	ReleasedAt time.Time `json:"released_at"`
	Summary    string    `json:"summary,omitempty" doc:"What is new, in one sentence."`
	Allowed    bool      `json:"allowed" doc:"Whether the license includes it."`
	Code       string    `json:"code" doc:"The check that refuses it, or valid."`
	Files      []File    `json:"files" nullable:"false" doc:"What there is to download; empty where it is not included."`
}

// File is one file of a release.
type File struct {
	Name         string `json:"name" example:"acme-studio-8.4.1-macos.zip"`
	Kind         string `json:"kind" enum:"package,image,video,documentation"`
	Platform     string `json:"platform,omitempty" example:"macos"`
	Architecture string `json:"architecture,omitempty" example:"arm64"`
	Size         int64  `json:"size" doc:"In bytes."`
	SHA256       string `json:"sha256" doc:"Hexadecimal digest of its content."`
}

// released answers with the same releases as the portal (P-DL-23).
func (a *API) released(ctx context.Context, actor account.Actor, answer licensing.Answer) (any, error) {
	whole := answerOf(answer)
	out := ReleaseList{Verdict: whole.Verdict, License: whole.License, Releases: []Release{}}
	if answer.License == nil {
		return out, nil
	}
	items, err := a.Delivery.OfLicense(ctx, actor, answer.License.ID)
	if err != nil {
		return nil, err
	}
	for _, i := range items[:min(len(items), maxReleases)] {
		out.Releases = append(out.Releases, releaseOf(i))
	}
	return out, nil
}

func releaseOf(i delivery.Item) Release {
	out := Release{
		Version: i.Version, Channel: string(i.Channel), ReleasedAt: i.ReleasedAt, Summary: i.Summary,
		Allowed: i.Allowed, Code: string(i.Verdict.Code), Files: []File{},
	}
	if !i.Allowed {
		return out
	}
	for _, f := range i.Assets {
		out.Files = append(out.Files, fileOf(f))
	}
	return out
}

func fileOf(f license.Asset) File {
	return File{
		Name: f.FileName, Kind: string(f.Kind), Platform: f.Platform, Architecture: f.Architecture,
		Size: f.Size, SHA256: hex.EncodeToString(f.SHA256),
	}
}
