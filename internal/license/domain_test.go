package license_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/license"
)

// C-PRD-05
func TestNormalizeDomain(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":                        "example.com",
		"Example.COM":                        "example.com",
		"  example.com \n":                   "example.com",
		"http://example.com":                 "example.com",
		"HTTPS://example.com/":               "example.com",
		"https://example.com/a/b?c=d#e":      "example.com",
		"example.com?x=1":                    "example.com",
		"example.com#top":                    "example.com",
		"example.com:8080":                   "example.com",
		"example.com:":                       "example.com",
		"https://example.com:443/login":      "example.com",
		"www.example.com":                    "example.com",
		"WWW.Example.com.":                   "example.com",
		"www.www.example.com":                "example.com",
		"https://www.example.com:80/?q=www.": "example.com",
		"www.com":                            "www.com",
		"wwwexample.com":                     "wwwexample.com",
		"shop.example.com":                   "shop.example.com",
		"example.com.":                       "example.com",
		"https:// example.com /":             "example.com",
		"BÜCHER.example":                     "bücher.example",
		"localhost:3000":                     "localhost",
		"127.0.0.1:80":                       "127.0.0.1",
		"[::1]:80":                           "[::1]:80",
		"ada:pw@example.com":                 "ada:pw@example.com",
		"":                                   "",
		"https://":                           "",
	} {
		if got := license.NormalizeDomain(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		if got := license.NormalizeDomain(want); got != want {
			t.Errorf("%q does not stay: %q", want, got)
		}
	}
}

func TestDomainsThatAreAccepted(t *testing.T) {
	for _, in := range []string{"example.com", "a-b.example.co.uk", "localhost", "LOCALHOST:3000", "10.0.0.1", "xn--bcher-kva.example",
		"bücher.example", "例え.テスト", "हिन्दी.example", "my_site.local", "1.2"} {
		if _, err := (license.Device{Identifier: in, Kind: license.Domain}).Check(); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestNormalizingALongDomainTakesNoTime(t *testing.T) {
	for _, part := range []string{"www.", ".", ":", "://", " ", "/"} {
		license.NormalizeDomain(strings.Repeat(part, 1<<20) + "example.com")
		license.NormalizeDomain("example.com" + strings.Repeat(part, 1<<20))
	}
}

func FuzzNormalizeDomain(f *testing.F) {
	f.Add("https://www.example.com:80/x?y#z")
	f.Add("http://http:// www.www..example.com.. ")
	f.Add("İ.example\xff")
	f.Fuzz(func(t *testing.T, s string) {
		once := license.NormalizeDomain(s)
		if twice := license.NormalizeDomain(once); twice != once {
			t.Errorf("%q, then %q", once, twice)
		}
	})
}
