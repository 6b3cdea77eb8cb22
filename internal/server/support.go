package server

import (
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/ticket"
)

// deskSettings reads the settings of the support desk.
func deskSettings(c *config.Support) (support.Settings, error) {
	if c == nil {
		return support.Settings{}, nil
	}
	s := support.Settings{Off: !c.Tickets, NoFiles: !c.TicketFiles, NoReopen: !c.TicketReopen}
	for _, label := range c.TicketCategory {
		category, err := ticket.CategoryOf(label)
		if err != nil {
			return s, fault.Wrap(fault.Invalid, "setting", "ticket-category: "+err.Error(), err)
		}
		s.Categories = append(s.Categories, category)
	}
	if c.SupportHours == "" {
		return s, nil
	}
	var err error
	if s.Hours, err = ticket.ParseHours(c.SupportHours, c.SupportZone); err != nil {
		return s, fault.Wrap(fault.Invalid, "setting", "support-hours: "+err.Error(), err)
	}
	return s, nil
}
