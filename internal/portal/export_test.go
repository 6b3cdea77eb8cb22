package portal

import "github.com/keyward/keyward/internal/ui"

// Templates are the door's parsed pages.
func (d *Door) Templates() *ui.Templates { return d.templates }

// PageStructs are the pages with the structs that they are rendered with.
func PageStructs() map[string]any {
	return map[string]any{
		"downloads": downloadsPage{}, "changelogs": changelogsPage{}, "changelog": changelogPage{}, "changelog_public": changelogPage{},
		"login": signInPage{}, "forgot": forgotPage{}, "password": passwordPage{},
		"offline": offlinePage{}, "offline-review": offlineReviewPage{}, "offline-return": offlineReturnPage{},
		"dashboard": dashboardPage{}, "licenses": licensesPage{}, "license": licensePage{},
		"export":      exportPage{},
		"activations": activationsPage{}, "deactivate": deactivatePage{},
		"device": devicePage{}, "replace": replacePage{}, "swap": swapPage{}, "deactivate-all": deactivateAllPage{}, "error": ui.ErrorPage{}, "profile": profilePage{},
		"second_step": secondStepPage{}, "security": securityPage{}, "authenticator": authenticatorPage{}, "recovery_codes": recoveryCodesPage{}, "ask": askPage{},
		"views":   viewsPage{},
		"tickets": ticketsPage{}, "ticket": ticketPage{}, "ticket_new": newTicketPage{},
		"settings": settingsPage{},
		"calendar": calendarPage{},
		"team":     teamPage{}, "customers": customersPage{}, "join": joinPage{},
		"signinlink": linkPage{}, "enter": enterPage{}, "landing": landingPage{},
	}
}

// CutSearch shortens a text until it may stand in an address.
func CutSearch(text string) (string, bool) { return cutSearch(text) }

// KeyEnding is the end of a masked key that is read aloud.
func KeyEnding(mask string) string { return keyEnding(mask) }
