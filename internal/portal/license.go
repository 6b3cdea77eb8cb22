package portal

import (
	"encoding/json"
	"net/http"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

// licensePage is one license.
type licensePage struct {
	ui.Page
	Product, Plan, Environment string
	Badge                      ui.Badge
	Key                        keyView
	Usage                      ui.Usage
	Expiry                     expiry
	Renew                      *ui.Link
	Ask                        *ui.Link // a ticket about it
	Diagnosis                  diagnosis
	Checked                    ui.When
	Devices                    []deviceRow
	Dialogs                    []ui.Confirm
	AllDevices                 string
	Downloads                  string
	DeactivateAll              string      // address, or ""
	Kept                       []ui.Notice // reserved seats
	Facts                      []fact
	Offline                    string // page of its offline files, where there is one
	Features                   []fact
	Timeline                   []ui.TimelineItem
}

// keyView is the key as the page shows it.
type keyView struct {
	Mask, Ending string
	Revealed     string // the whole key, after a POST without script
	Missing      bool   // cannot be shown: contact the administrator
	Refused      string // why the reader may not see it, or ""
	Sealed       bool   // each reveal is kept in the history
	Copy         ui.Copy
	Action, Hide string
	Contact      *ui.Link
	Administered string // support address
}

// fact is one line of the details.
type fact struct {
	Name, Value string
	When        *ui.When
	Off         bool // a feature that is not included
}

func (d *Door) license(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.showLicense(w, r, v, "")
}

// showLicense renders the page; revealed is the whole key where it was asked for.
func (d *Door) showLicense(w http.ResponseWriter, r *http.Request, v *visit, revealed string) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	det, err := d.Licensing.Detail(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	page := d.newLicensePage(r, v, det)
	page.Key.Revealed, page.Flash = revealed, d.freedFlash(r, v)
	return d.templates.Render(w, http.StatusOK, "license", page)
}

func (d *Door) newLicensePage(r *http.Request, v *visit, det licensing.Detail) licensePage {
	l := det.License
	p := d.page(r, v, det.Product.Name, "/licenses")
	p.Now = det.At
	p.Path = "/licenses/" + string(l.ID)
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: det.Product.Name}}
	page := licensePage{
		Page: p, Product: det.Product.Name, Plan: l.Plan, Environment: environmentWord(l.Environment),
		Badge: ui.NewBadge(string(l.Status(p.Now)), statusWord(l.Status(p.Now))),
		Key:   d.newKeyView(v, det), Usage: usageOf(l, det.Used, det.Taken-det.Used, p.Now), Expiry: expiryOf(p, l),
		Diagnosis: d.diagnose(p, v, det), Checked: p.Since(det.At), AllDevices: "/activations?license=" + string(l.ID),
		Downloads: "/downloads?license=" + string(l.ID),
		Facts:     licenseFacts(p, det), Features: featureFacts(l), Timeline: timeline(p, det),
	}
	if !l.Perpetual() && l.Phase() != license.Revoked {
		renew := d.renewLink(det)
		page.Renew = &renew
	}
	if d.helpDesk() && v.signed.Role.MayManage() { // P-LICD-20
		page.Help = "/tickets/new?license=" + string(l.ID)
		page.Ask = &ui.Link{Label: "Ask about this license", Href: page.Help, Icon: "help"}
	}
	if det.Product.OfflineAllowed {
		page.Offline = p.Path + "/offline"
	}
	page.Devices, page.Dialogs = d.licenseDevices(p, v, det)
	for _, kept := range det.Reserved {
		page.Kept = append(page.Kept, keptNotice(p, kept))
	}
	if det.Used > 1 && v.signed.Role.MayManage() && det.Product.SelfDeactivation {
		page.DeactivateAll = p.Path + "/deactivate-all"
	}
	return page
}

func (d *Door) newKeyView(v *visit, det licensing.Detail) keyView {
	l := det.License
	address := "/licenses/" + string(l.ID)
	ending := keyEnding(l.Mask)
	k := keyView{
		Mask: id.Brief(l.Mask), Ending: ending, Missing: !det.KeyOnFile, Sealed: det.Product.HighSecurity,
		Copy:   ui.Copy{URL: address + "/key", Label: "key ending " + ending},
		Action: address + "/key", Hide: address, Administered: d.SupportEmail,
	}
	if !v.signed.Role.MayManage() {
		k.Refused = "Your role does not include copying keys. Ask the owner of the account."
	}
	if href := d.writeTo(det, "License key not showing"); k.Missing && href != "" {
		k.Contact = &ui.Link{Label: "Contact your administrator", Href: href, Icon: "mail"}
	}
	return k
}

func licenseFacts(p ui.Page, det licensing.Detail) []fact {
	l := det.License
	date := func(name string, w ui.When) fact { return fact{Name: name, When: &w} }
	facts := []fact{
		{Name: "Product", Value: det.Product.Name},
		{Name: "Plan", Value: l.Plan},
		{Name: "Version eligibility", Value: versionWords(l, p.Zone)},
		{Name: "Environment", Value: environmentWord(l.Environment)},
		date("Assigned", p.Date(l.AssignedAt)),
	}
	if !l.StartsAt.IsZero() {
		facts = append(facts, date("Starts", p.Date(l.StartsAt)))
	}
	if !l.FirstActivatedAt.IsZero() {
		facts = append(facts, date("First activated", p.Date(l.FirstActivatedAt)))
	}
	facts = append(facts, date("Expires", p.Date(l.ExpiresAt)))
	if l.Grace > 0 && !l.Perpetual() {
		facts = append(facts, date("Grace until", p.Date(l.EndsAt())))
	}
	return append(facts, fact{Name: "License ID", Value: string(l.ID)})
}

func featureFacts(l license.License) []fact {
	var facts []fact
	for _, f := range l.Features {
		facts = append(facts, fact{Name: f.Label, Value: featureWords(f), Off: !f.Included()})
	}
	return facts
}

// licenseDevices lists the license's devices with a dialog for each that can
// be deactivated.
func (d *Door) licenseDevices(p ui.Page, v *visit, det licensing.Detail) ([]deviceRow, []ui.Confirm) {
	var rows []deviceRow
	var dialogs []ui.Confirm
	for _, a := range det.Devices {
		device := licensing.Device{
			Activation: a, Status: a.Status(det.License.Status(p.Now), p.Now),
			OneLicense: licensing.OneLicense{License: det.License, Product: det.Product, Used: det.Used, Swaps: det.Swaps},
		}
		device.Refusal = license.MayDeactivate(device.Product, device.Status, det.Swaps)
		row := newDeviceRow(p, v, device)
		rows = append(rows, row)
		if row.Deactivate != "" {
			dialogs = append(dialogs, confirmation(p, device, row.Dialog, p.Path, p.Path))
		}
	}
	return rows, dialogs
}

// revealKey hands out the whole key: to a script as JSON for the clipboard,
// without script as the page with the key in it. It is a POST: revealing a
// high-security key is kept in the history.
func (d *Door) revealKey(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	key, err := d.Licensing.Reveal(r.Context(), v.actor, wanted)
	if fault.From(err) != nil && fault.From(err).Code == "key_unavailable" && !wantsJSON(r) {
		return d.showLicense(w, r, v, "")
	}
	if err != nil {
		return err
	}
	if !wantsJSON(r) {
		return d.showLicense(w, r, v, key)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"key": key})
}
