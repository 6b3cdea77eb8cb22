package ui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/ui"
)

func postTheme(form url.Values, accept string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/theme", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	ui.ThemeHandler(func(path string) string { return "/at" + path }).ServeHTTP(w, r)
	return w.Result()
}

func TestTheme(t *testing.T) {
	t.Run("the choice is kept and the reader comes back", func(t *testing.T) {
		res := postTheme(url.Values{"theme": {"dark"}, "back": {"/things?q=a"}}, "text/html")
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/at/things?q=a" {
			t.Errorf("got %s to %s", res.Status, res.Header.Get("Location"))
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, c := range res.Cookies() {
			r.AddCookie(c)
		}
		if got := ui.ThemeOf(r); got != ui.ThemeDark {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a script is answered without a page", func(t *testing.T) {
		if res := postTheme(url.Values{"theme": {"light"}}, "application/json"); res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 1 {
			t.Errorf("got %s", res.Status)
		}
	})
	t.Run("nonsense is the system's theme", func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", `theme="><script>`)
		if got := ui.ThemeOf(r); got != ui.ThemeSystem {
			t.Errorf("got %s", got)
		}
	})
}

func TestZone(t *testing.T) {
	for cookie, want := range map[string]string{
		"tz=Europe/Berlin": "Europe/Berlin", "": "UTC", "tz=../../etc/passwd": "UTC", "tz=Local": "UTC", "tz=Nowhere/Else": "UTC", "tz=": "UTC",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		if got := ui.ZoneOf(r).String(); got != want {
			t.Errorf("%q: got %s, want %s", cookie, got, want)
		}
	}
}
