package ui

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
)

// icons are drawn on a 16 by 16 grid with a 1.5 stroke; paint comes from the style sheet.
var icons = map[string]template.HTML{
	"assigned":     `<circle cx="8" cy="8" r="5.75" stroke-dasharray="2.3 2.2"/>`,
	"arrow-down":   `<path d="M8 3v10M4 9.25 8 13l4-3.75"/>`,
	"arrow-left":   `<path d="M13 8H3M6.75 4 3 8l3.75 4"/>`,
	"arrow-up":     `<path d="M8 13V3M4 6.75 8 3l4 3.75"/>`,
	"building":     `<path d="M3.5 13.5V3.75a1.25 1.25 0 0 1 1.25-1.25h4.5a1.25 1.25 0 0 1 1.25 1.25v9.75M10.5 7.5h1.25A1.25 1.25 0 0 1 13 8.75v4.75M2 13.5h12M6 5.5h2M6 8h2M6 10.5h2"/>`,
	"calendar":     `<rect x="2.5" y="3.25" width="11" height="10.25" rx="1.75"/><path d="M5.25 1.9v2.4M10.75 1.9v2.4M2.5 6.75h11"/>`,
	"calendar-x":   `<rect x="2.5" y="3.25" width="11" height="10.25" rx="1.75"/><path d="M5.25 1.9v2.4M10.75 1.9v2.4M6.4 7.6l3.2 3.2M9.6 7.6l-3.2 3.2"/>`,
	"check":        `<path d="m3.25 8.5 3.25 3.25 6.25-7"/>`,
	"check-circle": `<circle cx="8" cy="8" r="5.75"/><path d="m5.5 8.25 1.75 1.75 3.25-3.75"/>`,
	"chevron":      `<path d="m6.25 3.75 4.25 4.25-4.25 4.25"/>`,
	"chevron-down": `<path d="M3.75 6.25 8 10.5l4.25-4.25"/>`,
	"clock":        `<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.25 1.5"/>`,
	"copy":         `<rect x="5.75" y="5.75" width="7.75" height="7.75" rx="1.75"/><path d="M3.75 10.25A1.25 1.25 0 0 1 2.5 9V4.25A1.75 1.75 0 0 1 4.25 2.5H9a1.25 1.25 0 0 1 1.25 1.25"/>`,
	"cross":        `<path d="m4 4 8 8M12 4l-8 8"/>`,
	"cross-circle": `<circle cx="8" cy="8" r="5.75"/><path d="m6 6 4 4M10 6l-4 4"/>`,
	"dashboard":    `<rect x="2.5" y="2.5" width="4.5" height="4.5" rx="1.25"/><rect x="9" y="2.5" width="4.5" height="4.5" rx="1.25"/><rect x="2.5" y="9" width="4.5" height="4.5" rx="1.25"/><rect x="9" y="9" width="4.5" height="4.5" rx="1.25"/>`,
	"device":       `<rect x="2" y="3" width="12" height="8" rx="1.5"/><path d="M5.5 13.5h5"/>`,
	"dot":          `<circle cx="8" cy="8" r="2.25" fill="currentColor" stroke="none"/>`,
	"download":     `<path d="M8 2.5v7.25M4.75 6.75 8 10l3.25-3.25M2.75 13.25h10.5"/>`,
	"external":     `<path d="M9.25 2.75h4v4M13.25 2.75 7.5 8.5M11.5 9.5v2.75a1 1 0 0 1-1 1h-6.75a1 1 0 0 1-1-1V5.5a1 1 0 0 1 1-1H6.5"/>`,
	"eye":          `<path d="M1.75 8S4 3.75 8 3.75 14.25 8 14.25 8 12 12.25 8 12.25 1.75 8 1.75 8Z"/><circle cx="8" cy="8" r="1.75"/>`,
	"eye-off":      `<path d="M6.1 4.05A6.4 6.4 0 0 1 8 3.75c4 0 6.25 4.25 6.25 4.25a11 11 0 0 1-1.6 2.1M4.05 5.1A10.6 10.6 0 0 0 1.75 8S4 12.25 8 12.25a6.3 6.3 0 0 0 3-.75M2.5 2.5l11 11M6.8 6.8a1.75 1.75 0 0 0 2.4 2.4"/>`,
	"file":         `<path d="M9 2.25H4.75A1.25 1.25 0 0 0 3.5 3.5v9a1.25 1.25 0 0 0 1.25 1.25h6.5a1.25 1.25 0 0 0 1.25-1.25V5.75L9 2.25ZM9 2.25v3.5h3.5"/>`,
	"filter":       `<path d="M2.5 4h11M4.5 8h7M6.5 12h3"/>`,
	"globe":        `<circle cx="8" cy="8" r="5.75"/><path d="M2.25 8h11.5M8 2.25c1.7 1.6 2.4 3.6 2.4 5.75S9.7 12.15 8 13.75C6.3 12.15 5.6 10.15 5.6 8S6.3 3.85 8 2.25Z"/>`,
	"help":         `<circle cx="8" cy="8" r="5.75"/><path d="M6.35 6.4A1.7 1.7 0 0 1 8 5.1c.95 0 1.7.65 1.7 1.5 0 1.2-1.7 1.3-1.7 2.4M8 11.1h.01"/>`,
	"history":      `<path d="M2.75 8a5.25 5.25 0 1 0 1.6-3.75M2.75 2.5v3h3M8 5.25V8l2 1.4"/>`,
	"inbox":        `<path d="M2.25 9.25 4.1 3.9a1.25 1.25 0 0 1 1.2-.9h5.4a1.25 1.25 0 0 1 1.2.9l1.85 5.35v2.5A1.25 1.25 0 0 1 12.5 13h-9a1.25 1.25 0 0 1-1.25-1.25v-2.5Zm0 0h3l1 1.75h3.5l1-1.75h3"/>`,
	"info":         `<circle cx="8" cy="8" r="5.75"/><path d="M8 7.5v3.25M8 5.2h.01"/>`,
	"key":          `<circle cx="5.25" cy="10.75" r="2.75"/><path d="m7.25 8.75 6-6M10.75 5.25l2 2"/>`,
	"keyboard":     `<rect x="1.75" y="4" width="12.5" height="8" rx="1.5"/><path d="M4.5 6.75h.01M6.85 6.75h.01M9.2 6.75h.01M11.5 6.75h.01M5.5 9.5h5"/>`,
	"laptop":       `<rect x="3" y="3" width="10" height="7" rx="1.25"/><path d="M1.5 12.75h13"/>`,
	"lock":         `<rect x="3.25" y="7" width="9.5" height="6.5" rx="1.5"/><path d="M5.25 7V5a2.75 2.75 0 0 1 5.5 0v2"/>`,
	"mail":         `<rect x="2" y="3.25" width="12" height="9.5" rx="1.5"/><path d="m2.5 4.5 5.5 4 5.5-4"/>`,
	"menu":         `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"minus":        `<path d="M3.5 8h9"/>`,
	"minus-circle": `<circle cx="8" cy="8" r="5.75"/><path d="M5.5 8h5"/>`,
	"moon":         `<path d="M13.25 9.5A5.5 5.5 0 0 1 6.5 2.75a5.5 5.5 0 1 0 6.75 6.75Z"/>`,
	"package":      `<path d="M8 1.9 13.5 5v6L8 14.1 2.5 11V5L8 1.9ZM2.5 5 8 8.1 13.5 5M8 8.1v6M5.2 3.5l5.55 3.1"/>`,
	"pause":        `<circle cx="8" cy="8" r="5.75"/><path d="M6.4 6v4M9.6 6v4"/>`,
	"plus":         `<path d="M8 3v10M3 8h10"/>`,
	"refresh":      `<path d="M13.25 8a5.25 5.25 0 1 1-1.6-3.75M13.25 2.5v3h-3"/>`,
	"search":       `<circle cx="7" cy="7" r="4.25"/><path d="m10.25 10.25 3.25 3.25"/>`,
	"selector":     `<path d="m5.25 6 2.75-2.75L10.75 6M5.25 10 8 12.75 10.75 10"/>`,
	"server":       `<rect x="2.5" y="2.5" width="11" height="4.75" rx="1.25"/><rect x="2.5" y="8.75" width="11" height="4.75" rx="1.25"/><path d="M5 4.9h.01M5 11.1h.01"/>`,
	"settings":     `<path d="M2.5 4.75H8M11.5 4.75h2M2.5 11.25h2M8 11.25h5.5"/><circle cx="9.75" cy="4.75" r="1.75"/><circle cx="6.25" cy="11.25" r="1.75"/>`,
	"shield":       `<path d="M8 1.9 13 3.6v4.15c0 3-2.05 5.25-5 6.35-2.95-1.1-5-3.35-5-6.35V3.6L8 1.9Z"/>`,
	"shield-check": `<path d="M8 1.9 13 3.6v4.15c0 3-2.05 5.25-5 6.35-2.95-1.1-5-3.35-5-6.35V3.6L8 1.9Z"/><path d="m5.75 7.9 1.6 1.6 2.9-3.3"/>`,
	"signout":      `<path d="M6.25 13.25h-2.5a1 1 0 0 1-1-1v-8.5a1 1 0 0 1 1-1h2.5M10.25 11l3-3-3-3M13.25 8h-7"/>`,
	"slash":        `<circle cx="8" cy="8" r="5.75"/><path d="m4 4 8 8"/>`,
	"sun":          `<circle cx="8" cy="8" r="2.75"/><path d="M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7"/>`,
	"trash":        `<path d="M2.75 4.5h10.5M6.25 4.5V3.25a.75.75 0 0 1 .75-.75h2a.75.75 0 0 1 .75.75V4.5M4.25 4.5l.55 8a1 1 0 0 0 1 .95h4.4a1 1 0 0 0 1-.95l.55-8M6.75 7.25v3.5M9.25 7.25v3.5"/>`,
	"upload":       `<path d="M8 10V2.75M4.75 5.75 8 2.5l3.25 3.25M2.75 10.5v1.75a1 1 0 0 0 1 1h8.5a1 1 0 0 0 1-1V10.5"/>`,
	"user":         `<circle cx="8" cy="5.25" r="2.75"/><path d="M2.75 13.5c.6-2.4 2.7-3.75 5.25-3.75s4.65 1.35 5.25 3.75"/>`,
	"warning":      `<path d="M7.1 2.9 1.9 11.9a1.05 1.05 0 0 0 .9 1.6h10.4a1.05 1.05 0 0 0 .9-1.6L8.9 2.9a1.05 1.05 0 0 0-1.8 0ZM8 6.25v3M8 11.4h.01"/>`,
}

// Icons returns the names that the template function "icon" knows, sorted.
func Icons() []string { return slices.Sorted(maps.Keys(icons)) }

// Icon returns the drawing of that name, hidden from assistive technology: an icon always
// stands beside a word. A name it does not know is an error, so that a typing mistake fails
// a test and not the page's reader.
func Icon(name string) (template.HTML, error) { return iconWith(name, "icon") }

func iconWith(name, class string) (template.HTML, error) {
	shape, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("ui: no icon named %q", name)
	}
	return `<svg class="` + template.HTML(class) + `" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + shape + `</svg>`, nil
}
