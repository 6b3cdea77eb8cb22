package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/verdict"
)

func statusWord(s license.Status) string {
	switch s {
	case license.Active:
		return "Active"
	case license.Assigned:
		return "Assigned"
	case license.Suspended:
		return "Suspended"
	case license.Expired:
		return "Expired"
	case license.Revoked:
		return "Revoked"
	}
	return "Available"
}

// statusMeaning is the legend's sentence for a state (P-LIC-06).
func statusMeaning(s license.Status) string {
	switch s {
	case license.Active:
		return "Valid and in use. With no device at the moment it stays active and is ready for the next one."
	case license.Assigned:
		return "Assigned to you, but not yet activated on any device."
	case license.Suspended:
		return "Temporarily disabled by the administrator. It comes back when it is reinstated."
	case license.Expired:
		return "Its period has ended, so the software no longer validates. Renew it to go on."
	case license.Revoked:
		return "Permanently disabled. It cannot be used again."
	}
	return ""
}

func statusLegend() ui.Legend {
	legend := ui.Legend{Title: "What the states mean"}
	for _, s := range license.OwnedStatuses() {
		legend.Items = append(legend.Items, ui.LegendItem{Badge: ui.NewBadge(string(s), statusWord(s)), Text: statusMeaning(s)})
	}
	return legend
}

func deviceStatusWord(s license.ActivationStatus) string {
	switch s {
	case license.ActivationActive:
		return "Active"
	case license.ActivationSuspended:
		return "Suspended"
	}
	return "Deactivated"
}

func environmentWord(e license.Environment) string {
	switch e {
	case license.Staging:
		return "Staging"
	case license.Development:
		return "Development"
	}
	return "Production"
}

// versionWords say which versions a license includes (P-LICD-13).
func versionWords(l license.License, zone *time.Location) string {
	before := ""
	if !l.UpdatesUntil.IsZero() {
		before = "versions released before " + ui.Day(l.UpdatesUntil, zone)
	}
	switch {
	case l.MaxVersion != "" && before != "":
		return l.MaxVersion + ", " + before
	case l.MaxVersion != "":
		return l.MaxVersion
	case before != "":
		return strings.ToUpper(before[:1]) + before[1:]
	}
	return "All versions"
}

// includedWords say how many of the product's features a license includes, or
// nothing where the product defines none (P-LIC-16).
func includedWords(l license.License) string {
	if len(l.Features) == 0 {
		return ""
	}
	included := 0
	for _, f := range l.Features {
		if f.Included() {
			included++
		}
	}
	return fmt.Sprintf("%d of %s", included, ui.Plural(len(l.Features), "feature", "features"))
}

func featureWords(f license.Feature) string {
	switch v := f.Value.(type) {
	case bool:
		if v {
			return "Yes"
		}
		return "No"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if v == license.UnlimitedValue {
			return "Unlimited"
		}
		if v != "" {
			return v
		}
	}
	return "–"
}

// expiry is how the end of a license looks.
type expiry struct {
	State string // "ok", "soon", "grace", "past" or "never"
	Date  ui.When
	Note  string
	Warn  bool // the note is a warning
}

func expiryOf(p ui.Page, l license.License) expiry {
	if l.Perpetual() {
		return expiry{State: "never", Date: ui.When{Text: "Never"}, Note: "Perpetual"}
	}
	e := expiry{State: "ok", Date: p.Date(l.ExpiresAt)}
	switch {
	case l.Ended(p.Now):
		e.State, e.Date, e.Note = "past", p.Date(l.EndsAt()), "Expired "+ui.Relative(l.EndsAt(), p.Now)
	case l.Phase() == license.Revoked:
		e.Note = "No longer valid"
	case l.InGrace(p.Now):
		e.State, e.Note, e.Warn = "grace", "In grace, "+timeLeft(l.EndsAt(), p.Now)+" left", true
	case l.EndsSoon(p.Now, verdict.SoonWindow):
		e.State, e.Note, e.Warn = "soon", "Expires in "+timeLeft(l.EndsAt(), p.Now), true
	default:
		e.Note = "In " + timeLeft(l.EndsAt(), p.Now)
	}
	return e
}

// timeLeft is how long it is until an instant that is yet to come.
func timeLeft(at, now time.Time) string {
	if at.Sub(now) < time.Minute {
		return "less than a minute"
	}
	return strings.TrimPrefix(ui.Relative(at, now), "in ")
}

// usageOf is "2 / 5" with its bar, counted as the verdict counts: a reserved
// seat is taken. The note tells of such seats, of a reached limit, or of an
// active license without a device (E-03).
func usageOf(l license.License, used, reserved int, now time.Time) ui.Usage {
	status, taken := l.Status(now), used+reserved
	u := ui.Usage{
		Used: int64(taken), Limit: int64(l.Limit), Unlimited: l.Limit == license.Unlimited,
		Idle: status != license.Active && status != license.Assigned || taken == 0, Unit: "activations used",
	}
	switch {
	case reserved > 0:
		u.Note = fmt.Sprintf("%d reserved", reserved)
	case !u.Unlimited && used > l.Limit:
		u.Note = "Over the limit"
	case !u.Unlimited && used == l.Limit:
		u.Note = "Limit reached"
	case used == 0 && status == license.Active:
		u.Note = "No device at the moment"
	}
	return u
}

// lengthWords is a span of time: "30 days", "36 hours", "90 minutes".
func lengthWords(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return ui.Plural(int(d/(24*time.Hour)), "day", "days")
	case d%time.Hour == 0:
		return ui.Plural(int(d/time.Hour), "hour", "hours")
	}
	return ui.Plural(int(d/time.Minute), "minute", "minutes")
}

func reasonWord(reason string) string {
	switch license.Reason(reason) {
	case license.Payment:
		return "payment"
	case license.Abuse:
		return "unusual use"
	case license.Contract:
		return "contract"
	case license.Refund:
		return "refund"
	case license.Leak:
		return "leaked key"
	case license.Replaced:
		return "replaced by another license"
	case license.Lost:
		return "device no longer there"
	case license.Swapped:
		return "replaced by another device"
	case license.Lapse:
		return "floating seat not renewed in time"
	case license.FileReturned:
		return "returned by the device"
	}
	return ""
}

// story is one entry of a history in words.
func story(e event.Event, device string) (icon string, tone ui.Tone, title string) {
	if device == "" {
		device = "A device"
	}
	switch e.Type {
	case event.LicenseAssigned:
		return "key", ui.ToneInfo, "Assigned to you"
	case event.LicenseActivated:
		return "check-circle", ui.ToneGood, "First activated"
	case event.LicenseSuspended:
		return "pause", ui.ToneWarn, "Suspended"
	case event.LicenseReinstated:
		return "refresh", ui.ToneGood, "Reinstated"
	case event.LicenseRenewed:
		return "refresh", ui.ToneGood, "Renewed"
	case event.LicenseChanged:
		return "refresh", ui.ToneInfo, "Terms changed"
	case event.LicenseRevoked:
		return "slash", ui.ToneBad, "Revoked"
	case event.LicenseExpired:
		return "calendar-x", ui.ToneBad, "Expired"
	case event.ReleaseDownloaded:
		return "download", ui.ToneNeutral, versionWord(e.Data.Version) + " downloaded"
	case event.KeyRevealed:
		return "eye", ui.ToneNeutral, "Key revealed"
	case event.ActivationCreated:
		return "device", ui.ToneNeutral, device + " activated"
	case event.ActivationDeactivated:
		return "minus-circle", ui.ToneNeutral, device + " deactivated"
	case event.ActivationRenamed:
		return "dot", ui.ToneNeutral, device + " renamed"
	case event.SeatReserved:
		return "clock", ui.ToneNeutral, "Seat of " + device + " reserved"
	case event.SeatReleased:
		return "clock", ui.ToneNeutral, "Reserved seat of " + device + " given up"
	case event.OfflineIssued:
		return "file", ui.ToneNeutral, "Offline file for " + device
	case event.OfflineReturned:
		return "file", ui.ToneNeutral, "Offline file of " + device + " taken back"
	case event.DeactivationRefused:
		return "warning", ui.ToneWarn, "Refused to deactivate " + device
	}
	return "dot", ui.ToneNeutral, "Changed"
}

// byWhom names who did it: staff and their programs are "your vendor", people
// of the customer are named only to themselves.
func byWhom(e event.Event, byYou bool) string {
	switch {
	case byYou:
		return "by you"
	case e.Actor.Kind == account.ActorPerson:
		return "by a member of your team"
	case e.Reason == string(license.Lapse):
		return "by itself"
	case e.Actor.Kind == account.ActorToken && bySoftware(e.Type):
		return "by the software"
	}
	return "by your vendor"
}

// bySoftware reports whether a token that caused this was the software on a
// device, rather than a program of the vendor.
func bySoftware(t event.Type) bool {
	switch t {
	case event.LicenseActivated, event.ActivationCreated, event.ActivationDeactivated:
		return true
	}
	return false
}

// storyText is what a history entry says below its title.
func storyText(p ui.Page, e event.Event, byYou bool) string {
	parts := []string{byWhom(e, byYou)}
	if e.Type == event.LicenseExpired {
		parts = nil
	}
	if why := reasonWord(e.Reason); why != "" {
		parts = append(parts, "reason: "+why)
	}
	if e.Type == event.LicenseRenewed && e.Data.After != nil && e.Data.After.ExpiresAt != nil {
		parts = append(parts, "until "+ui.Day(*e.Data.After.ExpiresAt, p.Zone))
	}
	if e.Data.Used != nil {
		parts = append(parts, usedOf(*e.Data.Used, e.Data.Limit))
	}
	return strings.Join(parts, " · ")
}

func usedOf(used int, limit *int) string {
	if limit == nil {
		return fmt.Sprintf("%d in use", used)
	}
	return fmt.Sprintf("%d of %d in use", used, *limit)
}

// timeline turns a history into items. The end of a license is no event that
// somebody causes: it is derived from the date, swept or not.
func timeline(p ui.Page, d licensing.Detail) []ui.TimelineItem {
	var items []ui.TimelineItem
	ended, end := d.License.Status(p.Now) == license.Expired, d.License.EndsAt()
	for i, h := range d.History {
		if d.Shortened && i == len(d.History)-1 {
			items = append(items, ui.TimelineItem{Icon: "dot", Title: "Older entries are left out", Kind: "shortened"})
		}
		if ended && h.Event.Type == event.LicenseExpired && !h.Event.At.Before(end) {
			continue // the same end, noted by a sweep
		}
		if ended && h.Event.At.Before(end) {
			items, ended = append(items, endOfLicense(p, end)), false
		}
		icon, tone, title := story(h.Event, h.Device)
		items = append(items, ui.TimelineItem{
			Icon: icon, Tone: tone, Title: title, Kind: string(h.Event.Type),
			Text: storyText(p, h.Event, h.ByYou), When: p.Since(h.Event.At),
		})
	}
	if ended {
		items = append(items, endOfLicense(p, end))
	}
	return items
}

func endOfLicense(p ui.Page, end time.Time) ui.TimelineItem {
	return ui.TimelineItem{
		Icon: "calendar-x", Tone: ui.ToneBad, Kind: string(event.LicenseExpired), Title: "Expired",
		Text: "The software no longer validates", When: p.Date(end),
	}
}

// deviceIcon is the icon of a device.
func deviceIcon(kind license.Kind, platform string) string {
	p := strings.ToLower(platform)
	switch {
	case kind == license.Domain:
		return "globe"
	case strings.Contains(p, "server"), strings.Contains(p, "linux"):
		return "server"
	case strings.Contains(p, "mac"), strings.Contains(p, "laptop"):
		return "laptop"
	}
	return "device"
}

func kindWord(k license.Kind) string {
	if k == license.Domain {
		return "Domain"
	}
	return "Hardware ID"
}
