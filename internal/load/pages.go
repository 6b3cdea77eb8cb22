package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// Pages says how pages of the portal are measured: each on both places in
// turns, for the same customers.
type Pages struct {
	Binary       string
	Small, Large Place
	Sizes        []int // licenses of the customers, see Prepare
	Times        int   // how often each page is asked for
}

// page is one address, as a visitor comes to it.
type page struct{ name, path string }

// Run measures the pages and prints the times of both places.
func (p Pages) Run(ctx context.Context, out io.Writer) error {
	var running []*program
	for _, place := range []Place{p.Small, p.Large} {
		one, err := serve(ctx, p.Binary, place)
		if err != nil {
			return err
		}
		defer one.abandon()
		running = append(running, one)
	}
	for _, o := range owners(p.Sizes) {
		if err := p.compare(ctx, running, o, out); err != nil {
			return err
		}
	}
	for i, place := range []Place{p.Small, p.Large} {
		memory, err := running[i].privateMemory()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: listening after %d ms, %.1f MB of private memory after that\n", place.name(), running[i].took.Milliseconds(), float64(memory)/1e6)
		if err := running[i].stop(); err != nil {
			return err
		}
	}
	return nil
}

// compare asks both programs for each page of a customer, one after the other.
func (p Pages) compare(ctx context.Context, running []*program, o Owner, out io.Writer) error {
	var visitors []visitor
	var found [][]page
	for _, program := range running {
		v, err := signIn(ctx, program.url, o)
		if err != nil {
			return err
		}
		pages, err := v.pages(ctx)
		if err != nil {
			return err
		}
		visitors, found = append(visitors, v), append(found, pages)
	}
	for n, page := range found[0] {
		took := make([][]time.Duration, len(visitors))
		for range p.Times {
			for i, v := range visitors {
				_, one, err := v.get(ctx, found[i][n].path)
				if err != nil {
					return err
				}
				took[i] = append(took[i], one)
			}
		}
		small, large := median(took[0]), median(took[1])
		fmt.Fprintf(out, "%d licenses, %s: %.2f ms and %.2f ms: %.2f times\n", o.Licenses, page.name, small.Seconds()*1e3, large.Seconds()*1e3, float64(large)/float64(small))
	}
	return nil
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// visitor is a browser that is signed in.
type visitor struct {
	http *http.Client
	url  string
}

func signIn(ctx context.Context, address string, o Owner) (visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return visitor{}, err
	}
	v := visitor{&http.Client{Jar: jar, Timeout: time.Minute}, address}
	form := url.Values{"email": {o.Email}, "password": {o.Password}}
	answer, err := v.http.PostForm(address+"/login", form)
	if err != nil {
		return v, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path == "/login" {
		return v, fmt.Errorf("signing in as %s: status %d at %s", o.Email, answer.StatusCode, answer.Request.URL.Path)
	}
	return v, ctx.Err()
}

func (v visitor) get(ctx context.Context, path string) (string, time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path, nil)
	if err != nil {
		return "", 0, err
	}
	begun := time.Now()
	answer, err := v.http.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	took := time.Since(begun)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", path, answer.StatusCode)
	}
	return string(body), took, err
}

var (
	licenseLink = regexp.MustCompile(`href="(/licenses/[0-9a-f-]{36})["?]`)
	keyEnding   = regexp.MustCompile(`Key ending in ([^<]+)<`)
)

// pages are those to measure, with a license and a piece of a key that the
// customer has.
func (v visitor) pages(ctx context.Context) ([]page, error) {
	list, _, err := v.get(ctx, "/licenses")
	if err != nil {
		return nil, err
	}
	link, key := licenseLink.FindStringSubmatch(list), keyEnding.FindStringSubmatch(list)
	if link == nil || key == nil {
		return nil, fmt.Errorf("no license is on the list of %s", v.url)
	}
	return []page{
		{"My Licenses", "/licenses"},
		{"search for a piece of a key", "/licenses?q=" + url.QueryEscape(key[1])},
		{"a license", link[1]},
	}, nil
}
