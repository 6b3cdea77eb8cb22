package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/ticket"
)

// P-TIC-06, P-TIC-08, P-TIC-25: every switch of an operator reaches the desk.
func TestDeskSettings(t *testing.T) {
	usual := config.Support{Tickets: true, TicketFiles: true, TicketReopen: true, SupportHours: "09:00-18:00", SupportZone: "UTC"}
	for name, tt := range map[string]struct {
		change func(*config.Support)
		want   support.Settings
	}{
		"as it comes":   {func(*config.Support) {}, support.Settings{}},
		"no tickets":    {func(c *config.Support) { c.Tickets = false }, support.Settings{Off: true}},
		"no files":      {func(c *config.Support) { c.TicketFiles = false }, support.Settings{NoFiles: true}},
		"no reopening":  {func(c *config.Support) { c.TicketReopen = false }, support.Settings{NoReopen: true}},
		"incoming mail": {func(c *config.Support) { c.InboundDomain = "in.example.com" }, support.Settings{MailDomain: "in.example.com"}},
		"categories": {
			func(c *config.Support) { c.TicketCategory = []string{"Billing", "On-Site Visits"} },
			support.Settings{Categories: []ticket.Category{{Code: "billing", Label: "Billing"}, {Code: "on_site_visits", Label: "On-Site Visits"}}},
		},
	} {
		c := usual
		tt.change(&c)
		got, err := deskSettings(&c)
		if got.Hours.From != 9*60 || got.Hours.To != 18*60 || got.Hours.Zone.String() != "UTC" {
			t.Errorf("%s: hours %+v", name, got.Hours)
		}
		got.Hours = ticket.Hours{}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if none, err := deskSettings(nil); err != nil || none.Off {
		t.Errorf("without settings: %+v, %v", none, err)
	}
	for name, change := range map[string]func(*config.Support){
		"hours":    func(c *config.Support) { c.SupportHours = "18:00-09:00" },
		"zone":     func(c *config.Support) { c.SupportZone = "Mars" },
		"category": func(c *config.Support) { c.TicketCategory = []string{"!"} },
	} {
		c := usual
		change(&c)
		if _, err := deskSettings(&c); err == nil {
			t.Errorf("wrong %s was taken", name)
		}
	}
}
