package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

// line is the way to the server; a test may cut it or tamper with it.
type line struct {
	tamper func(*http.Request) (*http.Response, error) // nil: nothing is wrong
	after  func(*http.Response) (*http.Response, error)
	keys   []string // idempotency keys that passed
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.keys = append(l.keys, r.Header.Get("Idempotency-Key"))
	if l.tamper != nil {
		if response, err := l.tamper(r); response != nil || err != nil {
			return response, err
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.after != nil {
		return l.after(response)
	}
	return response, err
}

func (l *line) cut() {
	l.tamper = func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }
}
func (l *line) mend() { l.tamper, l.after = nil, nil }

// device is a device with software of a product on it, and a license for it.
type device struct {
	*apitest.World
	*client.Client
	product apitest.Product
	license license.License
	key     string
	line    *line
	options client.Options
	waits   []time.Duration
	now     func() time.Time // the clock of the device
}

func newDevice(t *testing.T) *device {
	t.Helper()
	d := &device{World: apitest.New(t, apitest.Options{}), line: &line{}}
	d.now = d.Now
	d.product = d.AddProduct("Studio", nil)
	d.license, d.key = d.Issue(d.product, licensing.Issue{CustomerID: d.AddCustomer("Acme").ID})
	d.options = client.Options{
		BaseURL: d.Server.URL, Token: d.product.Token, Product: string(d.product.ID), ProductKey: d.product.Pinned,
		Device: client.Device{ID: "HW-1", Name: "Studio Mac", Platform: "linux/amd64"}, Version: "8.1",
		CachePath:  filepath.Join(t.TempDir(), "state", "license.json"),
		HTTPClient: &http.Client{Transport: d.line},
		Now:        func() time.Time { return d.now() },
	}
	d.start(t, d.options)
	return d
}

// start is the software starting anew, with what it finds on disk.
func (d *device) start(t *testing.T, o client.Options) {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c.SetWait(func(_ context.Context, wait time.Duration) error {
		d.waits = append(d.waits, wait)
		return nil
	})
	d.Client = c
}

func (d *device) activated(t *testing.T) *device {
	t.Helper()
	wantCode(t, verdict.Valid, false)(d.Activate(t.Context(), d.key))
	return d
}

// wantCode fails the test unless an answer has this code.
func wantCode(t *testing.T, code verdict.Code, offline bool) func(*client.Answer, error) {
	t.Helper()
	return func(a *client.Answer, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict.Code != code || a.Valid() != (code == verdict.Valid) || a.Offline != offline || a.CacheError != nil {
			t.Fatalf("got %+v, want %s, offline %v", a, code, offline)
		}
	}
}

// wantError fails the test unless there is no answer, for this reason.
func wantError(t *testing.T, want error) func(*client.Answer, error) {
	t.Helper()
	return func(a *client.Answer, err error) {
		t.Helper()
		if a != nil || !errors.Is(err, want) {
			t.Fatalf("got %+v, %v; want %v", a, err, want)
		}
	}
}

func TestCalls(t *testing.T) {
	d := newDevice(t)
	ctx := t.Context()
	wantCode(t, verdict.NotActivated, false)(d.Validate(ctx, d.key))
	a, err := d.Activate(ctx, d.key)
	wantCode(t, verdict.Valid, false)(a, err)
	if a.License.ID != string(d.license.ID) || a.Activation.Status != "active" || a.Feature("export") != true || len(a.Verdict.Checks) == 0 {
		t.Errorf("got %+v", a)
	}
	wantCode(t, verdict.Valid, false)(d.Validate(ctx, strings.ToLower(d.key), "export"))
	wantCode(t, verdict.FeatureMissing, false)(d.Validate(ctx, d.key, "export", "teleport"))
	wantCode(t, verdict.Valid, false)(d.CheckIn(ctx, d.key))
	wantCode(t, verdict.NotActivated, false)(d.Deactivate(ctx, d.key))
	wantCode(t, verdict.KeyUnknown, false)(d.Validate(ctx, "KW-NOPE1-NOPE2-NOPE3-NOPE4"))
}

func TestProblemsComeThrough(t *testing.T) {
	d := newDevice(t)
	o := d.options
	o.Token = "kwc_wrong"
	d.start(t, o)
	_, err := d.Validate(t.Context(), d.key)
	problem, ok := errors.AsType[*client.Problem](err)
	if !ok || problem.Status != http.StatusUnauthorized || problem.Code != "token_invalid" || problem.RequestID == "" {
		t.Fatalf("got %v", err)
	}
	d.start(t, d.options)
	_, err = d.Validate(t.Context(), strings.Repeat("K", 300))
	if problem, ok = errors.AsType[*client.Problem](err); !ok || problem.Errors[0].Field != "key" {
		t.Errorf("got %v", err)
	}
	if len(d.waits) > 0 {
		t.Error("a wrong request was repeated")
	}
}

func TestRetries(t *testing.T) {
	answer := func(status int, header ...string) *http.Response {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("busy"))}
	}
	t.Run("a call whose answer was lost is done once", func(t *testing.T) {
		d := newDevice(t)
		d.line.after = func(response *http.Response) (*http.Response, error) {
			d.line.after = nil
			response.Body.Close()
			return nil, errors.New("connection reset")
		}
		wantCode(t, verdict.Valid, false)(d.Activate(t.Context(), d.key))
		if len(d.line.keys) != 2 || d.line.keys[0] == "" || d.line.keys[0] != d.line.keys[1] {
			t.Errorf("idempotency keys %q", d.line.keys)
		}
		wantCode(t, verdict.Valid, false)(d.Validate(t.Context(), d.key))
		if d.line.keys[2] == d.line.keys[1] {
			t.Error("another call has the same idempotency key")
		}
	})
	t.Run("pauses grow, and end after a few attempts", func(t *testing.T) {
		d := newDevice(t)
		d.line.cut()
		wantError(t, client.ErrAway)(d.Activate(t.Context(), d.key))
		if len(d.line.keys) != 4 || len(d.waits) != 3 || d.waits[2] < time.Second || d.waits[2] > 2*time.Second {
			t.Errorf("%d attempts, waited %v", len(d.line.keys), d.waits)
		}
	})
	t.Run("a busy server says how long to wait", func(t *testing.T) {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			d := newDevice(t)
			d.line.tamper = func(*http.Request) (*http.Response, error) {
				d.line.mend()
				return answer(status, "Retry-After", "7"), nil
			}
			wantCode(t, verdict.NotActivated, false)(d.Validate(t.Context(), d.key))
			if diff := cmp.Diff([]time.Duration{7 * time.Second}, d.waits); diff != "" {
				t.Errorf("%d (-want +got):\n%s", status, diff)
			}
		}
	})
	t.Run("a long wait is as good as away", func(t *testing.T) {
		d := newDevice(t)
		d.line.tamper = func(*http.Request) (*http.Response, error) { return answer(503, "Retry-After", "3600"), nil }
		wantError(t, client.ErrAway)(d.Activate(t.Context(), d.key))
		if len(d.line.keys) != 1 {
			t.Errorf("%d attempts", len(d.line.keys))
		}
	})
	t.Run("the caller's time is kept", func(t *testing.T) {
		d := newDevice(t)
		d.line.cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wantError(t, client.ErrAway)(d.Activate(ctx, d.key))
		if len(d.waits) > 0 {
			t.Errorf("waited %v", d.waits)
		}
	})
}

func TestOffline(t *testing.T) {
	ctx := t.Context()
	t.Run("the last answer counts until its end", func(t *testing.T) {
		d := newDevice(t).activated(t)
		d.line.cut()
		d.start(t, d.options)
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key, "export"))
		d.Advance(d.product.LeaseFor - time.Second)
		wantCode(t, verdict.Valid, true)(d.CheckIn(ctx, " "+strings.ToLower(d.key)))
		d.Advance(time.Second)
		wantError(t, licensefile.ErrExpired)(d.Validate(ctx, d.key))
	})
	t.Run("it never outlives the license", func(t *testing.T) {
		d := newDevice(t)
		days := 2
		_, d.key = d.Issue(d.product, licensing.Issue{CustomerID: d.AddCustomer("Short").ID, ValidityDays: &days})
		d.activated(t)
		d.line.cut()
		d.Advance(48*time.Hour - time.Second)
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
		d.Advance(time.Second)
		wantError(t, licensefile.ErrExpired)(d.Validate(ctx, d.key))
	})
	t.Run("without an earlier answer nobody knows", func(t *testing.T) {
		d := newDevice(t)
		d.line.cut()
		wantError(t, client.ErrNothingKept)(d.Validate(ctx, d.key))
	})
	t.Run("seats are not taken or given back", func(t *testing.T) {
		d := newDevice(t).activated(t)
		d.line.cut()
		wantError(t, client.ErrAway)(d.Activate(ctx, d.key))
		wantError(t, client.ErrAway)(d.Deactivate(ctx, d.key))
	})
	t.Run("another key is not answered", func(t *testing.T) {
		d := newDevice(t).activated(t)
		d.line.cut()
		wantError(t, client.ErrNothingKept)(d.Validate(ctx, "KW-NOPE1-NOPE2-NOPE3-NOPE4"))
	})
	t.Run("a key is the same with the letters that are read for digits", func(t *testing.T) {
		d := newDevice(t)
		_, d.key = d.Issue(d.product, licensing.Issue{CustomerID: d.AddCustomer("Tools").ID, Key: "TOOL-10IL-7Q2M-9RTW"})
		d.activated(t)
		wantCode(t, verdict.Valid, false)(d.Validate(ctx, "t001 i01l 7q2m 9rtw"))
		d.line.cut()
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, "T001-1OLI-7Q2M-9RTW"))
	})
	t.Run("features are those that were signed", func(t *testing.T) {
		d := newDevice(t).activated(t)
		d.line.cut()
		wantCode(t, verdict.FeatureMissing, true)(d.Validate(ctx, d.key, "export", "seats"))
		wantCode(t, verdict.FeatureMissing, true)(d.Validate(ctx, d.key, "teleport"))
	})
	t.Run("whatever else answers counts as nobody", func(t *testing.T) {
		d := newDevice(t).activated(t)
		for _, status := range []int{200, 302, 403, 511} {
			d.line.tamper = func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/html"}, "Location": {"http://192.0.2.1/"}},
					Body: io.NopCloser(strings.NewReader("<h1>Welcome to the hotel</h1>"))}, nil
			}
			wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
		}
	})
	t.Run("a caller who gave up gets no answer", func(t *testing.T) {
		d := newDevice(t).activated(t)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		wantError(t, context.Canceled)(d.Validate(gone, d.key))
	})
}

func TestRefusalsReplaceWhatIsKept(t *testing.T) {
	ctx := t.Context()
	t.Run("what is revoked stays revoked offline", func(t *testing.T) {
		d := newDevice(t).activated(t)
		if _, err := d.Licensing.Revoke(ctx, d.System(), d.license.ID, license.Refund, ""); err != nil {
			t.Fatal(err)
		}
		wantCode(t, verdict.Revoked, false)(d.Validate(ctx, d.key))
		d.line.cut()
		d.start(t, d.options)
		wantCode(t, verdict.Revoked, true)(d.Validate(ctx, d.key))
		d.Advance(30 * 24 * time.Hour)
		wantCode(t, verdict.Revoked, true)(d.Validate(ctx, d.key))
	})
	t.Run("what is reinstated works offline again", func(t *testing.T) {
		d := newDevice(t).activated(t)
		if _, err := d.Licensing.Suspend(ctx, d.System(), d.license.ID, license.Payment, ""); err != nil {
			t.Fatal(err)
		}
		wantCode(t, verdict.Suspended, false)(d.Validate(ctx, d.key))
		if _, err := d.Licensing.Reinstate(ctx, d.System(), d.license.ID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, verdict.Valid, false)(d.Validate(ctx, d.key))
		d.line.cut()
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
	})
	t.Run("a device that was deactivated does not work offline", func(t *testing.T) {
		d := newDevice(t).activated(t)
		wantCode(t, verdict.NotActivated, false)(d.Deactivate(ctx, d.key))
		d.line.cut()
		wantCode(t, verdict.NotActivated, true)(d.Validate(ctx, d.key))
	})
	t.Run("asking for too much, or with a mistyped key, spoils nothing", func(t *testing.T) {
		d := newDevice(t).activated(t)
		wantCode(t, verdict.FeatureMissing, false)(d.Validate(ctx, d.key, "teleport"))
		wantCode(t, verdict.KeyUnknown, false)(d.Validate(ctx, "KW-NOPE1-NOPE2-NOPE3-NOPE4"))
		d.line.cut()
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
	})
}

func TestForgedAnswers(t *testing.T) {
	ctx := t.Context()
	// rewrite changes the JSON of every answer.
	rewrite := func(d *device, change func(map[string]any)) {
		d.line.after = func(response *http.Response) (*http.Response, error) {
			defer response.Body.Close()
			var body map[string]any
			if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
				return nil, err
			}
			change(body)
			text, err := json.Marshal(body)
			response.Body = io.NopCloser(strings.NewReader(string(text)))
			return response, err
		}
	}
	t.Run("a verdict that was not signed", func(t *testing.T) {
		d := newDevice(t)
		rewrite(d, func(body map[string]any) { body["verdict"].(map[string]any)["valid"] = true })
		wantError(t, client.ErrUntrusted)(d.Validate(ctx, d.key))
	})
	t.Run("no lease", func(t *testing.T) {
		d := newDevice(t)
		rewrite(d, func(body map[string]any) { delete(body, "lease") })
		wantError(t, client.ErrUntrusted)(d.Validate(ctx, d.key))
	})
	t.Run("the answer to another request", func(t *testing.T) {
		d := newDevice(t).activated(t)
		var first map[string]any
		rewrite(d, func(body map[string]any) {
			if first == nil {
				first = map[string]any{"verdict": body["verdict"], "lease": body["lease"]}
			}
			body["verdict"], body["lease"] = first["verdict"], first["lease"]
		})
		wantCode(t, verdict.Valid, false)(d.Validate(ctx, d.key))
		wantError(t, licensefile.ErrNonce)(d.Validate(ctx, d.key))
	})
	t.Run("signed by somebody else", func(t *testing.T) {
		d := newDevice(t)
		o := d.options
		o.ProductKey = d.AddProduct("Other", nil).Pinned
		d.start(t, o)
		wantError(t, licensefile.ErrUnknownKey)(d.Validate(ctx, d.key))
	})
	t.Run("it leaves alone what is kept", func(t *testing.T) {
		d := newDevice(t).activated(t)
		rewrite(d, func(body map[string]any) { delete(body, "lease") })
		wantError(t, client.ErrUntrusted)(d.Validate(ctx, d.key))
		d.line.cut()
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
	})
}

func TestKeptFile(t *testing.T) {
	ctx := t.Context()
	away := func(t *testing.T) *device {
		d := newDevice(t).activated(t)
		d.line.cut()
		return d
	}
	edit := func(t *testing.T, d *device, change func(map[string]any)) {
		t.Helper()
		text, err := os.ReadFile(d.options.CachePath)
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]any
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		change(file)
		if text, err = json.Marshal(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(d.options.CachePath, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("only its user may read it, the key is not in it, and nothing else is left", func(t *testing.T) {
		d := away(t)
		info, err := os.Stat(d.options.CachePath)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v (%v)", info.Mode(), err)
		}
		text, err := os.ReadFile(d.options.CachePath)
		if err != nil || strings.Contains(string(text), d.key) || strings.Contains(string(text), d.product.Token) {
			t.Errorf("the file is %s (%v)", text, err)
		}
		files, err := os.ReadDir(filepath.Dir(d.options.CachePath))
		if err != nil || len(files) != 1 {
			t.Errorf("%d files (%v)", len(files), err)
		}
	})
	t.Run("a changed lease is not believed", func(t *testing.T) {
		d := away(t)
		edit(t, d, func(f map[string]any) {
			lease := []byte(f["lease"].(string))
			lease[len(lease)/2] ^= 1
			f["lease"] = string(lease)
		})
		if a, err := d.Validate(ctx, d.key); a != nil || err == nil {
			t.Errorf("got %+v", a)
		}
	})
	t.Run("a damaged file counts as none, and is replaced", func(t *testing.T) {
		d := away(t)
		if err := os.WriteFile(d.options.CachePath, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, client.ErrNothingKept)(d.Validate(ctx, d.key))
		d.line.mend()
		wantCode(t, verdict.Valid, false)(d.Validate(ctx, d.key))
		d.line.cut()
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
	})
	t.Run("the file of another device is not believed", func(t *testing.T) {
		d := away(t)
		o := d.options
		o.Device.ID = "HW-2"
		d.start(t, o)
		wantError(t, licensefile.ErrDevice)(d.Validate(ctx, d.key))
	})
	t.Run("a clock that was set back is noticed", func(t *testing.T) {
		d := away(t)
		shift := 10 * 24 * time.Hour
		d.now = func() time.Time { return d.Now().Add(shift) }
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
		shift -= time.Hour
		d.start(t, d.options)
		wantError(t, client.ErrClock)(d.Validate(ctx, d.key))
		shift += time.Hour - time.Minute // a small correction is no offense
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
	})
	t.Run("a clock before the answer is noticed", func(t *testing.T) {
		d := away(t)
		edit(t, d, func(f map[string]any) { f["seen"] = "2000-01-01T00:00:00Z" })
		d.now = func() time.Time { return d.Now().Add(-time.Hour) }
		wantError(t, client.ErrClock)(d.Validate(ctx, d.key))
	})
	t.Run("asking the server sets right a clock that was ahead", func(t *testing.T) {
		d := away(t)
		d.now = func() time.Time { return d.Now().Add(24 * time.Hour) }
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
		d.now = d.Now
		d.line.mend()
		wantCode(t, verdict.Valid, false)(d.Validate(ctx, d.key))
		d.line.cut()
		wantCode(t, verdict.Valid, true)(d.Validate(ctx, d.key))
	})
	t.Run("an answer that cannot be kept is good all the same", func(t *testing.T) {
		d := newDevice(t)
		o := d.options
		o.CachePath = filepath.Join(t.TempDir(), "file", "license.json")
		if err := os.WriteFile(filepath.Dir(o.CachePath), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		d.start(t, o)
		a, err := d.Activate(ctx, d.key)
		if err != nil || !a.Valid() || a.CacheError == nil {
			t.Errorf("got %+v, %v", a, err)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	d := newDevice(t)
	for name, change := range map[string]func(*client.Options){
		"no address":        func(o *client.Options) { o.BaseURL = "" },
		"no scheme":         func(o *client.Options) { o.BaseURL = "licenses.example.com" },
		"a password in it":  func(o *client.Options) { o.BaseURL = "https://a:b@licenses.example.com" },
		"no token":          func(o *client.Options) { o.Token = "" },
		"no product":        func(o *client.Options) { o.Product = "" },
		"no key to pin":     func(o *client.Options) { o.ProductKey = "" },
		"half a key":        func(o *client.Options) { o.ProductKey = o.ProductKey[:40] },
		"nameless device":   func(o *client.Options) { o.Device = client.Device{Name: "Mac"} },
		"address as domain": func(o *client.Options) { o.Device = client.Device{ID: "https://example.com/", Kind: "domain"} },
	} {
		t.Run(name, func(t *testing.T) {
			o := d.options
			change(&o)
			if _, err := client.New(o); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestDomainsAndNoDevice(t *testing.T) {
	d := newDevice(t)
	web := d.AddProduct("Web", func(p *license.Product) { p.AcceptsHardware, p.AcceptsDomain = false, true })
	_, key := d.Issue(web, licensing.Issue{CustomerID: d.AddCustomer("Shop").ID})
	o := d.options
	o.Token, o.Product, o.ProductKey = web.Token, string(web.ID), web.Pinned
	o.Device = client.Device{ID: "shop.example.com", Kind: "domain"}
	d.start(t, o)
	wantCode(t, verdict.Valid, false)(d.Activate(t.Context(), key))
	o.Device = client.Device{}
	d.start(t, o)
	wantCode(t, verdict.Valid, false)(d.Validate(t.Context(), key))
}

func TestManyMayAskAtOnce(t *testing.T) {
	d := newDevice(t).activated(t)
	o := d.options
	o.HTTPClient = nil
	d.start(t, o)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if a, err := d.Validate(t.Context(), d.key); err != nil || !a.Valid() || a.CacheError != nil {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
	all.Wait()
	d.line.cut()
	d.start(t, d.options)
	wantCode(t, verdict.Valid, true)(d.Validate(t.Context(), d.key))
}
