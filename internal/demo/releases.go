package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// issueReleases publishes a product's versions with notes and small files, and
// switches its changelog on.
func (l listing) issueReleases(ctx context.Context, uses *server.Services, made license.Product, now time.Time) error {
	by := account.System("")
	for i, r := range l.releases {
		in := delivery.NewRelease{
			Product: made.ID, Version: r.version, At: now.Add(-r.ago), Channel: channelOf(r.version),
			Summary: summaries()[i%len(summaries())], Notes: notesOf(made.Name, r.version), Files: filesOf(made, r.version),
		}
		if _, err := uses.Delivery.Publish(ctx, by, in); err != nil {
			return err
		}
	}
	_, err := uses.Catalog.SetDelivery(ctx, by, made.ID, func(d *license.Delivery) { d.Changelog = true })
	return err
}

// channelOf takes the last number for a fix and the rest for planned.
func channelOf(version string) license.Channel {
	if !strings.HasSuffix(version, ".0") {
		return license.Hotfix
	}
	return license.Stable
}

func summaries() []string {
	return []string{
		"A calmer start screen and a faster first launch", "Projects open in half the time", "Fixes for printing and for very large projects",
		"A new export, and shortcuts that can be changed", "Smaller updates and better error messages",
	}
}

func notesOf(product, version string) string {
	return fmt.Sprintf(`## New

- The start screen remembers what you worked on last.
- **%s %s** downloads only what changed since the version before.

## Fixed

- Printing no longer stops at the first empty page.
- `+"`--quiet`"+` keeps quiet.
`, product, version)
}

// filesOf are an installer for each platform and a manual.
func filesOf(p license.Product, version string) []delivery.Upload {
	name := p.Slug + "-" + version
	return []delivery.Upload{
		upload(name+"-windows-x64.zip", license.Package, "windows", "x64", 384<<10),
		upload(name+"-macos.zip", license.Package, "macos", "universal", 448<<10),
		upload(name+"-linux-arm64.tar.gz", license.Package, "linux", "arm64", 320<<10),
		upload(p.Slug+"-manual.pdf", license.Documentation, "", "", 24<<10),
	}
}

func upload(name string, kind license.AssetKind, platform, architecture string, size int64) delivery.Upload {
	return delivery.Upload{
		FileName: name, Kind: kind, Platform: platform, Architecture: architecture, Size: size,
		Content: io.LimitReader(&pattern{text: "This file belongs to the demo and holds nothing: " + name + "\n"}, size),
	}
}

// pattern repeats a text without end.
type pattern struct {
	text string
	at   int
}

func (p *pattern) Read(b []byte) (int, error) {
	n := copy(b, p.text[p.at:])
	p.at = (p.at + n) % len(p.text)
	return n, nil
}
