package portal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/blob/blobtest"
	"github.com/keyward/keyward/internal/license"
)

// publish puts a release with one file on record, out an hour ago.
func (w *world) publish(p license.Product, version string, changes ...func(*delivery.NewRelease)) license.Publication {
	w.t.Helper()
	in := delivery.NewRelease{
		Product: p.ID, Version: version, At: w.now.Add(-time.Hour), Summary: "What is new in " + version, Notes: "## Fixed\n\n- a **bug** <script>alert(1)</script>",
		Files: []delivery.Upload{{FileName: "setup.bin", Platform: "windows", Architecture: "x64", Size: -1, Content: strings.NewReader("content of " + version)}},
	}
	for _, change := range changes {
		change(&in)
	}
	r, err := w.delivery.Publish(w.t.Context(), vendor(), in)
	must(w.t, err)
	return r
}

// wantAll fails the test unless what the selector finds holds all the texts.
func wantAll(t *testing.T, p *page, selector string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		wantIn(t, p, selector, text)
	}
}

func filePath(r license.Publication) string { return "/downloads/" + string(r.Assets[0].ID) }

func TestDownloadsPage(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	empty := owner.get("/downloads") // P-DL-17
	wantText(t, empty, ".empty h2", "No Downloads Available")
	wantAll(t, empty, ".empty", "active or assigned license", "support and update period is not over")

	p := w.product("Editor", renewable)
	large := func(in *delivery.NewRelease) {
		in.Channel = license.Hotfix
		in.Files[0].Content = strings.NewReader(strings.Repeat("x", 12_500_000))
		in.Files = append(in.Files, delivery.Upload{FileName: "manual.pdf", Kind: license.Documentation, Size: -1, Content: strings.NewReader("pdf")})
	}
	r := w.publish(p, "2.4.0", large)
	w.publish(p, "3.0.0")
	w.publish(p, "9.9.9", func(in *delivery.NewRelease) { in.Draft = true })
	w.issue(owner.Customer.ID, p, maxVersion("2.x"))

	page := owner.get("/downloads")
	wantAll(t, page, ".releases h2", "Editor") // P-DL-02
	if versions := page.texts(".release h3"); strings.Join(versions, " ") != "v3.0.0 v2.4.0" {
		t.Errorf("versions %q", versions)
	}
	wantAll(t, page, ".release:has(.rows)", "v2.4.0", "Hotfix", "12.50 MB", "Package · Windows · x64", "manual.pdf", "Documentation", "SHA-256") // P-DL-06, P-DL-07, P-DL-08, P-DL-09, P-DL-22
	wantAll(t, page, ".notes .prose", "a bug")                                                                                                   // P-DL-10
	wantNone(t, page, ".prose script")
	wantAll(t, page, ".release .notice", "up to 2.x", "maintenance renewal may be needed") // P-DL-18
	wantNone(t, page, "main :contains('9.9.9')")                                           // P-DL-01
	if got := page.find(".release .rows form").First().AttrOr("action", ""); got != filePath(r) {
		t.Errorf("the button leads to %q", got)
	}
	wantNone(t, owner.get("/downloads?channel=stable"), ".release:has(.rows)")
	wantText(t, owner.get("/downloads?q=nothing"), ".empty h2", "No matching downloads")
	if got := owner.get("/downloads?q=v3").texts(".release h3"); strings.Join(got, "") != "v3.0.0" {
		t.Errorf("searched %q", got)
	}
}

// P-DL-15, C-DWN-02: one set of rules, wherever the files are.
func TestDownload(t *testing.T) {
	for name, files := range map[string]*blobtest.S3{"from a directory": nil, "from an object storage": blobtest.NewS3(t)} {
		t.Run(name, func(t *testing.T) { downloading(t, newWorldWith(t, options{files: files})) })
	}
}

func downloading(t *testing.T, w *world) {
	owner, other := w.customer("ada@example.com"), w.customer("eve@example.com")
	p := w.product("Editor", renewable)
	r := w.publish(p, "1.0")
	l := w.issue(owner.Customer.ID, p)
	w.issue(other.Customer.ID, w.product("Viewer"))

	link := func() string {
		t.Helper()
		answer := owner.post(filePath(r)) // P-DL-11
		wantStatus(t, answer, http.StatusSeeOther)
		return answer.header.Get("Location")
	}
	saved := link()
	t.Run("the file comes as an attachment", func(t *testing.T) {
		answer := owner.get(saved)
		wantStatus(t, answer, http.StatusOK)
		if answer.body != "content of 1.0" || answer.header.Get("Content-Disposition") != "attachment; filename=setup.bin" || answer.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("got %q with %v", answer.body, answer.header)
		}
		wantAll(t, owner.get(l.path()), ".timeline", "v1.0 downloaded") // P-DL-21
	})
	t.Run("the rest of a transfer comes with a fresh link", func(t *testing.T) { // P-DL-22, U-09
		rest := owner.with("Range", "bytes=8-").get(link())
		wantStatus(t, rest, http.StatusPartialContent)
		if rest.body != "of 1.0" || rest.header.Get("Content-Range") != "bytes 8-13/14" || rest.header.Get("ETag") != owner.get(saved).header.Get("ETag") {
			t.Errorf("got %q with %v", rest.body, rest.header)
		}
		tag := rest.header.Get("ETag")
		for name, c := range map[string]struct {
			part, of string
			status   int
			want     string
		}{
			"the end":                  {"bytes=-3", tag, http.StatusPartialContent, "1.0"},
			"some of the middle":       {"bytes=3-6", "", http.StatusPartialContent, "tent"},
			"the rest of another file": {"bytes=8-", `"other"`, http.StatusOK, "content of 1.0"},
			"behind the end":           {"bytes=14-", tag, http.StatusRequestedRangeNotSatisfiable, ""},
		} {
			answer := owner.with("Range", c.part).with("If-Range", c.of).get(saved)
			if answer.status != c.status || c.want != "" && answer.body != c.want {
				t.Errorf("%s: %d %q", name, answer.status, answer.body)
			}
		}
	})
	t.Run("what has begun runs to its end", func(t *testing.T) { // P-DL-22
		long := w.publish(p, "1.1", func(in *delivery.NewRelease) {
			in.Files[0].Content = strings.NewReader(strings.Repeat("0123456789", 50_000))
		})
		in := &interrupted{ResponseRecorder: httptest.NewRecorder(), once: func() {
			w.pass(delivery.LinkLife + time.Second)
			w.suspend(l, license.Manual, "")
		}}
		path := owner.post(filePath(long)).location()
		w.handler.ServeHTTP(in, owner.request(http.MethodGet, path, ""))
		if in.Code != http.StatusOK || in.Body.Len() != 500_000 {
			t.Errorf("%d with %d bytes", in.Code, in.Body.Len())
		}
		wantStatus(t, owner.get(path), http.StatusForbidden)
		w.reinstate(l)
		saved = link()
	})
	t.Run("others and changed links get nothing", func(t *testing.T) { // P-DL-14, P-ISO-01
		again := w.browser()
		again.signIn("ada@example.com")
		for name, answer := range map[string]*page{
			"another session": again.get(saved), "changed": owner.get(saved + "x"), "without": owner.get(filePath(r) + "/file"),
		} {
			wantStatus(t, answer, http.StatusForbidden)
			wantAll(t, answer, "main", "does not work here", "click the file again")
			wantText(t, answer, "main .btn", "Go to Downloads")
			if strings.Contains(answer.body, "content of") {
				t.Errorf("%s: the file came", name)
			}
		}
		wantStatus(t, other.get(saved), http.StatusNotFound)
		wantStatus(t, other.post(filePath(r)), http.StatusNotFound)
	})
	t.Run("for 15 minutes", func(t *testing.T) { // P-DL-12, P-DL-13
		w.pass(15 * time.Minute)
		wantStatus(t, owner.get(saved), http.StatusOK)
		w.pass(time.Second)
		answer := owner.get(saved)
		wantStatus(t, answer, http.StatusForbidden)
		wantAll(t, answer, "main", "has expired", "Refresh the Downloads page and click the file again")
	})
	t.Run("a missing file says so", func(t *testing.T) { // P-DL-16
		w.lose()
		answer := owner.get(link())
		wantStatus(t, answer, http.StatusNotFound)
		wantAll(t, answer, "main", "File not found")
		if !strings.Contains(w.log.String(), "level=ERROR msg=\"a file of a release is missing in storage\"") {
			t.Error("it is not in the log")
		}
	})
	t.Run("a saved link ends with the license", func(t *testing.T) { // P-DL-04
		saved := link()
		w.suspend(l, license.Manual, "")
		wantStatus(t, owner.get(saved), http.StatusForbidden)
		wantNone(t, owner.get("/downloads"), ".release")
	})
}

// interrupted lets something happen once a transfer has begun.
type interrupted struct {
	*httptest.ResponseRecorder
	once func()
}

func (i *interrupted) Write(p []byte) (int, error) {
	if i.once != nil {
		i.once()
		i.once = nil
	}
	return i.ResponseRecorder.Write(p)
}

// A storage that does not answer is no missing file, and not the customer's
// fault.
func TestDownloadFromAStorageThatIsAway(t *testing.T) {
	files := blobtest.NewS3(t)
	w := newWorldWith(t, options{files: files})
	owner := w.customer("ada@example.com")
	p := w.product("Editor")
	r := w.publish(p, "1.0")
	w.issue(owner.Customer.ID, p)
	link := owner.post(filePath(r)).location()
	files.Stop()
	answer := owner.get(link)
	wantStatus(t, answer, http.StatusServiceUnavailable)
	wantAll(t, answer, "main", "The file storage does not answer", "Try again in a moment")
	for _, raw := range []string{"127.0.0.1", "releases", "connection"} {
		if strings.Contains(answer.text("main"), raw) {
			t.Errorf("the page says %q", raw)
		}
	}
}

// P-DL-08: nobody has to look for the file of the system that they are on.
func TestOwnPlatformComesFirst(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	p := w.product("Editor")
	w.publish(p, "1.0", func(in *delivery.NewRelease) {
		in.Files = nil
		for _, platform := range []string{"windows", "macos", "linux", "all", "android", "ios"} {
			in.Files = append(in.Files, delivery.Upload{FileName: platform + ".zip", Platform: platform, Size: -1, Content: strings.NewReader("x")})
		}
	})
	w.issue(owner.Customer.ID, p)
	for agent, first := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)": "windows.zip macos.zip", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)": "macos.zip windows.zip",
		"Mozilla/5.0 (X11; Linux x86_64)": "linux.zip windows.zip", "Mozilla/5.0 (Linux; Android 15)": "android.zip windows.zip",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)": "ios.zip windows.zip", "curl/8": "windows.zip macos.zip",
	} {
		names := owner.with("User-Agent", agent).get("/downloads").texts(".release .row-id b")
		if len(names) != 6 || strings.Join(names[:2], " ") != first {
			t.Errorf("%s sees %q", agent, names)
		}
	}
}

// A viewer looks, which includes fetching what the licenses include.
func TestViewersDownload(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	viewer := w.colleague(owner, "charles@example.com", account.Viewer)
	p := w.product("Editor")
	r := w.publish(p, "1.0")
	w.issue(owner.Customer.ID, p)
	wantStatus(t, viewer.post(filePath(r)), http.StatusSeeOther)
}

func changelogOn(t *testing.T, w *world, p license.Product) {
	t.Helper()
	_, err := w.catalog.SetDelivery(t.Context(), vendor(), p.ID, func(d *license.Delivery) { d.Changelog = true })
	must(t, err)
}

func TestChangelogPages(t *testing.T) {
	for audience, public := range map[delivery.Audience]int{delivery.Nobody: 404, delivery.Customers: 303, delivery.Everybody: 200} {
		t.Run(string(audience), func(t *testing.T) {
			w := newWorldWith(t, options{changelogs: delivery.Changelogs{Audience: audience, Entries: 5}})
			owner := w.customer("ada@example.com")
			p := w.product("Editor")
			w.issue(owner.Customer.ID, p)
			w.publish(p, "1.0")
			w.publish(p, "2.0", func(in *delivery.NewRelease) { in.Draft = true })
			w.publish(p, "3.0", func(in *delivery.NewRelease) { in.At = w.now.Add(time.Hour) })
			wantStatus(t, w.browser().get("/changelog/editor.json"), map[int]int{404: 404, 303: 401, 200: 404}[public])
			changelogOn(t, w, p)

			stranger := w.browser().get("/changelog/editor")
			wantStatus(t, stranger, public) // P-CHG-05
			menu := strings.Join(owner.get("/").texts("#nav .nav a"), " ")
			if audience == delivery.Nobody { // P-CHG-04
				wantStatus(t, owner.get("/changelog"), http.StatusNotFound)
				if strings.Contains(menu, "Changelog") {
					t.Errorf("the menu has %s", menu)
				}
				return
			}
			wantAll(t, owner.get("/changelog"), "main", "Editor", "v1.0", "What is new in 1.0")
			mine := owner.get("/changelog/editor")
			wantAll(t, mine, ".release", "v1.0", "What is new in 1.0", "a bug") // P-CHG-01
			for _, hidden := range []string{"2.0", "3.0"} {                     // P-CHG-06
				if strings.Contains(mine.text("main"), "v"+hidden) {
					t.Errorf("v%s shows", hidden)
				}
			}
			if audience == delivery.Everybody {
				if stranger.text(".release") != mine.text(".release") { // P-CHG-03
					t.Error("the public page differs")
				}
				json := w.browser().get("/changelog/editor.json") // P-CHG-10
				if ct := json.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") || !strings.Contains(json.body, `"version":"1.0"`) || strings.Contains(json.body, `"2.0"`) {
					t.Errorf("%s: %s", ct, json.body)
				}
			}
			_, err := w.catalog.SetSlug(t.Context(), vendor(), p.ID, "studio") // P-CHG-08
			must(t, err)
			moved := owner.get("/changelog/editor")
			wantStatus(t, moved, http.StatusMovedPermanently)
			if to := moved.header.Get("Location"); to != "/changelog/studio" {
				t.Errorf("moved to %s", to)
			}
			w.pass(time.Hour)
			wantAll(t, owner.get("/changelog/studio"), ".release", "v3.0") // P-CHG-09
		})
	}
}

// P-DASH-08, P-DASH-14
func TestDashboardLeadsToDownloads(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	if owner.get("/").find(".page-head .actions a[href='/downloads']").Length() != 1 {
		t.Error("the dashboard does not lead to Downloads")
	}
	p := w.product("Editor")
	w.publish(p, "1.0")
	w.issue(owner.Customer.ID, p)
	wantIn(t, owner.get("/"), ".page-head .actions", "Downloads (1)")
}
