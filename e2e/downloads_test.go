package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// fileIsDownloaded: a click leads to a link that works in this session alone
// (P-DL-11, P-DL-14).
func fileIsDownloaded(t *testing.T, d *Demo) {
	s := d.Session(t, d.Customer)
	list := s.Get(t, "/downloads")
	action, found := list.Page.Find(".release .rows form").First().Attr("action")
	if !found {
		t.Fatal("the page offers no file")
	}
	answer := s.Post(t, action)
	if answer.Status != http.StatusSeeOther || !strings.HasPrefix(answer.Location, action+"/file?link=") {
		t.Fatalf("the click answered %d and leads to %q", answer.Status, answer.Location)
	}
	if got := s.Get(t, answer.Location); got.Status != http.StatusOK || !strings.Contains(got.Text(), "belongs to the demo") {
		t.Errorf("the file answered %d", got.Status)
	}
	other := d.Session(t, d.OtherCustomer)
	if got := other.Get(t, answer.Location); got.Status != http.StatusForbidden && got.Status != http.StatusNotFound {
		t.Errorf("in another session it answered %d", got.Status)
	}
}
