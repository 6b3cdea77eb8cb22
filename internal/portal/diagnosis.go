package portal

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/verdict"
)

// diagnosis is the Validation Status of a license: what it can do now, why
// not, and what to do about it (P-LICD-05..12).
type diagnosis struct {
	Tone      ui.Tone
	Icon      string
	Title     string
	Text      []string
	Actions   []ui.Link
	Answers   []answer
	Checks    []ui.Check
	Warnings  []ui.Notice
	Technical []technicalRow
	Attempts  []attemptRow
	Letting   string // what letting one in by one click means
}

// answer is one verdict in a line: use now, or add a device.
type answer struct {
	Purpose, State, Question, Word string
	Icon                           string
}

// technicalRow is one check as the API tells it.
type technicalRow struct {
	Code, Use, AddDevice, Observed, Required string
}

// attemptRow is an activation that was refused.
type attemptRow struct {
	Device, Identifier, Icon, Title string
	When                            ui.When
	LetIn                           string // where a device is chosen that goes for it, or ""
	Admit                           *admission
	Kept                            bool // a seat waits for it
}

// admission lets a refused device in by one click: a named device goes for it.
type admission struct{ Action, Attempt, Retire, Name string }

func (d *Door) diagnose(p ui.Page, v *visit, det licensing.Detail) diagnosis {
	main := headline(det)
	g := diagnosis{
		Title: verdict.Describe(main.Code).Title, Text: explain(p, det, main), Actions: d.nextSteps(det, main),
		Answers: []answer{useAnswer(det.Use), addAnswer(det.AddDevice)},
		Checks:  checkList(p, det), Technical: technical(p, det), Warnings: warningNotices(p, det),
	}
	g.Tone, g.Icon = diagnosisTone(main)
	letting := det.Product.SelfDeactivation && v.signed.Role.MayManage()
	for _, a := range det.Attempts {
		row := newAttemptRow(p, a.Attempt)
		row.Kept = a.Kept
		if a.Out && letting {
			row.LetIn, row.Admit = replaceHref(det.License.ID, a.ID), admit(det, a)
		}
		g.Attempts = append(g.Attempts, row)
		if row.Admit != nil {
			g.Letting = lettingIn(p, v, det)
		}
	}
	return g
}

func admit(det licensing.Detail, a licensing.Refused) *admission {
	if det.Retire == nil {
		return nil
	}
	return &admission{
		Action: replaceHref(det.License.ID, ""), Attempt: string(a.ID), Retire: string(det.Retire.ID), Name: det.Retire.DisplayName(),
	}
}

// lettingIn says, before the click, which device goes and what that means.
func lettingIn(p ui.Page, v *visit, det licensing.Detail) string {
	name := det.Retire.DisplayName()
	text := fmt.Sprintf("%s is the device that was unused the longest (last seen: %s). Its seat is kept for 15 minutes for the device that you let in; "+
		"the software on %s stops validating the next time it connects, or works on until then if it is offline.", name, seen(p, v, *det.Retire).Text, name)
	if policy := swapWords(p, det.Swaps); policy != "" {
		text += " This counts as a device change. " + policy
	}
	return text
}

func newAttemptRow(p ui.Page, a license.Attempt) attemptRow {
	return attemptRow{
		Device: a.DisplayName(), Identifier: a.Identifier, Icon: deviceIcon(a.Kind, ""),
		Title: verdict.Describe(a.Code).Title, When: p.Since(a.At),
	}
}

// headline is the verdict that matters most: whether it works, then whether
// one more device could activate.
func headline(det licensing.Detail) verdict.Verdict {
	if !det.Use.Valid && det.Use.Code != verdict.NotActivated {
		return det.Use
	}
	if !det.AddDevice.Valid {
		return det.AddDevice
	}
	return det.Use
}

func diagnosisTone(v verdict.Verdict) (ui.Tone, string) {
	switch v.Code {
	case verdict.Valid:
		return ui.ToneGood, "check-circle"
	case verdict.NotActivated, verdict.NotStarted:
		return ui.ToneInfo, "info"
	case verdict.Expired, verdict.Revoked:
		return ui.ToneBad, "cross-circle"
	}
	return ui.ToneWarn, "warning"
}

func useAnswer(v verdict.Verdict) answer {
	a := answer{Purpose: "use", State: "pass", Icon: "check", Question: "Activated devices", Word: "keep working"}
	switch {
	case v.Code == verdict.NotActivated:
		a.State, a.Icon, a.Word = "skipped", "minus", "none at the moment"
	case !v.Valid:
		a.State, a.Icon, a.Word = "fail", "cross", "do not validate"
	}
	return a
}

func addAnswer(v verdict.Verdict) answer {
	if v.Valid {
		return answer{Purpose: "add_device", State: "pass", Icon: "check", Question: "A new device", Word: "can be activated"}
	}
	return answer{Purpose: "add_device", State: "fail", Icon: "cross", Question: "A new device", Word: "cannot be activated"}
}

// explain says what a verdict means for this license, with its dates, counts
// and names.
func explain(p ui.Page, det licensing.Detail, v verdict.Verdict) []string {
	l := det.License
	c, _ := v.Check(v.Code)
	switch v.Code {
	case verdict.Valid:
		return []string{validText(det)}
	case verdict.NotActivated:
		return []string{notActivatedText(l)}
	case verdict.Expired:
		return []string{
			fmt.Sprintf("It ended on %s (%s).", p.Exact(l.EndsAt()), ui.Relative(l.EndsAt(), p.Now)),
			"The software no longer validates on any device, and no new device can be activated. Renew the license to restore functionality.",
		}
	case verdict.Suspended, verdict.ActivationPaused:
		return withNote(fmt.Sprintf("The administrator paused it on %s%s. Until it is reinstated the software does not validate; your devices keep their seats.",
			p.Exact(l.SuspendedAt), forReason(c.Reason)), c.Note)
	case verdict.Revoked:
		return withNote(fmt.Sprintf("It was ended for good on %s%s. It stays in your list for reference and cannot be used again.",
			p.Exact(l.RevokedAt), forReason(c.Reason)), c.Note)
	case verdict.LimitReached:
		return []string{limitText(p, det)}
	case verdict.NotStarted:
		return []string{"It becomes valid on " + p.Exact(l.StartsAt) + "."}
	}
	return []string{verdict.Describe(v.Code).Customer}
}

func validText(det licensing.Detail) string {
	free := "There is no limit to the number of devices."
	if l := det.License; l.Limit != license.Unlimited {
		free = fmt.Sprintf("%d of %d activations are in use%s, so %s can be activated.", det.Taken, l.Limit, reservedWords(det),
			ui.Plural(l.Limit-det.Taken, "more device", "more devices"))
	}
	return "The software validates on " + ui.Plural(det.Used, "activated device", "activated devices") + ". " + free
}

func notActivatedText(l license.License) string {
	if !l.FirstActivatedAt.IsZero() {
		return "No device is activated at the moment. Enter the key in the software on any device to use the license again."
	}
	return "It is assigned to you and ready, but no device has been activated yet. Copy the key and enter it in the software."
}

func limitText(p ui.Page, det licensing.Detail) string {
	text := fullText(det) + " " + freeingText(det.Product)
	if free := license.NextFree(det.Devices, det.At); !free.IsZero() {
		text += " Seats of this license are floating: the next one is free at " + p.Exact(free) + ", unless its device is still in use then."
	}
	return text
}

func fullText(det licensing.Detail) string {
	switch limit := det.License.Limit; {
	case det.Taken > det.Used && det.Used < limit:
		return fmt.Sprintf("%s and %s fill the %d of this license, so another new device cannot be activated. Those already activated keep working.",
			ui.Plural(det.Used, "activated device", "activated devices"), ui.Plural(det.Taken-det.Used, "reserved seat", "reserved seats"), limit)
	case det.Used > limit:
		return fmt.Sprintf("%d devices are activated, more than the %d that this license now allows, so a new one cannot be activated. Those already activated keep working.", det.Used, limit)
	case limit == 1:
		return "The only activation is in use, so a new device cannot be activated. The one already activated keeps working."
	default:
		return fmt.Sprintf("All %d activations are in use, so a new device cannot be activated. The %d devices already activated keep working.", limit, limit)
	}
}

func freeingText(p license.Product) string {
	if p.SelfDeactivation {
		return "Deactivate one you no longer use to free its seat."
	}
	return "Your vendor can free the seat of one you no longer use."
}

func forReason(reason string) string {
	if word := reasonWord(reason); word != "" {
		return " (" + word + ")"
	}
	return ""
}

func withNote(text, note string) []string {
	if note == "" {
		return []string{text}
	}
	return []string{text, "Message from your vendor: “" + note + "”"}
}

// nextSteps turns the customer's fixes into buttons, the first one primary.
// Where the customer can do nothing alone, the step is to write to support.
func (d *Door) nextSteps(det licensing.Detail, v verdict.Verdict) []ui.Link {
	var steps []ui.Link
	for _, f := range v.FixesFor(v.Code) {
		if step := d.step(det, f); step.Href != "" {
			steps = append(steps, step)
		}
		if f.Action == verdict.DeactivateDevice && f.Actor == verdict.ByCustomer {
			steps = append(steps, ui.Link{Label: "Replace a device", Href: replaceHref(det.License.ID, "")})
		}
	}
	if len(steps) > 0 {
		steps[0].Primary = true
	}
	return steps
}

// step is the button for a fix, without address when there is none to offer.
func (d *Door) step(det licensing.Detail, f verdict.Fix) ui.Link {
	switch f.Action {
	case verdict.DeactivateDevice:
		if f.Actor != verdict.ByCustomer {
			return ui.Link{}
		}
		return ui.Link{Label: "Manage activations", Href: "/activations?license=" + string(det.License.ID)}
	case verdict.RaiseLimit:
		return ui.Link{Label: "Ask for a higher limit", Href: d.askAbout(det, "Higher activation limit")}
	case verdict.Renew:
		return d.renewLink(det)
	case verdict.Settle:
		return ui.Link{Label: "Settle with support", Href: d.askAbout(det, "Suspended license"), Icon: "mail"}
	case verdict.ReplaceLicense:
		return ui.Link{Label: "Ask for a replacement", Href: d.askAbout(det, "Revoked license"), Icon: "mail"}
	case verdict.ContactVendor, verdict.Appeal, verdict.Claim:
		return ui.Link{Label: "Contact support", Href: d.askAbout(det, "License does not work"), Icon: "mail"}
	}
	return ui.Link{}
}

// renewLink is the way to renew: the shop's page, or a mail with the license
// filled in (P-LICD-17).
func (d *Door) renewLink(det licensing.Detail) ui.Link {
	if det.RenewalURL != "" {
		return ui.Link{Label: "Renew license", Href: det.RenewalURL, Icon: "external"}
	}
	return ui.Link{Label: "Ask for renewal", Href: d.writeTo(det, "Renewal"), Icon: "mail"}
}

// askAbout leads to support: to a ticket that knows the license, or where there
// is no desk, to a mail that names it.
func (d *Door) askAbout(det licensing.Detail, subject string) string {
	if !d.helpDesk() {
		return d.writeTo(det, subject)
	}
	return "/tickets/new?" + url.Values{"license": {string(det.License.ID)}, "subject": {subject}}.Encode()
}

// writeTo is a mail to support that says which license it is about: its id and
// masked key, never the key itself.
func (d *Door) writeTo(det licensing.Detail, subject string) string {
	if d.SupportEmail == "" {
		return ""
	}
	subject = fmt.Sprintf("%s: %s (%s)", subject, det.Product.Name, det.License.Mask)
	body := fmt.Sprintf("Product: %s\nLicense: %s\nKey: %s\n\n", det.Product.Name, det.License.ID, det.License.Mask)
	return "mailto:" + d.SupportEmail + "?subject=" + mailEscape(subject) + "&body=" + mailEscape(body)
}

// mailEscape escapes for a mailto address, where blanks are %20 (RFC 6068).
func mailEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// checkList is the checks that were made for either question, in their order.
func checkList(p ui.Page, det licensing.Detail) []ui.Check {
	var list []ui.Check
	for i, use := range det.Use.Checks {
		c := use
		if add := det.AddDevice.Checks[i]; c.Outcome == verdict.Skipped || add.Outcome == verdict.Fail && c.Outcome != verdict.Fail {
			c = add
		}
		if label := checkLabel(c.Code); c.Outcome != verdict.Skipped && label != "" {
			list = append(list, ui.Check{State: string(c.Outcome), Label: label, Detail: checkDetail(p, det, c), Note: checkNote(c)})
		}
	}
	return list
}

func checkLabel(c verdict.Code) string {
	switch c {
	case verdict.KeyUnknown:
		return "Key recognized"
	case verdict.Blocked:
		return "Not blocked"
	case verdict.ProductInactive:
		return "Product available"
	case verdict.NotAssigned:
		return "Assigned to you"
	case verdict.Revoked:
		return "Not revoked"
	case verdict.Expired:
		return "Inside its validity period"
	case verdict.Suspended:
		return "Not suspended"
	case verdict.NotStarted:
		return "Already started"
	case verdict.NotActivated:
		return "Activated on a device"
	case verdict.LimitReached:
		return "Activation available"
	}
	return ""
}

// checkDetail is what a check observed.
func checkDetail(p ui.Page, det licensing.Detail, c verdict.Check) string {
	failed := c.Outcome == verdict.Fail
	switch c.Code {
	case verdict.KeyUnknown:
		return "Issued " + ui.Day(det.License.CreatedAt, p.Zone)
	case verdict.NotAssigned:
		return "Since " + ui.Day(det.License.AssignedAt, p.Zone)
	case verdict.Expired:
		return endDetail(p, det.License, failed)
	case verdict.NotActivated:
		return ui.Plural(det.Used, "device", "devices")
	case verdict.LimitReached:
		return usedOfLimit(det)
	case verdict.ProductInactive:
		if failed {
			return "Switched off"
		}
		return "Switched on"
	}
	if failed && c.Since != nil {
		return "Since " + p.Exact(*c.Since)
	}
	if c.Code == verdict.NotStarted && c.Required.Time != nil {
		return "From " + p.Exact(*c.Required.Time)
	}
	return ""
}

func endDetail(p ui.Page, l license.License, failed bool) string {
	switch {
	case l.Perpetual():
		return "Never ends"
	case failed:
		return "Ended " + p.Exact(l.EndsAt())
	}
	return "Until " + ui.Day(l.EndsAt(), p.Zone)
}

func usedOfLimit(det licensing.Detail) string {
	if det.License.Limit == license.Unlimited {
		return fmt.Sprintf("%d used, no limit", det.Taken)
	}
	return fmt.Sprintf("%d of %d used", det.Taken, det.License.Limit) + reservedWords(det)
}

// reservedWords go behind how many seats are in use, where some are only kept.
func reservedWords(det licensing.Detail) string {
	if det.Taken == det.Used {
		return ""
	}
	return fmt.Sprintf(", %d of them reserved", det.Taken-det.Used)
}

// checkNote is what a failed check would need.
func checkNote(c verdict.Check) string {
	if c.Outcome != verdict.Fail {
		return ""
	}
	switch c.Code {
	case verdict.LimitReached:
		return "Needs a free activation, or a higher limit"
	case verdict.NotActivated:
		return "Needs at least one activated device"
	case verdict.Expired:
		return "Needs a renewal"
	case verdict.Suspended, verdict.ActivationPaused:
		return "Needs to be reinstated by your vendor"
	case verdict.Revoked:
		return "Needs a replacement license"
	}
	return ""
}

// warningNotices are what will matter soon on a license that works.
func warningNotices(p ui.Page, det licensing.Detail) []ui.Notice {
	var notices []ui.Notice
	for _, w := range det.Use.Warnings {
		if text := warningText(p, det, w); text != "" {
			notices = append(notices, ui.Notice{Tone: ui.ToneWarn, Text: text})
		}
	}
	return notices
}

func warningText(p ui.Page, det licensing.Detail, w verdict.Warning) string {
	switch w.Code {
	case verdict.ExpiresSoon:
		return fmt.Sprintf("Expires in %s, on %s.", timeLeft(*w.At, p.Now), p.Exact(*w.At))
	case verdict.InGrace:
		return fmt.Sprintf("Its period ended on %s. It still works until %s.", ui.Day(det.License.ExpiresAt, p.Zone), p.Exact(*w.At))
	case verdict.UpdatesEnding:
		return fmt.Sprintf("New versions are included until %s.", ui.Day(*w.At, p.Zone))
	case verdict.DeviceStale:
		return fmt.Sprintf("%s has not been heard of for a long time. If you no longer use it, deactivate it.", w.Target)
	case verdict.OverLimit:
		return "More devices are activated than the license now allows. They keep working; no new one can be activated."
	}
	return ""
}

// technical is every check as it was made, for support.
func technical(p ui.Page, det licensing.Detail) []technicalRow {
	var rows []technicalRow
	for i, use := range det.Use.Checks {
		add := det.AddDevice.Checks[i]
		shown := use
		if use.Outcome == verdict.Skipped {
			shown = add
		}
		rows = append(rows, technicalRow{
			Code: string(use.Code), Use: outcomeWord(use), AddDevice: outcomeWord(add),
			Observed: valueWord(p, shown.Observed), Required: valueWord(p, shown.Required),
		})
	}
	return rows
}

func outcomeWord(c verdict.Check) string {
	if c.Outcome == verdict.Skipped {
		return "not checked"
	}
	return string(c.Outcome)
}

func valueWord(p ui.Page, v verdict.Value) string {
	switch {
	case v.Number != nil:
		return fmt.Sprint(*v.Number)
	case v.Time != nil:
		return p.Exact(*v.Time)
	case len(v.List) > 0:
		return strings.Join(v.List, ", ")
	}
	return v.Text
}
