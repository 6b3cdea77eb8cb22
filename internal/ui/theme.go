package ui

import (
	"net/http"
	"strings"
	"time"
)

// Theme says which colors a page is drawn in. The zero value follows the reader's system.
type Theme string

// The themes a reader can choose.
const (
	ThemeSystem Theme = "system"
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

const (
	themeCookie = "theme"
	zoneCookie  = "tz"
	cookieYear  = 365 * 24 * 60 * 60
)

// ThemeOf reads the theme the browser carries. Anything else than a known theme is the system's.
func ThemeOf(r *http.Request) Theme {
	if c, err := r.Cookie(themeCookie); err == nil {
		return parseTheme(c.Value)
	}
	return ThemeSystem
}

func parseTheme(s string) Theme {
	if t := Theme(s); t == ThemeLight || t == ThemeDark {
		return t
	}
	return ThemeSystem
}

// ZoneOf reads the time zone that the page's script reported, and is UTC without one.
func ZoneOf(r *http.Request) *time.Location {
	if zone := ReportedZone(r); zone != nil {
		return zone
	}
	return time.UTC
}

// ReportedZone reads the time zone that the page's script reported, and is nil without one.
func ReportedZone(r *http.Request) *time.Location {
	c, err := r.Cookie(zoneCookie)
	if err != nil || c.Value == "" || c.Value == "Local" || len(c.Value) > 64 {
		return nil
	}
	zone, err := time.LoadLocation(c.Value)
	if err != nil {
		return nil
	}
	return zone
}

// ThemeHandler answers the theme form: it remembers the choice in a cookie and sends the
// reader back to where they were. A request that accepts JSON only gets 204, for the script
// that has changed the colors already. It relies on the server's cross-origin checks, and on
// local to turn whatever the form says about where to go back to into a place on this site.
func ThemeHandler(local func(string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{
			Name: themeCookie, Value: string(parseTheme(r.PostFormValue("theme"))), Path: "/",
			MaxAge: cookieYear, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
		})
		w.Header().Set("Cache-Control", "no-store")
		if strings.HasPrefix(r.Header.Get("Accept"), "application/json") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Location", local(r.PostFormValue("back")))
		w.WriteHeader(http.StatusSeeOther)
	})
}
