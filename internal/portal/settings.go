package portal

import (
	"net/http"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) settingsRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /settings", Access: httpx.SignedIn, Handler: d.visiting(d.settings)},
		{Pattern: "POST /settings", Access: httpx.SignedIn, Handler: d.visiting(d.saveSettings)},
		{Pattern: "POST /settings/test-mail", Access: httpx.SignedIn, Handler: d.visiting(d.sendTestMail)},
	}
}

// settingsPage is how a person wants to read dates and which mails they want.
type settingsPage struct {
	ui.Page
	Problems  ui.Problems
	Zone      zoneField
	Licenses  ui.Checkbox
	Security  ui.Checkbox
	Mandatory []string // what comes all the same
	Email     string
	MailOff   bool // the mails about licenses are off
	Contact   *ui.Link
	Mailed    ui.Problems // what was wrong with the test mail
}

// zoneField is the choice among all time zones.
type zoneField struct {
	Automatic string // what the browser's zone is called
	Chosen    string
	Now       string // the time it is there
	Regions   []zoneRegion
	Error     string
}

type zoneRegion struct {
	Name  string
	Zones []ui.Option
}

func (d *Door) settings(w http.ResponseWriter, r *http.Request, v *visit) error {
	page := d.newSettingsPage(r, v, identity.SettingsOf(v.signed.Person))
	page.Flash = settingsFlash(r.URL.Query().Get("done"), v.signed.Person.Email)
	return d.templates.Render(w, http.StatusOK, "settings", page)
}

func settingsFlash(done, email string) []ui.Flash {
	switch done {
	case "saved":
		return []ui.Flash{{Tone: ui.ToneGood, Text: "Your settings are saved."}}
	case "mailed":
		return []ui.Flash{{Tone: ui.ToneGood, Text: "A test mail is on its way to " + email + "."}}
	}
	return nil
}

func (d *Door) newSettingsPage(r *http.Request, v *visit, in identity.Settings) settingsPage {
	p := d.page(r, v, "Settings", "/settings")
	return settingsPage{
		Page: p, Zone: newZoneField(r, v, in.TimeZone), Email: v.signed.Person.Email, MailOff: !in.LicenseMail,
		Contact: d.contactSupport("Contact support", "Mails do not arrive"),
		Licenses: ui.Checkbox{Name: "license_mail", Label: "E-mail notifications", Checked: in.LicenseMail,
			Hint: "When a license is assigned, renewed or about to expire, and when a device is activated or deactivated."},
		Security: ui.Checkbox{Name: "security_mail", Label: "Security alerts", Checked: in.SecurityMail,
			Hint: "When somebody signs in with a new browser, and when your password, passkeys or authenticator app are changed."},
		Mandatory: d.mandatoryMails(),
	}
}

// mandatoryMails names what people cannot switch off (P-SET-06, P-SET-07).
func (d *Door) mandatoryMails() []string {
	names := []string{
		"Invitations, links to sign in or to choose a new password", "Answers to your support tickets",
		"A license was suspended or revoked",
	}
	for _, n := range d.Mandatory {
		if name := noticeName(n); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// noticeName is what a mail is called that could be switched off.
func noticeName(n account.Notice) string {
	switch n {
	case account.PasswordChangedNotice:
		return "Your password was changed"
	case account.NewDeviceNotice:
		return "Somebody signed in with a new browser"
	case account.SecurityChangedNotice:
		return "Your passkeys, authenticator app or recovery codes were changed"
	case account.LicenseAssignedNotice:
		return "A license was assigned to you"
	case account.DevicesChangedNotice:
		return "Devices were activated or deactivated"
	case account.LicenseExpiringNotice:
		return "A license is about to expire"
	case account.LicenseExpiredNotice:
		return "A license has expired"
	case account.LicenseReinstatedNotice:
		return "A license was reinstated"
	case account.LicenseRenewedNotice:
		return "A license was renewed"
	}
	return ""
}

func newZoneField(r *http.Request, v *visit, chosen string) zoneField {
	f := zoneField{Chosen: chosen, Automatic: "UTC", Now: ui.Exact(v.now, v.zone)}
	if reported := ui.ReportedZone(r); reported != nil {
		f.Automatic = reported.String()
	} else if v.signed.Person.BrowserZone != "" {
		f.Automatic = v.signed.Person.BrowserZone
	}
	for _, region := range account.ZoneRegions() {
		g := zoneRegion{Name: region.Name}
		for _, zone := range region.Zones {
			g.Zones = append(g.Zones, ui.Option{Value: zone, Label: strings.ReplaceAll(zone, "_", " ")})
		}
		f.Regions = append(f.Regions, g)
	}
	return f
}

func (d *Door) saveSettings(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	in := identity.Settings{
		TimeZone: r.PostFormValue("time_zone"), LicenseMail: r.PostFormValue("license_mail") != "",
		SecurityMail: r.PostFormValue("security_mail") != "",
	}
	err := d.Identity.SaveSettings(r.Context(), v.actor, in)
	if fault.Is(err, fault.Invalid) {
		f := fault.From(err)
		page := d.newSettingsPage(r, v, in)
		page.Problems, page.Zone.Error = problemsOf(f), fieldMessage(f, "time_zone")
		return d.templates.Render(w, httpx.StatusOf(f), "settings", page)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/settings?done=saved", http.StatusSeeOther)
	return nil
}

func (d *Door) sendTestMail(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	err := d.Identity.RequestTestMail(r.Context(), v.actor)
	if fault.Is(err, fault.Limited) {
		f := fault.From(err)
		page := d.newSettingsPage(r, v, identity.SettingsOf(v.signed.Person))
		page.Mailed = problemsOf(f)
		setRetryAfter(w, f)
		return d.templates.Render(w, httpx.StatusOf(f), "settings", page)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/settings?done=mailed", http.StatusSeeOther)
	return nil
}
