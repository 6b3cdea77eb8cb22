package portal

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) changelogRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /changelog", Access: httpx.SignedIn, Handler: d.visiting(d.changelogs)},
		{Pattern: "GET /changelog/{slug}", Access: httpx.Public, Handler: d.changelog},
	}
}

// hasChangelogs reports whether there are changelogs at all.
func (d *Door) hasChangelogs() bool { return d.Delivery != nil && d.Delivery.Reading() }

// changelogsPage is the changelogs of a customer's products.
type changelogsPage struct {
	ui.Page
	Products []changelogRow
	Empty    *ui.Empty
}

// changelogRow is one product and its latest entry.
type changelogRow struct {
	Href, Product, Version, Summary, Count string
	Badge                                  ui.Badge
	Released                               ui.When
}

// changelogPage is the changelog of one product. It is the same for customers
// and, where it is public, for everybody (P-CHG-03).
type changelogPage struct {
	ui.Page
	Product string
	Feed    string
	Entries []entryRow
	Pager   ui.Pager
	Empty   *ui.Empty
}

// entryRow is what one release changed.
type entryRow struct {
	ID, Version, Summary string
	Badge                ui.Badge
	Released             ui.When
	Notes                template.HTML
}

func (d *Door) changelogs(w http.ResponseWriter, r *http.Request, v *visit) error {
	list, err := d.Delivery.Headlines(r.Context(), v.actor)
	if err != nil {
		return err
	}
	page := changelogsPage{Page: d.page(r, v, "Changelog", "/changelog")}
	for _, h := range list {
		row := changelogRow{Href: "/changelog/" + h.Product.Slug, Product: h.Product.Name, Count: ui.Plural(h.Total, "entry", "entries")}
		if h.Latest != nil {
			row.Version, row.Summary = versionWord(h.Latest.Version), h.Latest.Summary
			row.Badge, row.Released = channelBadge(h.Latest.Channel), page.Date(h.Latest.ReleasedAt)
		}
		page.Products = append(page.Products, row)
	}
	if len(list) == 0 {
		page.Empty = &ui.Empty{Icon: "history", Title: "No changelogs yet", Text: "What changes in the products you have licenses for appears here, version by version."}
	}
	return d.templates.Render(w, http.StatusOK, "changelogs", page)
}

// changelog shows one changelog to whoever may read it; with .json behind the
// slug it is for programs (P-CHG-10).
func (d *Door) changelog(w http.ResponseWriter, r *http.Request) error {
	slug, wantsFeed := strings.CutSuffix(r.PathValue("slug"), ".json")
	v, err := d.reader(r)
	if err != nil {
		return err
	}
	var actor account.Actor
	if v != nil {
		actor = v.actor
	}
	at := readPlace(r.URL.Query().Get("after"), r.URL.Query().Get("before"), fingerprint("changelog", slug))
	c, err := d.Delivery.Changelog(r.Context(), actor, slug, at.after.Row, at.before.Row)
	switch {
	case fault.Is(err, fault.Unauthenticated) && !wantsFeed:
		return d.toSignIn(w, r)
	case err != nil:
		return err
	case c.Moved != "":
		http.Redirect(w, r, strings.Replace(r.URL.Path, "/"+slug, "/"+c.Moved, 1), http.StatusMovedPermanently)
		return nil
	case wantsFeed:
		return d.writeFeed(w, slug, at, c)
	}
	return d.showChangelog(w, r, v, slug, at, c)
}

// reader is who reads a public page; nil is somebody who is not signed in.
func (d *Door) reader(r *http.Request) (*visit, error) {
	signed, err := d.Identity.Session(r.Context(), sessionToken(r))
	if fault.Is(err, fault.Unauthenticated) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.newVisit(r, signed), nil
}

func (d *Door) showChangelog(w http.ResponseWriter, r *http.Request, v *visit, slug string, at place, c delivery.Changes) error {
	name, p := "changelog_public", d.bare(r, c.Product.Name+" changelog")
	if v != nil {
		name, p = "changelog", d.page(r, v, c.Product.Name+" changelog", "/changelog")
		p.Crumbs = []ui.Link{{Label: "Changelog", Href: "/changelog"}, {Label: c.Product.Name}}
	}
	page := changelogPage{Page: p, Product: c.Product.Name, Feed: "/changelog/" + slug + ".json"}
	for _, e := range c.Entries {
		notes, err := d.notes.HTML(e.Notes)
		if err != nil {
			return err
		}
		page.Entries = append(page.Entries, entryRow{
			ID: "v-" + string(e.ID), Version: versionWord(e.Version), Summary: e.Summary, Badge: channelBadge(e.Channel), Released: p.Date(e.ReleasedAt), Notes: notes,
		})
	}
	if n := len(c.Entries); n > 0 {
		page.Pager = at.pager(changelogEdges(slug, c, "/changelog/"+slug))
	} else {
		page.Empty = &ui.Empty{Icon: "history", Title: "Nothing published yet", Text: "Entries appear here with the first release."}
	}
	return d.templates.Render(w, http.StatusOK, name, page)
}

func changelogEdges(slug string, c delivery.Changes, href string) shownPage {
	n := len(c.Entries)
	return shownPage{
		href: href, fingerprint: fingerprint("changelog", slug), at: c.At, rows: n, total: c.Total,
		first: c.Entries[0].ID, last: c.Entries[n-1].ID, prior: c.HasPrior, further: c.HasNext,
	}
}

// feed is a changelog for programs.
type feed struct {
	Product string      `json:"product"`
	Slug    string      `json:"slug"`
	Entries []feedEntry `json:"entries"`
	Next    string      `json:"next,omitempty"` // address of the older entries
}

type feedEntry struct {
	Version    string    `json:"version"`
	Channel    string    `json:"channel"`
	ReleasedAt time.Time `json:"released_at"`
	Summary    string    `json:"summary"`
	Notes      string    `json:"notes"` // Markdown
}

func (d *Door) writeFeed(w http.ResponseWriter, slug string, at place, c delivery.Changes) error {
	f := feed{Product: c.Product.Name, Slug: slug, Entries: []feedEntry{}}
	for _, e := range c.Entries {
		f.Entries = append(f.Entries, feedEntry{e.Version, string(e.Channel), e.ReleasedAt, e.Summary, e.Notes})
	}
	if c.HasNext {
		next, err := url.Parse(at.pager(changelogEdges(slug, c, "/changelog/"+slug+".json")).Next)
		if err != nil {
			return fmt.Errorf("changelog: %w", err)
		}
		f.Next = strings.TrimSuffix(d.BaseURL, "/") + next.String()
	}
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("changelog: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body) // the reader went away: nobody is left to tell
	return nil
}
