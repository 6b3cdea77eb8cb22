package httpx_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/httpx"
)

func TestSafeNext(t *testing.T) {
	for _, s := range []string{
		"/", "/licenses", "/licenses?x", "/licenses?status=active&q=ab%20c", "/licenses/0190?a=b#keys", "/a?u=https://example.com", "/ä",
	} {
		if got := httpx.SafeNext(s); got != s {
			t.Errorf("SafeNext(%q) = %q, want it unchanged", s, got)
		}
	}
	for _, s := range []string{
		"", "licenses", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/a//b", "/.//evil.example",
		"https://evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x", "/\tevil", "/\n/evil.example",
		"/a\r\nSet-Cookie: x=1", " /licenses", "/a b", "/\x00", "/\xff", "/\u0085", "/a\u2028b", "/%zz", "/%2f/evil.example", "/%2Fevil.example", "/%5Cevil.example", "?x", "#x", "/?x\\y",
		"/" + strings.Repeat("a", 2048),
	} {
		if got := httpx.SafeNext(s); got != "/" {
			t.Errorf("SafeNext(%q) = %q, want /", s, got)
		}
	}
}

func FuzzSafeNext(f *testing.F) {
	for _, s := range []string{"/", "/licenses?x", "//evil.example", "/\\evil", "/..//evil", "https://evil.example", "/%2f/evil", "/a#//b"} {
		f.Add(s)
	}
	base, err := url.Parse("https://keyward.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := httpx.SafeNext(s)
		if got != s && got != "/" {
			t.Fatalf("SafeNext(%q) = %q is neither the input nor /", s, got)
		}
		if httpx.SafeNext(got) != got {
			t.Fatalf("SafeNext(%q) is not stable", s)
		}
		// A browser drops tabs and line breaks and reads a backslash as a slash.
		asBrowser := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(got)
		u, err := base.Parse(asBrowser)
		if err != nil {
			t.Fatalf("%q does not resolve: %v", got, err)
		}
		if u.Scheme != "https" || u.Host != "keyward.example" || u.User != nil || strings.HasPrefix(u.Path, "//") {
			t.Fatalf("SafeNext(%q) = %q leads to %v", s, got, u)
		}
	})
}
