// Package ui owns how pages look: the layouts around a page, the components inside it, icons,
// the embedded style sheet, scripts and fonts, and rendering to a buffer before anything is
// written. It does not own any page, any address or any rule of the business; it imports no
// other package of this module. Doors, such as the portal, bring pages and page structs.
//
// # A page
//
// A door embeds its page files, parses them once and renders them with typed structs:
//
//	//go:embed pages
//	var pages embed.FS
//
//	templates, err := ui.Parse(pages, template.FuncMap{...}) // pages/things.html is page "things"
//
//	type thingsPage struct {
//		ui.Page               // what the layout needs; by value, not a pointer
//		Search string
//		Rows   []thingRow
//		Pager  ui.Pager
//		Empty  ui.Empty
//	}
//
//	err = templates.Render(w, http.StatusOK, "things", thingsPage{Page: page, ...})
//
// Render writes nothing when it fails, so the caller can answer with the page "error" (always
// there, takes an [ErrorPage]), and with [Templates.Fallback] when that fails too.
//
// The file pages/things.html defines "content", and has exactly one h1:
//
//	{{define "content"}}
//	<header class="page-head">
//	  <div><h1>{{.Title}}</h1><p class="lede">All your things.</p></div>
//	  <div class="actions"><a class="btn" href="/export">{{icon "upload"}}Export</a></div>
//	</header>
//	{{range .Rows}}
//	  {{template "tile" (tile .Name)}} {{template "badge" (badge .Status .StatusLabel)}}
//	  {{template "usage" .Usage}} {{template "when" ($.Since .LastSeen)}}
//	{{else}}{{template "empty" .Empty}}{{end}}
//	{{template "pager" .Pager}}
//	{{end}}
//
// A page that stands alone (sign-in, links from mails) chooses the other layout by starting
// with {{define "layout"}}{{template "plain" .}}{{end}}. Files named _x.html are no pages;
// the templates they define are available to every page of the door.
//
// # Components
//
// Each is a template with a typed argument; small ones have a function that makes it:
//
//	notice        Notice       message in the flow: info, good, warn, bad
//	badge         Badge        (badge "active" "Active"); status decides tone and icon
//	tile          Tile         (tile "Name"), (tileLarge "Name")
//	bar           Bar          (bar 2 5 "ok")
//	usage         Usage        "2 / 5" with its bar
//	when          When         ($.Since t) relative, ($.Date t) a day; exact time on hover and focus
//	copy          Copy         icon button; "copy-button" has words
//	field         Field        label, input or select or text area, hint, error
//	checkbox      Checkbox
//	problems      Problems     summary above a refused form
//	confirm       Confirm      native dialog; "confirm-card" is the same as a page
//	pager         Pager        summary with Previous and Next
//	empty         Empty        why there is nothing, and what to do
//	action        Link         a button that is a link
//	chips         Chips        filter row, one in force
//	pills         Pills        filters in force, each removable
//	sort          Sort         a sortable column's heading cell, whole th
//	menu          Menu         button with a list of links, for ordering
//	legend        Legend       badges and their meaning, folded
//	kpis          []KPI        figures on tiles
//	checks        []Check      passed, failed, skipped
//	timeline      []TimelineItem
//
// Functions: asset, icon, iconWith, badge, tile, tileLarge, bar, hue, initials, plural.
//
// # Markup patterns
//
// Where a page brings the content itself, these classes shape it; testdata/pages/gallery.html
// shows each in use.
//
//	page-head, title-row, meta, lede, actions   head of a page
//	section-head, split, stack, duo             sections; split is content and aside
//	card, panel-head, quiet, link               a titled panel
//	btn, btn-primary, btn-danger, btn-sm, btn-ghost, btn-wide
//	listing > form.search, #results             a list with search; .filters puts chips and menu
//	                                            side by side inside #results
//	table-card > table.table                    rows become cards when narrow; cells are named by
//	                                            data-cell product, key, status, usage, expires, go
//	table-card > table.table.table-plain        any other table; rows become labeled lines, cells
//	                                            carry data-label, the last data-cell="action"
//	prod, tag, row-link, key, exp[data-state=ok|soon|past]   inside cells
//	strip > cells > cell, big, keyline          summary of one thing
//	panel[data-tone] > outcome, tech            how something came out, with its details
//	rows > li > row-icon, row-id, row-end       small lists
//	facts > div > dt, dd                        names and values
//	auth, auth-alt, form, field-row             forms; auth is the card of the plain layout
//	vh                                          for screen readers only
//
// # Behavior
//
// Everything works without script. Scripts add to markup that carries data attributes:
//
//	form[data-live-search]   submits while typing and replaces #results; data-results-path is
//	                         the path of the list, data-min-length the fewest letters sent;
//	                         an element [data-announce] in #results is read aloud
//	button[data-copy-url]    POSTs, reads {"key": "..."} and copies it; see [Copy]
//	a[data-dialog-open=id]   opens a native dialog instead of following the link to the
//	                         confirmation page; [data-dialog-close] closes it
//	details[data-menu]       closes on Escape, and on a click or focus elsewhere
//
// They need no inline script, no eval and no innerHTML, so the content policy can be
// default-src 'none' with 'self' for scripts, styles, fonts, images, connections and forms,
// and trusted types without any policy.
//
// # Serving
//
//	mux.Handle("GET "+ui.AssetsPath, ui.NewAssets().Handler())
//	mux.Handle("POST /theme", ui.ThemeHandler(httpx.SafeNext))
//
// Package uitest has the checks that a door's tests run over its pages.
package ui
