package mail

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// License is a license as a mail names it: never with its key.
type License struct {
	Product string
	Plan    string // may be empty
	Mask    string // the key as it may be shown
	Link    string // its page in the portal
	Ends    time.Time
	Reason  string // in words for the customer; may be empty
	Note    string // the vendor's own words; may be empty
}

// AboutLicenses is what every mail about licenses takes.
type AboutLicenses struct {
	ID       string // stable per notice; see Message.ID
	Name     string // of the person; may be empty
	Email    string
	Licenses []License // at least one
	More     int       // licenses beyond these
	TZ       *time.Location
}

// Device is a device as a mail names it.
type Device struct {
	Name     string
	Platform string // may be empty
	Ended    bool   // deactivated; else activated
	By       string // who did it, in words; may be empty
	At       time.Time
}

// DevicesChanged tells what was activated and deactivated on one license.
type DevicesChanged struct {
	AboutLicenses
	Devices []Device
	Manage  string // where devices are deactivated
}

// The lines that templates show.
type (
	licenseLine struct{ Title, Mask, Link, Ends, Reason, Note string }
	deviceLine  struct{ Device, What, At string }
)

// LicensesAssigned writes the mail about licenses that are the customer's from
// now on.
func (c *Composer) LicensesAssigned(n AboutLicenses) (Message, error) {
	return c.aboutLicenses("license_assigned", n, "A license for %s was assigned to you", "%d licenses were assigned to you")
}

// LicensesSuspended writes the mail about licenses that are paused.
func (c *Composer) LicensesSuspended(n AboutLicenses) (Message, error) {
	return c.aboutLicenses("license_suspended", n, "Your license for %s was suspended", "%d licenses were suspended")
}

// LicensesReinstated writes the mail about licenses that work again.
func (c *Composer) LicensesReinstated(n AboutLicenses) (Message, error) {
	return c.aboutLicenses("license_reinstated", n, "Your license for %s works again", "%d licenses work again")
}

// LicensesRenewed writes the mail about licenses that are valid for longer.
func (c *Composer) LicensesRenewed(n AboutLicenses) (Message, error) {
	return c.aboutLicenses("license_renewed", n, "Your license for %s was renewed", "%d licenses were renewed")
}

// LicensesRevoked writes the mail about licenses that ended for good.
func (c *Composer) LicensesRevoked(n AboutLicenses) (Message, error) {
	return c.aboutLicenses("license_revoked", n, "Your license for %s was revoked", "%d licenses were revoked")
}

// LicensesExpired writes the mail about licenses whose time is over.
func (c *Composer) LicensesExpired(n AboutLicenses) (Message, error) {
	return c.aboutLicenses("license_expired", n, "Your license for %s has expired", "%d licenses have expired or expire today")
}

// LicensesExpiring writes the mail about licenses whose time is over soon: in
// so many days, where one that has begun counts.
func (c *Composer) LicensesExpiring(n AboutLicenses, days int) (Message, error) {
	when := "within a day"
	if days > 1 {
		when = "in " + strconv.Itoa(days) + " days"
	}
	return c.aboutLicenses("license_expiring", n, "Your license for %s expires "+when, "%d licenses expire "+when)
}

// DevicesChanged writes the mail for n.
func (c *Composer) DevicesChanged(n DevicesChanged) (Message, error) {
	link, err := c.link(n.Manage)
	if err != nil {
		return Message{}, err
	}
	v, err := c.licenseView(n.AboutLicenses)
	if err != nil {
		return Message{}, err
	}
	for _, d := range n.Devices {
		v.Devices = append(v.Devices, d.line(n.TZ))
	}
	if len(v.Devices) == 0 {
		return Message{}, invalid("The notice names no device.")
	}
	v.Link, v.One = link, len(v.Devices) == 1 && n.More == 0
	v.Subject = deviceSubject(n, v)
	return c.compose("devices_changed", n.ID, n.Name, v)
}

func deviceSubject(n DevicesChanged, v view) string {
	if !v.One {
		return fmt.Sprintf("%d device changes for %s", len(n.Devices)+n.More, clean(n.Licenses[0].Product, 80))
	}
	what := "activated"
	if n.Devices[0].Ended {
		what = "deactivated"
	}
	return fmt.Sprintf("A device was %s for %s", what, clean(n.Licenses[0].Product, 80))
}

// line says who the device is. Devices name themselves, so a name that a mail
// program would turn into a link is left out.
func (d Device) line(zone *time.Location) deviceLine {
	l := deviceLine{Device: greeting(d.Name), What: "activated", At: moment(d.At, zone)}
	if l.Device == "" {
		l.Device = "A device without a usable name"
	}
	if platform := greeting(d.Platform); platform != "" {
		l.Device += ", " + platform
	}
	if d.Ended {
		l.What = "deactivated"
	}
	if d.By != "" {
		l.What += " " + clean(d.By, 64)
	}
	return l
}

func (c *Composer) aboutLicenses(name string, n AboutLicenses, one, many string) (Message, error) {
	v, err := c.licenseView(n)
	if err != nil {
		return Message{}, err
	}
	v.Subject = fmt.Sprintf(many, len(n.Licenses)+n.More)
	if v.One {
		v.Subject = fmt.Sprintf(one, clean(n.Licenses[0].Product, 80))
	}
	return c.compose(name, n.ID, n.Name, v)
}

// licenseView is what all mails about licenses show.
func (c *Composer) licenseView(n AboutLicenses) (view, error) {
	if len(n.Licenses) == 0 {
		return view{}, invalid("The notice names no license.")
	}
	v := view{
		Name: greeting(n.Name), Email: n.Email, More: n.More, One: len(n.Licenses) == 1 && n.More == 0,
		All: c.brand.BaseURL + "/licenses", Settings: c.brand.BaseURL + "/settings", Link: c.brand.BaseURL + "/licenses",
	}
	for _, l := range n.Licenses {
		line, err := c.licenseLine(l, n.TZ)
		if err != nil {
			return view{}, err
		}
		v.Licenses = append(v.Licenses, line)
	}
	if v.One {
		v.Link = v.Licenses[0].Link
	}
	return v, nil
}

func (c *Composer) licenseLine(l License, zone *time.Location) (licenseLine, error) {
	link, err := c.link(l.Link)
	if err != nil {
		return licenseLine{}, err
	}
	line := licenseLine{
		Title: clean(l.Product, 120), Mask: clean(l.Mask, 80), Link: link, Reason: clean(l.Reason, 120), Note: clean(l.Note, 500),
	}
	if plan := clean(l.Plan, 120); plan != "" {
		line.Title = strings.TrimSpace(line.Title + ", " + plan)
	}
	if !l.Ends.IsZero() {
		line.Ends = moment(l.Ends, zone)
	}
	return line, nil
}
