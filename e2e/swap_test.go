package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/verdict"
)

// P-LICD-08, U-01: from the refusal over its link to a seat, with a claim code.
func deviceIsReplaced(t *testing.T, d *Demo) {
	l := d.Licenses.VersionLimited
	var spare []Device
	for _, name := range []string{"Spare 1", "Spare 2", "Spare 3"} {
		device := d.Device(t, l, name)
		device.Activate()
		spare = append(spare, device)
	}
	defer func() {
		spare[1].Deactivate()
		spare[2].Deactivate()
	}()
	newcomer := d.Device(t, l, "Total station")
	refused, err := newcomer.client.Activate(t.Context(), l.Key)
	if err != nil || refused.Verdict.Code != verdict.LimitReached || refused.HelpLink() == "" {
		t.Fatalf("refused as %+v (%v)", refused, err)
	}

	p := d.Visit(t, d.Customer, strings.TrimPrefix(refused.HelpLink(), d.URL))
	p.See("Device to let in")
	p.See("Total station")
	p.Goto(d.URL + l.path())
	p.In("#validation").Click("Replace a device")
	p.See("Which device gives its seat up?")
	p.choose("Spare 1")
	p.Click("Retire it and reserve its seat")
	p.See("The seat is reserved")
	p.See("15 minutes left")
	at, code := p.URL(), p.Text("#claim-code")
	spare[0].CheckIn(verdict.NotActivated)
	d.Device(t, l, "Somebody else").Refused(verdict.LimitReached)
	p.Reload()
	p.See(code)

	newcomer.expect(verdict.Valid)(newcomer.client.Activate(t.Context(), l.Key, client.Claim(strings.ToLower(code))))
	defer newcomer.Deactivate()
	p.Reload()
	p.See("Total station took the seat")
	p.Goto(d.URL + l.path())
	p.In(".strip").See("5 / 5")
	p.Goto(at)
	p.See("in place of Spare 1")
}

// choose chooses the device that gives its seat up.
func (p *Page) choose(name string) {
	p.t.Helper()
	Eval[any](p, fmt.Sprintf(`[...document.querySelectorAll(".choice")].find(c => c.innerText.includes(%q)).querySelector("input").click()`, name))
}
