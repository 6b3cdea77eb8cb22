package identity

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
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

// Settings are a person's own (P-SET-01, P-SET-04, P-SET-05).
type Settings struct {
	TimeZone     string // "" follows the browser
	LicenseMail  bool   // mails about licenses and activations
	SecurityMail bool   // security alerts
}

// SettingsOf returns a person's settings.
func SettingsOf(p account.Person) Settings {
	return Settings{TimeZone: p.TimeZone, LicenseMail: !p.NoLicenseMail, SecurityMail: !p.NoSecurityMail}
}

// SaveSettings keeps the actor's own settings, all of them or none.
func (s *Service) SaveSettings(ctx context.Context, actor account.Actor, in Settings) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	if !knownZone(in.TimeZone) {
		return fault.New(fault.Invalid, "time_zone_unknown", "Your settings were not saved.").
			WithField("time_zone", `There is no such time zone. Choose one from the list, such as "Europe/Berlin".`)
	}
	now := s.clock()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		p, err := tx.LockPerson(ctx, actor.ID)
		if err != nil {
			return missing(err, "person")
		}
		if SettingsOf(p) == in {
			return nil
		}
		if err := tx.SetTimeZone(ctx, p.ID, in.TimeZone, now); err != nil {
			return err
		}
		if err := tx.SetMailWishes(ctx, p.ID, in.LicenseMail, in.SecurityMail, now); err != nil {
			return err
		}
		e := event.New(event.SettingsChanged, actor, now)
		e.PersonID, e.CustomerID = p.ID, actor.CustomerID
		return tx.AppendEvent(ctx, e)
	})
}

// RequestTestMail has a mail sent to the actor that says that mails arrive
// (P-SET-10). While one waits, another is not added.
func (s *Service) RequestTestMail(ctx context.Context, actor account.Actor) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	now := s.clock()
	if err := count(ctx, s.limits.testMail, string(actor.ID), now, "Look for the test mails that are on their way already, in the spam folder too."); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.EnqueueNotice(ctx, account.TestNotice, actor.ID, now)
		return err
	})
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
