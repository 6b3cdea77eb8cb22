package portal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/app/catalog"
)

// Customers see until when a floating seat is held, and free it at once.
func TestFloatingSeatsTellUntilWhenTheyAreHeld(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	pool := w.issue(ada.Customer.ID, w.product("Pool", func(p *catalog.NewProduct) { p.HoldFor = 15 * time.Minute }), limit(2))
	first := w.activate(pool, "Laptop")
	w.pass(5 * time.Minute)
	w.activate(pool, "Tower")
	const until, later = "24 Nov 2026, 09:56 UTC", "24 Nov 2026, 10:01 UTC"

	page := ada.get(pool.path())
	wantIn(t, page, "[aria-labelledby=dv]", "Seat held until "+until)
	wantIn(t, page, "[aria-labelledby=dv]", "Seat held until "+later)
	wantIn(t, page, "main", "the next one is free at "+until+", unless its device is still in use then")
	wantIn(t, ada.get("/activations"), "tbody", "Seat held until "+later)
	wantIn(t, ada.get("/activations/"+string(first.ID)), "[aria-labelledby=se]", "Seat held until "+until+". Seats of this license are floating")

	w.pass(10 * time.Minute)
	lapsed := ada.get("/activations/" + string(first.ID))
	wantIn(t, lapsed, "[aria-labelledby=se]", "Seat free again since "+until)
	wantIn(t, lapsed, "[aria-labelledby=se]", "It holds no seat")
	if text := ada.get(pool.path()).text("[aria-labelledby=dv]"); strings.Count(text, "Check that the device can reach the internet") != 1 {
		t.Errorf("of a device without a seat nothing is expected, but of the one that has it: %s", text)
	}
	if text := ada.get(pool.path()).text("main"); strings.Contains(text, "the next one is free") {
		t.Error("a license with a free seat says when the next one is free")
	}
	w.activate(pool, "Laptop")
	wantIn(t, ada.get(pool.path()), "main", "Laptop deactivated")
	wantIn(t, ada.get(pool.path()), "main", "floating seat not renewed in time")

	fixed := w.issue(ada.Customer.ID, w.product("Fixed"))
	seat := w.activate(fixed, "Desk")
	if text := ada.get("/activations/" + string(seat.ID)).text("main"); strings.Contains(text, "held until") {
		t.Errorf("a fixed seat reads %q", text)
	}
}
