package identity

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

// SetTheme keeps the color scheme that the actor chose for themselves.
func (s *Service) SetTheme(ctx context.Context, actor account.Actor, theme account.Theme) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	if !theme.Known() {
		return fault.New(fault.Invalid, "theme_unknown", "There is no such theme.").WithField("theme", "Choose system, light or dark.")
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.SetTheme(ctx, actor.ID, theme, s.clock()) })
}

// SetTimeZone keeps the time zone in which the actor reads dates; "" follows
// the browser.
func (s *Service) SetTimeZone(ctx context.Context, actor account.Actor, zone string) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	if !knownZone(zone) {
		return fault.New(fault.Invalid, "time_zone_unknown", "There is no such time zone.").
			WithField("time_zone", `Choose one from the list, such as "Europe/Berlin".`)
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.SetTimeZone(ctx, actor.ID, zone, s.clock()) })
}

// knownZone refuses "Local": that is the server's, which nobody means.
func knownZone(zone string) bool {
	const most = 64
	if len(zone) > most || zone == "Local" {
		return false
	}
	_, err := time.LoadLocation(zone)
	return err == nil
}
