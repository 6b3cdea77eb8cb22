package e2e

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// licenseRow is a license as the list shows it.
type licenseRow struct {
	ID, Product, Mask, Status, Text string
	Expiry, Ends                    string // how the end looks, and the instant that is shown
}

const readLicenseRows = loaded + ` && [...document.querySelectorAll("#results tbody tr")].map(row => ({
	id: row.querySelector("a.row-link").pathname.split("/").pop(),
	product: row.querySelector("th b").innerText,
	mask: row.querySelector("code").innerText,
	status: row.querySelector(".badge").innerText.trim(),
	text: row.innerText.replace(/\s+/g, " "),
	expiry: row.querySelector(".exp").dataset.state,
	ends: row.querySelector(".exp time")?.dateTime ?? "",
}))`

func (p *Page) licenseRows() []licenseRow {
	p.t.Helper()
	return p.seeRows("the list", func([]licenseRow) bool { return true })
}

// seeRows waits until the list of licenses is as wanted.
func (p *Page) seeRows(what string, wanted func([]licenseRow) bool) []licenseRow {
	p.t.Helper()
	var rows []licenseRow
	p.await(what, func(ctx context.Context) (err error) {
		rows, err = chromedp.Run(ctx, chromedp.Evaluate[[]licenseRow](readLicenseRows))
		if err == nil && !wanted(rows) {
			err = fmt.Errorf("the list has %d licenses: %+v", len(rows), rows)
		}
		return err
	})
	return rows
}

// Licenses are the rows of a list and of all its pages.
func (s *Session) Licenses(t *testing.T, address string) []licenseRow {
	t.Helper()
	var rows []licenseRow
	for address != "" {
		a := s.Get(t, address)
		for _, row := range a.Page.Find("#results tbody tr").EachIter() {
			rows = append(rows, licenseRow{
				ID:      path.Base(row.Find("a.row-link").AttrOr("href", "")),
				Product: row.Find("th b").Text(), Mask: row.Find("code").Text(), Status: strings.TrimSpace(row.Find(".badge").Text()),
				Expiry: row.Find(".exp").AttrOr("data-state", ""), Ends: row.Find(".exp time").AttrOr("datetime", ""),
			})
		}
		address = a.Page.Find("a[rel=next]").AttrOr("href", "")
	}
	return rows
}

func has(rows []licenseRow, id string) bool {
	return slices.ContainsFunc(rows, func(r licenseRow) bool { return r.ID == id })
}

func ids(rows []licenseRow) []string {
	var list []string
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return list
}

// only is whether the list shows this license and no other.
func only(id string) func([]licenseRow) bool {
	return func(rows []licenseRow) bool { return len(rows) == 1 && rows[0].ID == id }
}

// fragment is a part from the middle of a key, which the mask hides.
func fragment(l License) string {
	parts := strings.Split(l.Key, "-")
	return parts[1][2:] + "-" + parts[2][:3]
}

// S-03: P-LIC-01, 03, 12, 13
func listIsPaged(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	p.See("Showing 1–25 of 40")
	first := p.licenseRows()
	if len(first) != 25 || first[0].Product != "Driftwood Backup" {
		t.Errorf("the first page has %d licenses and begins with %s, want 25 and the one of an hour ago", len(first), first[0].Product)
	}
	p.Click("Next")
	p.See("Showing 26–40 of 40")
	second := p.licenseRows()
	p.Reload()
	p.See("Showing 26–40 of 40")
	if got := p.licenseRows(); !slices.Equal(ids(got), ids(second)) {
		t.Errorf("reloaded, the second page shows %v, before %v", ids(got), ids(second))
	}
	p.Click("Previous")
	p.See("Showing 1–25 of 40")
	if got := p.licenseRows(); !slices.Equal(ids(got), ids(first)) {
		t.Errorf("gone back, the first page shows %v, before %v", ids(got), ids(first))
	}
	p.Back()
	p.See("Showing 26–40 of 40")
	all := append(ids(first), ids(second)...)
	if distinct := slices.Compact(slices.Sorted(slices.Values(all))); len(distinct) != 40 {
		t.Errorf("both pages show %d licenses, want 40", len(distinct))
	}

	p.Goto(d.URL + "/licenses")
	p.Click("Sort: Newest first")
	p.Click("Oldest first")
	p.SeePath("/licenses?dir=asc")
	p.See("Sort: Oldest first")
	oldest := ids(d.Session(t, d.Customer).Licenses(t, "/licenses?dir=asc"))
	slices.Reverse(oldest)
	if !slices.Equal(oldest, all) {
		t.Error("oldest first is not the reverse of newest first")
	}
}

// S-03: P-LIC-13
func listIsSorted(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	p.Click("Product")
	p.SeePath("/licenses?sort=product")
	byProduct := p.licenseRows()
	p.Click("Product")
	p.SeePath("/licenses?dir=desc&sort=product")
	if got := Eval[string](p, `document.querySelector("th[aria-sort]").getAttribute("aria-sort")`); got != "descending" {
		t.Errorf("the column says that it is sorted %s", got)
	}
	p.Click("Status")
	p.SeePath("/licenses?sort=status")
	p.Click("Expires")
	p.SeePath("/licenses?sort=expiry")
	p.Click("Expires")
	p.SeePath("/licenses?dir=desc&sort=expiry")

	s := d.Session(t, d.Customer)
	all := s.Licenses(t, "/licenses?sort=product")
	if len(all) != 40 || !slices.Equal(ids(all[:25]), ids(byProduct)) || !slices.IsSortedFunc(all, func(a, b licenseRow) int {
		return cmp.Compare(strings.ToLower(a.Product), strings.ToLower(b.Product))
	}) {
		t.Errorf("not sorted by product: %v", all)
	}
	var states []string
	for _, r := range s.Licenses(t, "/licenses?sort=status") {
		states = append(states, r.Status)
	}
	if groups := slices.Compact(states); len(groups) != 5 {
		t.Errorf("sorted by status, the states come as %v", groups)
	}
	soonest := s.Licenses(t, "/licenses?sort=expiry")
	// In grace the end that counts is later than the date that is shown.
	dated := slices.DeleteFunc(slices.Clone(soonest), func(r licenseRow) bool { return r.Expiry == "grace" })
	if !slices.IsSortedFunc(dated, func(a, b licenseRow) int { return cmp.Compare(cmp.Or(a.Ends, "z"), cmp.Or(b.Ends, "z")) }) {
		t.Errorf("not sorted by expiry: %v", dated)
	}
	latest := ids(s.Licenses(t, "/licenses?dir=desc&sort=expiry"))
	slices.Reverse(latest)
	if !slices.Equal(latest, ids(soonest)) {
		t.Error("expires latest is not the reverse of expires soonest")
	}
}

// S-04, S-19: P-LIC-05, 06
func statesAreExplained(t *testing.T, d *Demo) {
	type badge struct{ Word, Icon, Color string }
	const read = `(() => {
		const badge = document.querySelector("#results .badge");
		return {word: badge.innerText.trim(), icon: badge.querySelector("svg").innerHTML, color: getComputedStyle(badge).color};
	})()`
	states := []string{"Active", "Assigned", "Suspended", "Expired", "Revoked"}
	p := d.Visit(t, d.Customer, "/licenses")
	icons, colors := map[string]string{}, map[string]string{}
	for _, state := range states {
		p.In(".chips").Click(state)
		p.SeePath("/licenses?status=" + strings.ToLower(state))
		b := Eval[badge](p, read)
		if b.Word != state || b.Icon == "" {
			t.Errorf("the badge of %s says %q", state, b.Word)
		}
		if other := icons[b.Icon]; other != "" {
			t.Errorf("%s and %s have the same icon", state, other)
		}
		if other := colors[b.Color]; other != "" {
			t.Errorf("%s and %s have the same color", state, other)
		}
		icons[b.Icon], colors[b.Color] = state, state
	}
	p.Click("What the states mean")
	for _, meaning := range []string{
		"Valid and in use", "not yet activated on any device", "Temporarily disabled by the administrator",
		"Its period has ended", "Permanently disabled",
	} {
		p.In(".legend").See(meaning)
	}
}

// S-05: P-LIC-04, 09
func usageIsShown(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses?q=Cartograph+Pro")
	row := func(l License) *Page { return p.In(fmt.Sprintf(`#results tr:has(a[href="/licenses/%s"])`, l.ID)) }
	row(d.Licenses.Active).See("2 / 5")
	row(d.Licenses.LimitReached).See("5 / 5")
	row(d.Licenses.LimitReached).See("Limit reached")
	row(d.Licenses.Assigned).See("0 / 5")
	row(d.Licenses.Perpetual).See("Never")
	p.In("#results").See("4 / Unlimited")
	bar := func(l License) string {
		return Eval[string](p, fmt.Sprintf(`document.querySelector('#results tr:has(a[href="/licenses/%s"]) .bar rect').getAttribute("width")`, l.ID))
	}
	if got := bar(d.Licenses.Active); got != "40%" {
		t.Errorf("the bar of 2 / 5 is %s wide", got)
	}
	if got := bar(d.Licenses.LimitReached); got != "100%" {
		t.Errorf("the bar of 5 / 5 is %s wide", got)
	}
}

// S-06, S-20, S-21: P-LIC-07, 08
func endsAreWarnedOf(t *testing.T, d *Demo) {
	for _, scheme := range []struct {
		name string
		look Option
	}{{"light", Viewport(1280, 900)}, {"dark", Dark}} {
		t.Run(scheme.name, func(t *testing.T) {
			p := d.Visit(t, d.Customer, "/licenses?sort=expiry", scheme.look)
			banner := p.In("main > .notice")
			banner.See("Driftwood Backup expires in ")
			if got := Eval[string](p, `document.querySelector("main > .notice a").href`); !strings.HasPrefix(got, "https://driftwood.example/account/renew?license=") {
				t.Errorf("the banner leads to %s", got)
			}
			soon := 0
			for _, r := range d.Session(t, d.Customer).Licenses(t, "/licenses") {
				if r.Expiry == "soon" {
					soon++
				}
			}
			banner.See(fmt.Sprintf("%d other license", soon-1))
			p.Goto(d.URL + "/licenses?q=" + fragment(d.Licenses.Expiring))
			p.In("#results").See("Expires in ")
			p.Goto(d.URL + "/licenses?q=" + fragment(d.Licenses.Expired))
			p.In("#results").See("Expired 21 days ago")
			p.wantRed("#results .exp time")
			p.Goto(d.URL + "/licenses/" + d.Licenses.Expired.ID)
			p.wantRed(".cell .exp time")
			p.See("The software no longer validates on any device")
		})
	}
}

// wantRed looks at the color of a text.
func (p *Page) wantRed(selector string) {
	p.t.Helper()
	color := Eval[string](p, fmt.Sprintf(`(() => {
		const canvas = document.createElement("canvas").getContext("2d");
		canvas.fillStyle = getComputedStyle(document.querySelector(%q)).color;
		canvas.fillRect(0, 0, 1, 1);
		return canvas.getImageData(0, 0, 1, 1).data.join(" ");
	})()`, selector))
	var red, green, blue, alpha int
	if _, err := fmt.Sscan(color, &red, &green, &blue, &alpha); err != nil {
		p.t.Fatalf("color %q: %v", color, err)
	}
	if red < green*3/2 || red < blue*3/2 {
		p.t.Errorf("%s has the color %s, which is not red", selector, color)
	}
}

// S-16, S-17: P-LIC-02, 10
func searchAsYouType(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	p.Fill("Search licenses", "tess")
	p.SeePath("/licenses?q=tess")
	p.seeRows("licenses of Tessera SDK", func(rows []licenseRow) bool {
		return len(rows) == 4 && !slices.ContainsFunc(rows, func(r licenseRow) bool { return r.Product != "Tessera SDK" })
	})
	if got := p.Focused(); got != "searchbox Search licenses" {
		t.Errorf("while typing the focus is on %q", got)
	}
	for name, l := range map[string]License{"ordinary": d.Licenses.Active, "high-security": d.Licenses.HighSecurity} {
		p.Fill("Search licenses", strings.ToLower(fragment(l)))
		rows := p.seeRows("the license of the "+name+" key", only(l.ID))
		if strings.Contains(rows[0].Mask, fragment(l)) || !strings.HasSuffix(rows[0].Mask, l.Key[len(l.Key)-4:]) {
			t.Errorf("the list masks the %s key as %s", name, rows[0].Mask)
		}
	}
	p.Fill("Search licenses", d.Licenses.Active.Key[5:8]) // three characters are enough
	p.seeRows("three characters to find it", func(rows []licenseRow) bool { return has(rows, d.Licenses.Active.ID) })
	p.Fill("Search licenses", "")
	p.SeePath("/licenses")
	p.See("Showing 1–25 of 40")

	p.Fill("Search licenses", "no such thing")
	p.See("No matching licenses")
	p.See("Nothing matches “no such thing”.")
	p.Click("Show all licenses")
	p.See("Showing 1–25 of 40")
}

// S-16: P-LIC-10
func wholeKeyJumps(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	for _, l := range []License{d.Licenses.Perpetual, d.Licenses.HighSecurity} {
		p.Goto(d.URL + "/licenses")
		p.Fill("Search licenses", l.Key)
		p.SeePath(l.path())

		p.Goto(d.URL + "/licenses?sort=product") // sent at once, and typed by hand
		p.Fill("Search licenses", " "+strings.ToLower(strings.ReplaceAll(l.Key, "-", " "))+" ")
		p.Press(kb.Enter)
		p.SeePath(l.path())
		p.Back()
		p.SeePath("/licenses?sort=product")
		p.wantNoKey(l.Key)
	}
	l := d.Licenses.Perpetual
	p.Goto(d.URL + "/licenses")
	p.Fill("Search licenses", l.Key[:len(l.Key)-1])
	p.See("Only the first 12 letters and digits are searched")
	p.seeRows("its license", only(l.ID))
	p.wantNoKey(l.Key)
}

// wantNoKey fails the test if an address that the tab has known contains more
// of a key than a fragment.
func (p *Page) wantNoKey(key string) {
	p.t.Helper()
	whole := folded(key)
	for _, address := range p.addresses() {
		plain, err := url.PathUnescape(strings.ReplaceAll(address, "+", " "))
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range len(whole) - 12 {
			if strings.Contains(folded(plain), whole[i:i+13]) {
				p.t.Errorf("an address tells the key: %s", address)
				break
			}
		}
	}
}

func folded(s string) string {
	return strings.ToUpper(regexp.MustCompile(`[^0-9A-Za-z]`).ReplaceAllString(s, ""))
}

// addresses are those of the tab's history and of everything that its page has
// loaded.
func (p *Page) addresses() []string {
	p.t.Helper()
	list := Eval[[]string](p, `performance.getEntries().filter(e => e.entryType === "navigation" || e.entryType === "resource").map(e => e.name)`)
	history, err := chromedp.Run(p.Context, func(ctx context.Context, tab *chromedp.Target) (cdppage.GetNavigationHistoryResult, error) {
		return cdp.Call(ctx, tab, cdppage.GetNavigationHistory, cdp.Empty{})
	})
	if err != nil {
		p.t.Fatalf("read the history: %v", err)
	}
	for _, entry := range history.Entries {
		list = append(list, entry.URL)
	}
	return list
}

var counted = regexp.MustCompile(`^(\w+) (\d+)$`)

// chips are the counts of the status filter.
func (p *Page) chips() map[string]int {
	p.t.Helper()
	counts := map[string]int{}
	for _, chip := range p.Texts(".chips a") {
		m := counted.FindStringSubmatch(chip)
		if m == nil {
			p.t.Fatalf("a chip says %q", chip)
		}
		counts[m[1]], _ = strconv.Atoi(m[2])
	}
	return counts
}

// S-18: P-LIC-11, 12
func statusFilter(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	counts := p.chips()
	if sum := counts["Active"] + counts["Assigned"] + counts["Suspended"] + counts["Expired"] + counts["Revoked"]; counts["All"] != 40 || sum != 40 {
		t.Errorf("counts %v, want 40 in all", counts)
	}
	for _, state := range []string{"Active", "Assigned", "Suspended", "Expired", "Revoked"} {
		rows := d.Session(t, d.Customer).Licenses(t, "/licenses?status="+strings.ToLower(state))
		if len(rows) != counts[state] || slices.ContainsFunc(rows, func(r licenseRow) bool { return r.Status != state }) {
			t.Errorf("%s counts %d and lists %d: %v", state, counts[state], len(rows), rows)
		}
	}

	p.Goto(d.URL + "/licenses")
	p.In(".chips").Click("Suspended")
	p.Fill("Search licenses", "cartograph")
	p.SeePath("/licenses?q=cartograph&status=suspended")
	p.seeRows("the suspended one of Cartograph", only(d.Licenses.Suspended.ID))
	within := p.chips()
	if within["Suspended"] != 1 || within["All"] >= 40 {
		t.Errorf("with a search the counts are %v", within)
	}
	p.Reload()
	p.SeePath("/licenses?q=cartograph&status=suspended")
	p.seeRows("the same after reloading", only(d.Licenses.Suspended.ID))
	if got := Eval[string](p, `document.querySelector("#q").value`); got != "cartograph" {
		t.Errorf("reloaded, the search box says %q", got)
	}
	p.In(".chips").Click("All")
	p.SeePath("/licenses?q=cartograph")
	p.Click("View details")
	p.See("Validation Status")
	p.Back()
	p.SeePath("/licenses?q=cartograph")
	p.Back()
	p.SeePath("/licenses?q=cartograph&status=suspended")
	p.seeRows("the same after going back", only(d.Licenses.Suspended.ID))
	p.Click("Remove filter Search")
	p.SeePath("/licenses?status=suspended")
}

// S-16, S-18: essentials without script
func listWithoutScript(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses", NoScript)
	p.Fill("Search licenses", fragment(d.Licenses.HighSecurity))
	p.Click("Search")
	p.SeePath("/licenses?q=" + fragment(d.Licenses.HighSecurity))
	p.In("#results").See("Tessera SDK")
	p.See("Showing 1–1 of 1")
	p.Fill("Search licenses", "cartograph")
	p.Press(kb.Enter)
	p.SeePath("/licenses?q=cartograph")
	p.In(".chips").Click("Revoked")
	p.SeePath("/licenses?q=cartograph&status=revoked")
	p.Click("Sort: Newest first")
	p.Click("Product A to Z")
	p.SeePath("/licenses?q=cartograph&sort=product&status=revoked")
	p.Fill("Search licenses", d.Licenses.Active.Key)
	p.Click("Search")
	p.SeePath("/licenses/" + d.Licenses.Active.ID)
	p.Goto(d.URL + "/licenses")
	p.Click("What the states mean")
	p.See("not yet activated on any device")
	p.Click("Next")
	p.See("Showing 26–40 of 40")
	if slices.ContainsFunc(p.Controls(), func(name string) bool { return strings.HasPrefix(name, "Copy") }) {
		t.Error("there is a copy button, which needs a script")
	}
}

// Section 5: unknown status, cursor of another list
func badAddressesAreAnswered(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses?status=frozen&sort=color&after=x")
	p.See("Unknown status, ignored: frozen")
	p.See("That page belongs to another list.")
	p.See("Showing 1–25 of 40")
	p.Click("Remove filter Unknown status, ignored")
	p.SeePath("/licenses")
	p.DontSee("Unknown status")
	cursor := Eval[string](p, `new URL(document.querySelector("a[rel=next]").href).searchParams.get("after")`)
	p.Goto(d.URL + "/licenses?sort=product&after=" + cursor)
	p.See("That page belongs to another list.")
	p.Goto(d.URL + "/activations?status=frozen&after=" + cursor)
	p.See("Unknown status, ignored: frozen")
	p.See("That page belongs to another list.")

	s := d.Session(t, d.Customer)
	if a := s.Post(t, "/licenses/search", "q", strings.Repeat("A", 1<<20)); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a search of 1 MB is answered with %d: %s", a.Status, a.Text())
	}
	if a := s.Post(t, "/licenses/search", "q", strings.Repeat("ä", 5<<10)); a.Status != http.StatusSeeOther || len(a.Location) > 300 {
		t.Errorf("a search of 10 KB is answered with %d, to %.400s", a.Status, a.Location)
	}
}

// S-03, S-16..18 at ten thousand licenses
func tenThousandLicenses(t *testing.T, d *Demo) {
	p := d.Visit(t, d.LargeCustomer, "/licenses")
	p.See("Showing 1–25 of 10000")
	counts := p.chips()
	if sum := counts["Active"] + counts["Assigned"] + counts["Suspended"] + counts["Expired"] + counts["Revoked"]; counts["All"] != 10000 || sum != 10000 {
		t.Errorf("counts %v, want 10000 in all", counts)
	}
	p.Click("Next")
	p.See("Showing 26–50 of 10000")
	p.Click("Next")
	p.See("Showing 51–75 of 10000")
	p.Click("Previous")
	p.See("Showing 26–50 of 10000")
	wanted := p.licenseRows()[7]
	ending := wanted.Mask[len(wanted.Mask)-4:]
	p.Fill("Search licenses", ending)
	p.seeRows("few that have "+ending, func(rows []licenseRow) bool { return len(rows) < 25 && has(rows, wanted.ID) })
	p.Fill("Search licenses", "quill")
	p.seeRows("licenses of Quill Editor", func(rows []licenseRow) bool {
		return len(rows) == 25 && !slices.ContainsFunc(rows, func(r licenseRow) bool { return r.Product != "Quill Editor" })
	})
	p.In(".chips").Click("Expired")
	p.SeePath("/licenses?q=quill&status=expired")
	p.Click("Sort: Newest first")
	p.Click("Expires latest")
	p.SeePath("/licenses?dir=desc&q=quill&sort=expiry&status=expired")
	rows := p.licenseRows()
	if !slices.IsSortedFunc(rows, func(a, b licenseRow) int { return cmp.Compare(b.Ends, a.Ends) }) {
		t.Errorf("not sorted by expiry: %v", rows)
	}
	p.Goto(d.URL + "/")
	p.In(".kpis").See("10000")
	p.Goto(d.URL + "/activations")
	p.See("Showing 1–25 of ")
	p.Click("Next")
	p.See("Showing 26–50 of ")
	device := p.Text("#results tbody th b")
	p.Fill("Search devices", device)
	p.SeePath("/activations?q=" + device)
	p.In("#results").See("Showing 1–1 of 1")
	p.In("#results").See(device)
}

// P-LIC-14, P-DASH-12, P-ACT-22
func emptyCustomer(t *testing.T, d *Demo) {
	p := d.Visit(t, d.EmptyCustomer, "/")
	p.See("No licenses yet")
	p.See("You are signed in as " + d.EmptyCustomer.Email)
	if !p.HasControl("Contact support") {
		t.Error("there is no way to support")
	}
	p.In("nav[aria-label=Main]").Click("My Licenses")
	p.See("No licenses yet")
	p.See("No license is assigned to " + d.EmptyCustomer.Email)
	p.Fill("Search licenses", "anything")
	p.SeePath("/licenses?q=anything")
	p.See("No licenses yet") // nothing is owned, which is why nothing matches
	p.In("nav[aria-label=Main]").Click("Activations")
	p.See("No activations yet")
	p.See("Devices appear here once the software is activated")
	p.Goto(d.URL + "/licenses/" + d.Licenses.Active.ID)
	p.Expect("404")
	p.See("Not found")
}
