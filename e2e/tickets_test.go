package e2e

import (
	"strings"
	"testing"
)

// P-NAV-02, P-TIC-05, P-TIC-14, P-TIC-15, P-TIC-19, P-TIC-28, P-TIC-33: from any
// page a ticket is written, and found again.
func ticketIsSolved(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, d.Licenses.LimitReached.path())
	p.In("header.topbar").Click("Help")
	p.SeePath("/tickets/new?license=" + d.Licenses.LimitReached.ID)
	p.In("#self-help").See("Activation limit reached?")
	p.Fill("Subject", "Seats of the old office")
	p.Fill("Description", "The key is "+d.Licenses.LimitReached.Key+" and no seat is free.")
	p.Click("Send ticket")
	p.See("Your ticket was sent")
	p.See("no seat is free")
	p.DontSee(d.Licenses.LimitReached.Key)
	if !strings.Contains(p.Text("#licenses"), "View activations") {
		t.Error("the license is not beside the ticket")
	}
	p.Fill("Your reply", "It was our own mistake.")
	p.Click("Send Reply")
	p.See("Your reply was sent.")
	p.Click("Mark as solved")
	p.See("The ticket is marked as solved.")
	p.Goto(d.URL + "/tickets?status=resolved")
	p.In("#results").See("Seats of the old office")
	if leads := d.Session(t, d.OtherCustomer).Get(t, "/tickets?q=old+office"); strings.Contains(leads.Page.Text(), "Seats of the old office") {
		t.Error("another customer finds the ticket")
	}
}
