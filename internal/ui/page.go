package ui

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Page is what every page shows around its content. Page structs of a door embed it by value
// under its own name: the layouts read .Page.
type Page struct {
	Title   string // this page's name; the browser's tab adds AppName
	AppName string // the installation's name; "Keyward" when empty
	Lang    string // "en" when empty
	Theme   Theme

	Home      string // where the brand leads; "/" when empty
	Nav       []NavItem
	Crumbs    []Link // the way to this page, last one this page itself
	User      *User  // nil before sign-in
	UserMenu  []NavItem
	SignOut   string // POST address; empty hides the entry
	ThemePOST string // POST address of ThemeHandler; "/theme" when empty
	Path      string // this page's own address with its query, for coming back

	Flash  []Flash
	Banner *Banner

	Help         string // where the header's Help button leads; SupportURL when empty
	SupportEmail string
	SupportURL   string
	Docs         string // documentation for developers; empty draws no link
	RequestID    string

	Now  time.Time      // the instant that relative times count from
	Zone *time.Location // the reader's; UTC when nil
}

// NavItem is an entry of the side bar or of the user menu.
type NavItem struct {
	Label, Href, Icon string
	Current           bool   // this page, or one below it
	Group             string // heading over neighboring entries of the same group
	Count             string // small figure at the end, empty for none
	Key               string // letter that leads there after g, empty for none
}

// NavGroup is a run of entries under one heading.
type NavGroup struct {
	Title string
	Items []NavItem
}

// Link is a place to go to. Primary marks the one that the page wants to be taken.
type Link struct {
	Label, Href, Icon string
	Primary           bool
}

// User is who is signed in.
type User struct {
	Name, Email string
	Initials    string // made from the name when empty
}

// Mark is what the user's avatar shows.
func (u User) Mark() string {
	switch {
	case u.Initials != "":
		return u.Initials
	case u.Name != "":
		return Initials(u.Name)
	default:
		return Initials(u.Email)
	}
}

// Flash is a message about what just happened, shown once.
type Flash struct {
	Tone Tone
	Text string
}

// Urgent reports whether assistive technology should interrupt for it.
func (f Flash) Urgent() bool { return f.Tone == ToneBad }

// Banner is a line above everything, for installations that are not the real thing.
type Banner struct {
	Label string // names the region
	Text  string
	Links []Link
}

// Name is the installation's name.
func (p Page) Name() string { return orElse(p.AppName, "Keyward") }

// Language is the page's language tag.
func (p Page) Language() string { return orElse(p.Lang, "en") }

// HomeHref is where the brand leads.
func (p Page) HomeHref() string { return orElse(p.Home, "/") }

// HelpHref is where the Help button leads; empty draws none.
func (p Page) HelpHref() string { return orElse(p.Help, p.SupportURL) }

// ThemeAction is where the theme form posts to.
func (p Page) ThemeAction() string { return orElse(p.ThemePOST, "/theme") }

// FixedTheme is the theme to force, and empty when the system decides.
func (p Page) FixedTheme() Theme {
	if p.Theme == ThemeLight || p.Theme == ThemeDark {
		return p.Theme
	}
	return ""
}

// ThemeIs reports whether t is the theme in use.
func (p Page) ThemeIs(t Theme) bool { return orElse(p.Theme, ThemeSystem) == t }

// NavGroups returns the entries of the side bar in runs of the same group.
func (p Page) NavGroups() []NavGroup {
	var groups []NavGroup
	for _, item := range p.Nav {
		if n := len(groups); n == 0 || groups[n-1].Title != item.Group {
			groups = append(groups, NavGroup{Title: item.Group})
		}
		last := &groups[len(groups)-1]
		last.Items = append(last.Items, item)
	}
	return groups
}

// Since is a relative time, "5 minutes ago", and "Never" for the zero instant.
func (p Page) Since(at time.Time) When {
	if at.IsZero() {
		return When{Text: "Never"}
	}
	return NewWhen(at, p.Zone, Relative(at, p.Now))
}

// Date is a calendar day in the reader's zone, and "Never" for the zero instant.
func (p Page) Date(at time.Time) When {
	if at.IsZero() {
		return When{Text: "Never"}
	}
	return NewWhen(at, p.Zone, Day(at, p.Zone))
}

// Exact is the exact time in the reader's zone, as plain text.
func (p Page) Exact(at time.Time) string {
	if at.IsZero() {
		return "Never"
	}
	return Exact(at, p.Zone)
}

// Initials returns the first letters of the first and the last word of a name, in capitals.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return "?"
	}
	first := firstLetter(words[0])
	if len(words) == 1 || strings.Contains(name, "@") {
		return first
	}
	return first + firstLetter(words[len(words)-1])
}

func firstLetter(word string) string {
	r, _ := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r))
}

func orElse[T ~string](value, fallback T) T {
	if value == "" {
		return fallback
	}
	return value
}
