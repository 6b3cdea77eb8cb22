package portal

import (
	"net/http"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) deviceRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /activations/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.devicePage)},
		{Pattern: "POST /activations/{id}/name", Access: httpx.SignedIn, Handler: d.visiting(d.rename)},
		{Pattern: "GET /activations/{id}/lost", Access: httpx.SignedIn, Handler: d.visiting(d.lostPage)},
		{Pattern: "POST /activations/{id}/lost", Access: httpx.SignedIn, Handler: d.visiting(d.lose)},
	}
}

// devicePage is one activation: what it is called, what is known about it, and
// what can be done.
type devicePage struct {
	ui.Page
	Problems ui.Problems
	Device   deviceRow
	License  filteredLicense
	Facts    []fact
	Policy   string
	Floating string    // what a floating seat is, for a license with such seats
	Name     *ui.Field // nil: the reader may not change it
	Action   string
	Lost     string // address of "I no longer have this device", or ""
	Replace  string
}

func (d *Door) devicePage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.showDevice(w, r, v, nil)
}

func (d *Door) showDevice(w http.ResponseWriter, r *http.Request, v *visit, wrong *fault.Error) error {
	wanted, err := pathID(r, "activation")
	if err != nil {
		return err
	}
	device, err := d.Licensing.Device(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	page, status := d.newDevicePage(r, v, device), http.StatusOK
	if wrong != nil && page.Name != nil {
		page.Problems, status = problemsOf(wrong), httpx.StatusOf(wrong)
		page.Name.Value, page.Name.Error = ui.Shorten(r.PostFormValue("label"), 4*license.MaxLabel), fieldMessage(wrong, "label")
	}
	return d.templates.Render(w, status, "device", page)
}

func (d *Door) newDevicePage(r *http.Request, v *visit, device licensing.Device) devicePage {
	a := device.Activation
	home := "/activations/" + string(a.ID)
	p := d.page(r, v, a.DisplayName(), "/activations")
	p.Path = home
	p.Crumbs = []ui.Link{{Label: "Activations", Href: "/activations"}, {Label: a.DisplayName()}}
	page := devicePage{
		Page: p, Device: newDeviceRow(p, v, device), License: passing(p, device.OneLicense), Facts: deviceFacts(p, v, device),
		Policy: swapWords(p, device.Swaps), Action: home + "/name",
	}
	if page.Device.Hold != "" {
		page.Floating = "Seats of this license are floating: the software keeps its seat while it runs, and once it has not been heard of by that time the seat is free for any device."
	}
	if v.signed.Role.MayManage() {
		page.Name = &ui.Field{
			Name: "label", Label: "Your name for it", Value: a.Label, MaxLength: license.MaxLabel, Placeholder: a.Name, Optional: true, Autocomplete: "off",
			Hint: "Up to 80 characters, for you and your colleagues. Without one, the name that the device reports is shown.",
		}
	}
	if page.Device.Deactivate != "" {
		page.Lost, page.Replace = home+"/lost", "/licenses/"+string(a.LicenseID)+"/replace?device="+string(a.ID)
	}
	return page
}

func deviceFacts(p ui.Page, v *visit, d licensing.Device) []fact {
	a := d.Activation
	reported := a.Name
	if reported == "" {
		reported = "–"
	}
	last, activated := seen(p, v, a), p.Date(a.ActivatedAt)
	facts := []fact{{Name: "Reported name", Value: reported}, {Name: kindWord(a.Kind), Value: a.Identifier}}
	if a.Platform != "" {
		facts = append(facts, fact{Name: "Platform", Value: a.Platform})
	}
	if a.AppVersion != "" {
		facts = append(facts, fact{Name: "Software version", Value: a.AppVersion})
	}
	facts = append(facts, fact{Name: "Activated", When: &activated}, fact{Name: "Last seen", When: &last})
	if !a.EndedAt.IsZero() {
		ended := p.Date(a.EndedAt)
		facts = append(facts, fact{Name: "Deactivated", When: &ended})
	}
	return facts
}

// rename keeps what the device is called from now on.
func (d *Door) rename(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "activation")
	if err != nil {
		return err
	}
	_, err = d.Licensing.Rename(r.Context(), v.actor, wanted, r.PostFormValue("label"))
	if fault.Is(err, fault.Invalid) {
		return d.showDevice(w, r, v, fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/activations/"+string(wanted), http.StatusSeeOther)
	return nil
}

// lostPage asks before a device is deactivated that is no longer there.
func (d *Door) lostPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "activation")
	if err != nil {
		return err
	}
	device, err := d.Licensing.Device(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	return d.askFree(w, r, v, device, loss, http.StatusOK)
}

// loss says what happens to a device that is gone, stolen or wiped (U-01).
func loss(p ui.Page, d licensing.Device, dialog, back, cancel string) ui.Confirm {
	c := confirmation(p, d, dialog, back, cancel)
	name := d.Activation.DisplayName()
	c.Title = "You no longer have " + name + "?"
	c.Submit = "Deactivate " + name
	c.Action = "/activations/" + string(d.Activation.ID) + "/lost"
	c.Text[0] = "Nothing is needed from the device itself: its seat of " + d.Product.Name + " is free at once, and another device can be activated."
	c.Text[1] = "Should the software on " + name + " connect again, it stops validating. An offline installation goes on until it next connects."
	return c
}

// lose frees the seat of a device that is gone. A second click reports the
// same.
func (d *Door) lose(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "activation")
	if err != nil {
		return err
	}
	device, err := d.Licensing.Lose(r.Context(), v.actor, wanted)
	if fault.Is(err, fault.Conflict) {
		device.Refusal = fault.From(err)
		return d.askFree(w, r, v, device, loss, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, freedAddress(r.PostFormValue("back"), wanted), http.StatusSeeOther)
	return nil
}
