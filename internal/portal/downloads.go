package portal

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/verdict"
)

func (d *Door) downloadRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /downloads", Access: httpx.SignedIn, Handler: d.visiting(d.downloads)},
		{Pattern: "POST /downloads/search", Access: httpx.SignedIn, Handler: d.visiting(d.searchDownloads)},
		{Pattern: "POST /downloads/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.startDownload)},
		{Pattern: "GET /downloads/{id}/file", Access: httpx.SignedIn, Handler: d.visiting(d.sendFile)},
	}
}

// downloadsPage is everything that a customer may fetch, by product.
type downloadsPage struct {
	ui.Page
	Search  searchForm
	Results downloadResults
}

// downloadResults is the part of the page that searching replaces.
type downloadResults struct {
	Announce string
	Chips    ui.Chips
	Export   *ui.Link // as a file
	Views    *ui.Menu // kept under a name
	Pills    ui.Pills
	Notices  []ui.Notice
	Groups   []downloadGroup
	Empty    *ui.Empty
}

// downloadGroup is the releases of one product.
type downloadGroup struct {
	ID, Product, Environment, Changelog, All, Count string
	Releases                                        []releaseRow
	Pager                                           *ui.Pager
}

// releaseRow is one release: its files, or why they are out of reach.
type releaseRow struct {
	ID, Version, Summary string
	Badge                ui.Badge
	Released             ui.When
	Notes                template.HTML
	Files                []fileRow
	Locked               *ui.Notice
}

// fileRow is one file of a release.
type fileRow struct {
	Name, What, Size, SHA256, SumID string
	Action, Platform                string
	Copy                            ui.Copy
}

// downloadState is what the address of the page says.
type downloadState struct {
	search           string
	channel          license.Channel
	unknown          string
	product, license id.ID
	place            place
	cut              bool
}

func readDownloadState(q url.Values) (downloadState, error) {
	s := downloadState{search: q.Get("q"), cut: q.Get("cut") != ""}
	if c := license.Channel(q.Get("channel")); c.Known() {
		s.channel = c
	} else if c != "" {
		s.unknown = ui.Shorten(string(c), 40)
	}
	for name, to := range map[string]*id.ID{"product": &s.product, "license": &s.license} {
		if q.Get(name) == "" {
			continue
		}
		wanted, err := id.Parse(q.Get(name))
		if err != nil {
			return s, fault.Missing(name)
		}
		*to = wanted
	}
	s.place = readPlace(q.Get("after"), q.Get("before"), s.fingerprint())
	return s, nil
}

func (s downloadState) fingerprint() string {
	return fingerprint("downloads", s.search, string(s.channel), string(s.product), string(s.license))
}

func (s downloadState) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"q": s.search, "channel": string(s.channel), "product": string(s.product), "license": string(s.license)} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if s.cut {
		v.Set("cut", "1")
	}
	return v
}

// query is what the list is asked for, from its beginning.
func (s downloadState) query() delivery.Query {
	return delivery.Query{Search: s.search, Channel: s.channel, ProductID: s.product, LicenseID: s.license}
}

func (s downloadState) href() string { return address("/downloads", s.values()) }

func (s downloadState) with(change func(*downloadState)) string {
	change(&s)
	return s.href()
}

func (d *Door) downloads(w http.ResponseWriter, r *http.Request, v *visit) error {
	s, err := readDownloadState(r.URL.Query())
	if err != nil {
		return err
	}
	if short, cut := cutSearch(s.search); cut {
		s.search, s.cut = short, true
		http.Redirect(w, r, s.href(), http.StatusSeeOther)
		return nil
	}
	q := s.query()
	q.After, q.Before = s.place.after.Row, s.place.before.Row
	list, err := d.Delivery.Downloads(r.Context(), v.actor, q)
	if err != nil {
		return err
	}
	p := d.page(r, v, "Downloads", "/downloads")
	p.Now = list.At
	results, err := d.newDownloadResults(p, s, list)
	if err != nil {
		return err
	}
	if results.Views, err = d.viewsMenu(r, v, "downloads", s.values(), list.Any); err != nil {
		return err
	}
	results.putFirst(account.Platform(r.UserAgent()))
	return d.templates.Render(w, http.StatusOK, "downloads", downloadsPage{Page: p, Results: results, Search: searchForm{
		Action: "/downloads/search", ResultsPath: "/downloads", Label: "Search downloads",
		Placeholder: "Search product or version", Value: s.search, Hidden: hidden(s.values(), "q", "cut"),
	}})
}

func (d *Door) newDownloadResults(p ui.Page, s downloadState, list delivery.Downloads) (downloadResults, error) {
	r := downloadResults{
		Chips: channelChips(s, list), Pills: downloadPills(s, list), Notices: listNotices(s.cut, s.place.wrong),
	}
	total := 0
	for _, g := range list.Groups {
		group, err := d.newDownloadGroup(p, s, g)
		if err != nil {
			return r, err
		}
		r.Groups = append(r.Groups, group)
		total += g.Total
	}
	r.Announce = ui.Plural(total, "release", "releases") + " found"
	if len(r.Groups) == 0 {
		r.Empty = emptyDownloads(list)
		return r, nil
	}
	r.Export = csvLink("/downloads.csv", s.values())
	return r, nil
}

func (d *Door) newDownloadGroup(p ui.Page, s downloadState, g delivery.Group) (downloadGroup, error) {
	group := downloadGroup{
		ID: string(g.Product.ID), Product: g.Product.Name, Environment: environmentWord(g.Product.Environment), Count: ui.Plural(g.Total, "release", "releases"),
	}
	if d.hasChangelogs() && g.Product.Delivery.Changelog && g.Product.Environment == license.Production {
		group.Changelog = "/changelog/" + g.Product.Slug
	}
	if s.product == "" && s.license == "" && g.Total > len(g.Items) {
		group.All = s.with(func(s *downloadState) { s.product = g.Product.ID })
	}
	for _, item := range g.Items {
		row, err := d.newReleaseRow(p, g.Product, item)
		if err != nil {
			return group, err
		}
		group.Releases = append(group.Releases, row)
	}
	if n := len(g.Items); g.HasPrior || g.HasNext {
		pager := s.place.pager(shownPage{
			href: s.href(), fingerprint: s.fingerprint(), at: p.Now, rows: n, total: g.Total,
			first: g.Items[0].ID, last: g.Items[n-1].ID, prior: g.HasPrior, further: g.HasNext,
		})
		group.Pager = &pager
	}
	return group, nil
}

func (d *Door) newReleaseRow(p ui.Page, product license.Product, item delivery.Item) (releaseRow, error) {
	row := releaseRow{
		ID: "r-" + string(item.ID), Version: versionWord(item.Version), Summary: item.Summary, Badge: channelBadge(item.Channel), Released: p.Date(item.ReleasedAt),
	}
	if !item.Allowed {
		row.Locked = lockedNotice(p, product, item)
		return row, nil
	}
	var err error
	if row.Notes, err = d.notes.HTML(item.Notes); err != nil {
		return row, err
	}
	for _, a := range item.Assets {
		row.Files = append(row.Files, newFileRow(a))
	}
	return row, nil
}

// putFirst has the files for the reader's own platform come first.
func (r downloadResults) putFirst(own string) {
	if own == "" {
		return
	}
	for _, g := range r.Groups {
		for _, release := range g.Releases {
			slices.SortStableFunc(release.Files, func(a, b fileRow) int {
				switch {
				case a.Platform == own && b.Platform != own:
					return -1
				case a.Platform != own && b.Platform == own:
					return 1
				}
				return 0
			})
		}
	}
}

func newFileRow(a license.Asset) fileRow {
	sum := "sum-" + string(a.ID)
	return fileRow{
		Name: a.FileName, What: assetWords(a), Size: megabytes(a.Size), SHA256: hex.EncodeToString(a.SHA256), SumID: sum,
		Action: "/downloads/" + string(a.ID), Platform: a.Platform,
		Copy: ui.Copy{Target: sum, Label: "Copy the SHA-256 of " + a.FileName, Done: "Checksum copied"},
	}
}

// lockedNotice says why a version is out of reach, and what would help
// (P-DL-18).
func lockedNotice(p ui.Page, product license.Product, item delivery.Item) *ui.Notice {
	covers := "Your license includes other versions."
	if l := item.License; l.MaxVersion != "" && !verdict.VersionAllowed(l.MaxVersion, item.Version) {
		covers = "Your license includes versions up to " + l.MaxVersion + "."
	} else if !l.UpdatesUntil.IsZero() {
		covers = "Updates of your license ended on " + ui.Day(l.UpdatesUntil, p.Zone) + ", before this version."
	}
	n := &ui.Notice{Tone: ui.ToneInfo, Icon: "lock", Title: "Not included.", Text: covers + " A maintenance renewal may be needed for a major version."}
	if href := license.RenewalURL(product, item.License); href != "" {
		n.Action = &ui.Link{Label: "Renew", Href: href, Icon: "external"}
	}
	return n
}

func channelChips(s downloadState, list delivery.Downloads) ui.Chips {
	chips := statusChips(license.Channels(), list.Counts, s.channel, channelWord, func(to license.Channel) string {
		return s.with(func(s *downloadState) { s.channel = to })
	})
	chips.Label = "Filter by channel"
	return chips
}

func downloadPills(s downloadState, list delivery.Downloads) ui.Pills {
	var pills ui.Pills
	if s.search != "" {
		pills.Items = append(pills.Items, ui.Pill{Name: "Search", Value: ui.Shorten(s.search, 60),
			Href: s.with(func(s *downloadState) { s.search, s.cut = "", false })})
	}
	for _, p := range list.Products {
		if p.ID == s.product {
			pills.Items = append(pills.Items, ui.Pill{Name: "Product", Value: p.Name, Href: s.with(func(s *downloadState) { s.product = "" })})
		}
	}
	if list.License != nil {
		pills.Items = append(pills.Items, ui.Pill{Name: "License", Value: id.Brief(list.License.Mask), Href: s.with(func(s *downloadState) { s.license = "" })})
	}
	if s.unknown != "" {
		pills.Items = append(pills.Items, ui.Pill{Name: "Unknown channel, ignored", Value: s.unknown, Href: s.href()})
	}
	pills.Clear = "/downloads"
	return pills
}

// emptyDownloads says what downloads need (P-DL-17).
func emptyDownloads(list delivery.Downloads) *ui.Empty {
	if list.Any && list.License == nil {
		return &ui.Empty{
			Icon: "search", Title: "No matching downloads", Text: "Nothing matches these filters.",
			Actions: []ui.Link{{Label: "Show all downloads", Href: "/downloads"}},
		}
	}
	return &ui.Empty{
		Icon: "download", Title: "No Downloads Available",
		Text: "Downloads need an active or assigned license. If you have one, check that its support and update period is not over. " +
			"A product may also have nothing to download yet.",
		Actions: []ui.Link{{Label: "Check My Licenses", Href: "/licenses", Icon: "key", Primary: true}},
	}
}

func (d *Door) searchDownloads(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	s, err := readDownloadState(r.PostForm)
	if err != nil {
		return err
	}
	found, err := d.Licensing.Jump(r.Context(), v.actor, s.search)
	if err != nil {
		return err
	}
	if found != "" { // a whole key does not belong in an address
		s.search, s.license = "", found
	}
	s.search, s.cut = cutSearch(s.search)
	http.Redirect(w, r, s.href(), http.StatusSeeOther)
	return nil
}

// startDownload checks once more and leads to a link that is this session's own
// (P-DL-11).
func (d *Door) startDownload(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "file")
	if err != nil {
		return err
	}
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	token, err := d.Delivery.Link(r.Context(), v.actor, v.signed.Session.ID, wanted)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/downloads/"+string(wanted)+"/file?link="+token, http.StatusSeeOther)
	return nil
}

// transferIdle is how long a transfer may stand still.
const transferIdle = 2 * time.Minute

// sendFile sends a file, or the part of it that was asked for. The link is
// checked at the beginning: what has begun runs to its end (P-DL-22).
func (d *Door) sendFile(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "file")
	if err != nil {
		return err
	}
	f, err := d.Delivery.Fetch(r.Context(), v.actor, v.signed.Session.ID, wanted, r.URL.Query().Get("link"), begins(r))
	if err != nil {
		return err
	}
	defer f.Content.Close()
	h := w.Header()
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.FileName}))
	h.Set("ETag", `"`+hex.EncodeToString(f.SHA256)+`"`)
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(f.SHA256)+":")
	http.ServeContent(httpx.Streaming(w, transferIdle, d.Now), r, "", f.ReleasedAt, f.Content)
	return nil
}

// begins reports whether a request is for a file's beginning, and not for the
// rest of a transfer that broke.
func begins(r *http.Request) bool {
	part := r.Header.Get("Range")
	return r.Method == http.MethodGet && (part == "" || strings.HasPrefix(part, "bytes=0-"))
}

// megabytes is the size of a file (P-DL-06).
func megabytes(n int64) string {
	const kilo, mega, giga = 1e3, 1e6, 1e9
	switch f := float64(n); {
	case f >= giga:
		return fmt.Sprintf("%.2f GB", f/giga)
	case f >= mega/100:
		return fmt.Sprintf("%.2f MB", f/mega)
	default:
		return fmt.Sprintf("%.2f KB", f/kilo)
	}
}

func versionWord(version string) string { return "v" + strings.TrimLeft(version, "vV") }

func channelWord(c license.Channel) string {
	switch c {
	case license.Beta:
		return "Beta"
	case license.Hotfix:
		return "Hotfix"
	}
	return "Stable"
}

// channelBadge tags a release (P-DL-07).
func channelBadge(c license.Channel) ui.Badge {
	b := ui.Badge{Status: string(c), Label: channelWord(c), Tone: ui.ToneGood, Icon: "check-circle"}
	switch c {
	case license.Beta:
		b.Tone, b.Icon = ui.ToneWarn, "warning"
	case license.Hotfix:
		b.Tone, b.Icon = ui.ToneInfo, "refresh"
	}
	return b
}

// assetWords says what a file is and for which machines (P-DL-08, P-DL-09).
func assetWords(a license.Asset) string {
	kind := map[license.AssetKind]string{license.Package: "Package", license.Image: "Image", license.Video: "Video", license.Documentation: "Documentation"}[a.Kind]
	platform := map[string]string{"windows": "Windows", "macos": "macOS", "linux": "Linux", "android": "Android", "ios": "iOS", "web": "Web"}[a.Platform]
	if platform == "" && a.Kind == license.Package {
		platform = "all platforms"
	}
	words := []string{kind}
	for _, w := range []string{platform, a.Architecture} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " · ")
}
