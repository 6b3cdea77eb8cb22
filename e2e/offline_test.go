package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/keyward/keyward/licensefile"
)

const benchID = "E2E-LAB-BENCH"

// aRequest is what the software on a device shows that never connects.
func aRequest(t *testing.T, product string) string {
	t.Helper()
	line, err := licensefile.OfflineRequest{
		Product: product, Version: "9.2.0", Nonce: "0123456789abcdef", MadeAt: time.Now(),
		Device: licensefile.Device{ID: benchID, Name: "Lab bench, behind glass", Kind: "hardware", Platform: "linux/arm64"},
	}.Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// P-LICD-18: a device that never connects gets its file by copy and paste, and
// gives it back.
func offlineFileIsIssuedAndReturned(t *testing.T, d *Demo) {
	l := d.Licenses.Staging
	p := d.Visit(t, d.Customer, l.path()+"/offline")
	p.See("No offline file has been issued for this license.")
	p.Fill("Request text (optional)", aRequest(t, l.ProductID))
	p.Click("Read the request")
	p.See("Issue a file for Lab bench, behind glass?")
	p.See("takes a seat of this license")
	p.See(benchID)
	p.Click("Issue the file")
	p.See("The file for Lab bench, behind glass is ready")
	p.See("1 of 5 files in use")

	href := Eval[string](p, `document.querySelector(".outcome-actions a").getAttribute("href")`)
	answer := d.Session(t, d.Customer).Get(t, href)
	keys, err := licensefile.ParseKeySet([]byte(d.publicKey(t, l.ProductID)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := licensefile.ParseOffline(answer.Text(), keys)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("the file answered %d (%v)", answer.Status, err)
	}
	if v := file.Verify(time.Now(), licensefile.Situation{Product: l.ProductID, Device: benchID}); !v.Valid {
		t.Errorf("on its device it is %s", v.Code)
	}

	p.Click("Take back")
	p.Fill("Return code", file.ReturnCode())
	p.Click("Take it back")
	p.See("was taken back and its seat is free")
	p.See("0 of 5 files in use")
}
