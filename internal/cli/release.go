package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type releaseCommands struct {
	Publish  releasePublish  `cmd:"" help:"Publish a version of a product with its notes and files, or a draft that is there."`
	List     releaseList     `cmd:"" help:"List the releases of a product."`
	Withdraw releaseWithdraw `cmd:"" help:"Take a release back: it stays on record and is offered to nobody."`
	Add      releaseAdd      `cmd:"" help:"Put a version of a product on record, which decides what licenses with an end of updates include."`
}

type releaseAdd struct {
	storage
	Product string    `arg:"" help:"Slug or id of the product."`
	Version string    `arg:"" help:"Version, such as 8.4.1."`
	Date    dateValue `name:"date" placeholder:"DATE" help:"When it was released; now without this."`
}

func (c *releaseAdd) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		r, err := uses.Catalog.AddRelease(ctx, operator(), p.ID, c.Version, c.Date.Time)
		if err != nil {
			return err
		}
		return c.show(on, releaseResult{Product: p.Name, Version: r.Version, ReleasedAt: r.ReleasedAt.Format("2006-01-02T15:04:05Z")})
	})
}

type releaseResult struct {
	Product    string        `json:"product"`
	Version    string        `json:"version"`
	Channel    string        `json:"channel,omitempty"`
	State      string        `json:"state,omitempty"`
	ReleasedAt string        `json:"released_at"`
	Files      []assetResult `json:"files,omitempty"`
}

type assetResult struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Downloads int64  `json:"downloads"`
}

func releaseResultOf(p license.Product, r license.Publication) releaseResult {
	result := releaseResult{
		Product: p.Name, Version: r.Version, Channel: string(r.Channel), State: string(r.State),
		ReleasedAt: r.ReleasedAt.UTC().Format("2006-01-02T15:04:05Z"),
	}
	for _, a := range r.Assets {
		result.Files = append(result.Files, assetResult{string(a.ID), a.FileName, a.Size, hex.EncodeToString(a.SHA256), a.Downloads})
	}
	return result
}

func (r releaseResult) text() string {
	text := pairs([2]string{"Release", r.Product + " " + r.Version}, [2]string{"Channel", r.Channel}, [2]string{"State", r.State}, [2]string{"Released", r.ReleasedAt})
	if len(r.Files) == 0 {
		return text
	}
	rows := [][]string{{"FILE", "BYTES", "SHA-256"}}
	for _, f := range r.Files {
		rows = append(rows, []string{f.Name, strconv.FormatInt(f.Size, 10), f.SHA256})
	}
	return text + "\n" + table(rows)
}

type releasePublish struct {
	storage
	Product string      `name:"product" required:"" placeholder:"SLUG" help:"Slug or id of the product."`
	Version string      `name:"version" required:"" placeholder:"V" help:"Version, such as 8.4.1."`
	Channel string      `name:"channel" default:"stable" enum:"stable,beta,hotfix" help:"stable, beta or hotfix."`
	Summary string      `name:"summary" placeholder:"TEXT" help:"What is new, in one line."`
	Notes   string      `name:"notes" placeholder:"FILE" help:"Release notes in Markdown; - reads standard input."`
	Assets  []assetFlag `name:"asset" sep:"none" placeholder:"FILE[,kind=K][,platform=P][,arch=A]" help:"A file to offer. Repeat for more. kind: package, image, video, documentation; platform: windows, macos, linux, android, ios, web, all; arch: x64, arm64, universal."`
	Draft   bool        `name:"draft" help:"Keep it as a draft, which nobody sees. Publish it later by naming it again."`
	At      dateValue   `name:"at" placeholder:"TIME" help:"When it is out; now without this."`

	AssignedAfter  dateValue `name:"assigned-after" placeholder:"DATE" help:"Only for licenses assigned at or after."`
	AssignedBefore dateValue `name:"assigned-before" placeholder:"DATE" help:"Only for licenses assigned before."`
	ExpiresAfter   dateValue `name:"expires-after" placeholder:"DATE" help:"Only for licenses that are good beyond."`
	OpensAt        dateValue `name:"opens" placeholder:"TIME" help:"Downloads begin then."`
	ClosesAt       dateValue `name:"closes" placeholder:"TIME" help:"Downloads end then."`
}

func (c *releasePublish) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		if r, there, err := c.advance(ctx, uses, p); there || err != nil {
			return firstError(err, func() error { return c.show(on, releaseResultOf(p, r)) })
		}
		in, err := c.release(on, p)
		if err != nil {
			return err
		}
		files := opened{progress: on.Err}
		defer files.close()
		for _, a := range c.Assets {
			u, err := files.open(a)
			if err != nil {
				return err
			}
			in.Files = append(in.Files, u)
		}
		r, err := uses.Delivery.Publish(ctx, operator(), in)
		if ctx.Err() != nil {
			return fault.Wrap(fault.Unavailable, "interrupted", "Interrupted: nothing was published, and what was uploaded is removed.", err)
		}
		return firstError(err, func() error { return c.show(on, releaseResultOf(p, r)) })
	})
}

func firstError(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// advance publishes a draft, or what was withdrawn, when it is named again
// without anything new.
func (c *releasePublish) advance(ctx context.Context, uses *server.Services, p license.Product) (license.Publication, bool, error) {
	if c.Draft || len(c.Assets) > 0 || c.Notes != "" || c.Summary != "" {
		return license.Publication{}, false, nil
	}
	r, err := uses.Delivery.SetState(ctx, operator(), p.ID, c.Version, license.Published, c.At.Time)
	if fault.Is(err, fault.NotFound) {
		return r, false, nil
	}
	return r, true, err
}

func (c *releasePublish) release(on *call, p license.Product) (delivery.NewRelease, error) {
	in := delivery.NewRelease{
		Product: p.ID, Version: c.Version, Channel: license.Channel(c.Channel), Summary: c.Summary, Draft: c.Draft, At: c.At.Time,
		Access: license.Access{
			AssignedAfter: c.AssignedAfter.Time, AssignedBefore: c.AssignedBefore.Time, ExpiresAfter: c.ExpiresAfter.Time,
			OpensAt: c.OpensAt.Time, ClosesAt: c.ClosesAt.Time,
		},
	}
	if c.Notes == "" {
		return in, nil
	}
	const most = 1 << 20 // more than the use case takes, so that it says so
	source := on.In
	if c.Notes != "-" {
		f, err := os.Open(c.Notes)
		if err != nil {
			return in, unreadable("notes", err)
		}
		defer f.Close()
		source = f
	}
	text, err := io.ReadAll(io.LimitReader(source, most))
	if err != nil {
		return in, unreadable("notes", err)
	}
	in.Notes = string(text)
	return in, nil
}

func unreadable(field string, err error) error {
	return fault.Wrap(fault.Invalid, "file_unreadable", "A file cannot be read: "+err.Error(), err).WithField(field, "Name a file that can be read.")
}

// assetFlag is a file of a release: path,kind=K,platform=P,arch=A.
type assetFlag struct {
	path string
	delivery.Upload
}

func (a *assetFlag) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), ",")
	a.path = parts[0]
	a.FileName = filepath.Base(a.path)
	if a.path == "" {
		return errors.New("write FILE,kind=K,platform=P,arch=A, of which only FILE is needed")
	}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "kind":
			a.Kind = license.AssetKind(value)
		case "platform":
			a.Platform = value
		case "arch", "architecture":
			a.Architecture = value
		case "name":
			a.FileName = value
		default:
			return fmt.Errorf("there is no %q: use kind, platform, arch or name", name)
		}
	}
	return nil
}

// opened is the files of one release while they are uploaded.
type opened struct {
	files    []*os.File
	progress io.Writer
}

func (o *opened) open(a assetFlag) (delivery.Upload, error) {
	f, err := os.Open(a.path)
	if err != nil {
		return a.Upload, unreadable("asset", err)
	}
	o.files = append(o.files, f)
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", a.path)
	}
	if err != nil {
		return a.Upload, unreadable("asset", err)
	}
	u := a.Upload
	u.Size = info.Size()
	u.Content = &progress{r: f, out: o.progress, name: u.FileName, size: u.Size}
	return u, nil
}

func (o *opened) close() {
	for _, f := range o.files {
		_ = f.Close() // it was only read
	}
}

// progress tells how far a file is, at every tenth.
type progress struct {
	r          io.Reader
	out        io.Writer
	name       string
	size, done int64
	tenths     int64
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	if tenths := 10 * p.done / max(1, p.size); tenths > p.tenths {
		p.tenths = tenths
		fmt.Fprintf(p.out, "%s: %d%% of %d bytes\n", p.name, 10*tenths, p.size)
	}
	return n, err
}

type releaseList struct {
	storage
	Product string `arg:"" help:"Slug or id of the product."`
}

func (c *releaseList) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		list := releaseResults{}
		for after := id.ID(""); ; {
			page, err := uses.Delivery.Releases(ctx, operator(), p.ID, after)
			if err != nil {
				return err
			}
			for _, r := range page {
				list, after = append(list, releaseResultOf(p, r)), r.ID
			}
			if len(page) < delivery.MaxReleases {
				return c.show(on, list)
			}
		}
	})
}

type releaseResults []releaseResult

func (l releaseResults) text() string {
	if len(l) == 0 {
		return "There is no release yet. Publish one with \"keyward release publish\".\n"
	}
	rows := [][]string{{"VERSION", "CHANNEL", "STATE", "RELEASED", "FILES", "DOWNLOADS"}}
	for _, r := range l {
		var downloads int64
		for _, f := range r.Files {
			downloads += f.Downloads
		}
		rows = append(rows, []string{r.Version, r.Channel, r.State, r.ReleasedAt, strconv.Itoa(len(r.Files)), strconv.FormatInt(downloads, 10)})
	}
	return table(rows)
}

type releaseWithdraw struct {
	storage
	Product string `arg:"" help:"Slug or id of the product."`
	Version string `arg:"" help:"Version of the release."`
}

func (c *releaseWithdraw) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		r, err := uses.Delivery.SetState(ctx, operator(), p.ID, c.Version, license.Withdrawn, time.Time{})
		if err != nil {
			return err
		}
		return c.show(on, releaseResultOf(p, r))
	})
}

type licenseDownloads struct {
	storage
	one
}

func (c *licenseDownloads) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		wanted, err := licenseOf(ctx, on, uses, c.License)
		if err != nil {
			return err
		}
		items, err := uses.Delivery.OfLicense(ctx, operator(), wanted)
		if err != nil {
			return err
		}
		list := downloadResults{}
		for _, i := range items {
			list = append(list, downloadResult{i.Version, string(i.Channel), i.Allowed, string(i.Verdict.Code)})
		}
		return c.show(on, list)
	})
}

type downloadResult struct {
	Version string `json:"version"`
	Channel string `json:"channel"`
	Allowed bool   `json:"allowed"`
	Code    string `json:"code"`
}

type downloadResults []downloadResult

func (l downloadResults) text() string {
	if len(l) == 0 {
		return "This license gives no downloads.\n"
	}
	rows := [][]string{{"VERSION", "CHANNEL", "DOWNLOAD", "CODE"}}
	for _, d := range l {
		rows = append(rows, []string{d.Version, d.Channel, yesNo(d.Allowed), d.Code})
	}
	return table(rows)
}
