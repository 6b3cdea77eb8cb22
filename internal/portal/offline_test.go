package portal_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

func offlineAllowed(p *catalog.NewProduct) { p.OfflineAllowed = true }

// requestBy is the request of a device, as the library in the software makes it.
func requestBy(t *testing.T, p license.Product, device, nonce string) licensefile.OfflineRequest {
	t.Helper()
	return licensefile.OfflineRequest{
		Product: string(p.ID), Device: licensefile.Device{ID: "HW-" + device, Name: device, Kind: "hardware", Platform: "linux/arm64"},
		Version: "1.0.0", Nonce: nonce + "0123456789abcdef", MadeAt: start,
	}
}

func lineOf(t *testing.T, r licensefile.OfflineRequest) string {
	t.Helper()
	line, err := r.Line()
	must(t, err)
	return line
}

// P-LICD-18: from the license's page to a file that works without a network.
func TestOfflineFileFromRequestToReturn(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	p := w.product("Editor", offlineAllowed)
	l := w.issue(owner.Customer.ID, p)
	request := lineOf(t, requestBy(t, p, "Lab bench", "a"))

	page := owner.get(l.path())
	if got := page.attr(`a[href$="/offline"]`, "href"); got != l.path()+"/offline" {
		t.Fatalf("the license leads to %q", got)
	}
	page = owner.get(l.path() + "/offline")
	wantIn(t, page, "main", "No offline file has been issued")
	wantIn(t, page, "main", "0 of 5 files in use")

	review := owner.post(l.path()+"/offline/review", "request", request)
	wantStatus(t, review, http.StatusOK)
	wantText(t, review, "h1", "Issue a file for Lab bench?")
	for _, words := range []string{"HW-Lab bench", "linux/arm64", "takes a seat", "cannot be called back"} {
		wantIn(t, review, "main", words)
	}
	if n := w.happened(event.OfflineIssued); n != 0 {
		t.Error("reading a request issued a file")
	}
	text := review.attr(`input[name="request"]`, "value")
	answer := owner.post(l.path()+"/offline", "request", text)
	wantStatus(t, answer, http.StatusSeeOther)
	again := owner.post(l.path()+"/offline", "request", text)
	wantTo(t, again, answer.location())
	if n := w.happened(event.OfflineIssued); n != 1 {
		t.Errorf("%d files were issued", n)
	}

	page = owner.get(answer.location())
	wantIn(t, page, "main", "The file for Lab bench is ready")
	wantIn(t, page, "main", "1 of 5 files in use")
	file := owner.get(page.attr(".outcome-actions a", "href"))
	if got := file.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=editor-") {
		t.Errorf("it comes as %q", got)
	}
	ring, err := w.store.SigningKeys(t.Context(), p.ID)
	must(t, err)
	keys, err := ring.KeySet()
	must(t, err)
	o, err := licensefile.ParseOffline(file.body, keys)
	must(t, err)
	if v := o.Verify(start, licensefile.Situation{Product: string(p.ID), Device: "HW-Lab bench"}); v.Code != verdict.Valid {
		t.Errorf("on its device: %s", v.Code)
	}
	wantIn(t, owner.get(l.path()), ".timeline", "Offline file for Lab bench")

	back := l.path() + "/offline/" + o.ID
	refused := owner.post(back, "code", "AAAA-AAAA-AAAA")
	wantStatus(t, refused, http.StatusBadRequest)
	wantIn(t, refused, ".field[data-invalid]", "twelve characters")
	for range 2 {
		wantTo(t, owner.post(back, "code", strings.ToLower(o.ReturnCode())), l.path()+"/offline?returned="+o.ID)
	}
	page = owner.get(l.path() + "/offline?returned=" + o.ID)
	wantIn(t, page, "body", "was taken back and its seat is free")
	wantIn(t, page, "main", "0 of 5 files in use")
	wantStatus(t, owner.get(back+"/download"), http.StatusConflict)
}

func TestOfflineRequestAsAFile(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	p := w.product("Editor", offlineAllowed)
	l := w.issue(owner.Customer.ID, p)
	content, err := requestBy(t, p, "Lab bench", "a").Encode()
	must(t, err)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "request.json")
	must(t, err)
	_, err = part.Write(content)
	must(t, err)
	must(t, form.Close())
	r := owner.request(http.MethodPost, l.path()+"/offline/review", body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	wantText(t, owner.do(r, ""), "h1", "Issue a file for Lab bench?")
}

func TestOfflineRefusals(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	p, other := w.product("Editor", offlineAllowed), w.product("Viewer")
	l, closed := w.issue(owner.Customer.ID, p), w.issue(owner.Customer.ID, other)

	t.Run("no request, or one that cannot be read, comes back with what to do", func(t *testing.T) {
		for text, want := range map[string]string{"": "Choose the request file", "hello": "Use the whole file or text"} {
			page := owner.post(l.path()+"/offline/review", "request", text)
			wantStatus(t, page, http.StatusBadRequest)
			wantIn(t, page, ".field[data-invalid]", want)
			wantText(t, page, "textarea", text)
		}
	})
	t.Run("a request of another product is told from this one's", func(t *testing.T) {
		page := owner.post(l.path()+"/offline/review", "request", lineOf(t, requestBy(t, other, "Lab bench", "b")))
		wantIn(t, page, "main", "License for another product")
		wantNone(t, page, `button[type="submit"].btn-primary`)
	})
	t.Run("a product without offline files has no such page", func(t *testing.T) {
		wantNone(t, owner.get(closed.path()), `a[href$="/offline"]`)
		wantStatus(t, owner.get(closed.path()+"/offline"), http.StatusNotFound)
	})
	t.Run("viewers look", func(t *testing.T) {
		viewer := w.colleague(owner, "vera@example.com", account.Viewer)
		wantIn(t, viewer.get(l.path()+"/offline"), "main", "Your role does not include offline files")
		wantStatus(t, viewer.post(l.path()+"/offline", "request", lineOf(t, requestBy(t, p, "Lab bench", "c"))), http.StatusForbidden)
	})
	t.Run("somebody else's are not found", func(t *testing.T) { // P-ISO-01
		issued := owner.post(l.path()+"/offline", "request", lineOf(t, requestBy(t, p, "Lab bench", "d")))
		_, file, _ := strings.Cut(issued.location(), "issued=")
		stranger := w.customer("eve@example.com")
		for _, path := range []string{"/offline", "/offline/" + file, "/offline/" + file + "/download"} {
			wantStatus(t, stranger.get(l.path()+path), http.StatusNotFound)
		}
		for _, path := range []string{"/offline", "/offline/review"} {
			wantStatus(t, stranger.post(l.path()+path, "request", lineOf(t, requestBy(t, p, "Lab bench", "e"))), http.StatusNotFound)
		}
		wantStatus(t, stranger.post(l.path()+"/offline/"+file, "lost", "yes"), http.StatusNotFound)

		for range 2 {
			wantTo(t, owner.post(l.path()+"/offline/"+file, "lost", "yes"), l.path()+"/offline?returned="+file)
		}
		wantIn(t, owner.get(l.path()+"/offline"), ".rows", "It counts until its end")
	})
}
