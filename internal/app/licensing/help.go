package licensing

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
)

// helpFor is how long the link in a refusal leads somewhere.
const helpFor = 24 * time.Hour

// helpTicket is what a help link says: it is for one purpose, sealed, and worth
// nothing to anybody who is not signed in for the license's owner.
type helpTicket struct {
	License id.ID  `json:"l"`
	Device  []byte `json:"d"` // hash of its identifier
	Until   int64  `json:"u"` // seconds
}

func helpBinding() signing.Binding {
	return signing.Binding{Table: "link", Column: "help", Row: "replace"}
}

// helpLink is the address of the page where a seat is made free for a refused
// device. It has no key in it, and nothing else that can be read. Without a
// device it is the list of the license's devices.
func (s *Service) helpLink(l id.ID, d *license.Device, now time.Time) string {
	plain := s.BaseURL + "/activations?license=" + string(l)
	if d == nil {
		return plain
	}
	text, err := json.Marshal(helpTicket{License: l, Device: s.helpDevice(*d), Until: now.Add(helpFor).Unix()})
	if err != nil {
		return plain
	}
	sealed, err := s.Master.Seal(text, helpBinding())
	if err != nil {
		return plain
	}
	return s.BaseURL + "/help/" + base64.RawURLEncoding.EncodeToString(sealed)
}

func (s *Service) helpDevice(d license.Device) []byte {
	return s.Master.TokenHash("help-device", string(d.Kind)+" "+d.Fold())
}

// Help is where a help link leads.
type Help struct {
	LicenseID id.ID
	Attempt   id.ID // the refused activation of the link's device, "" when it is no longer listed
}

// maxHelp bounds the text of a help link, in bytes.
const maxHelp = 1024

// OpenHelp reads the text of a help link. For people of another customer the
// license does not exist.
func (s *Service) OpenHelp(ctx context.Context, actor account.Actor, text string) (Help, error) {
	if err := customerOnly(actor); err != nil {
		return Help{}, err
	}
	t, err := s.readHelp(text)
	if err != nil {
		return Help{}, err
	}
	if _, err := s.owned(ctx, s.Store.Reader, actor, t.License); err != nil {
		return Help{}, err
	}
	h := Help{LicenseID: t.License}
	list, err := s.Store.Attempts(ctx, t.License, attemptsLookedAt)
	for _, a := range list {
		d := license.Device{Kind: a.Kind, Identifier: a.Identifier}
		if a.ID != "" && bytes.Equal(s.helpDevice(d), t.Device) {
			h.Attempt = a.ID
			break
		}
	}
	return h, err
}

func (s *Service) readHelp(text string) (helpTicket, error) {
	var t helpTicket
	unusable := fault.New(fault.NotFound, "link_unusable", "This link is damaged or too old.").
		WithNext("Find the license in My Licenses, or try again in the software: it then gives a new link.")
	if len(text) > maxHelp {
		return t, unusable
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return t, unusable
	}
	plain, err := s.Master.Open(sealed, helpBinding())
	if err != nil || json.Unmarshal(plain, &t) != nil || !s.clock().Before(time.Unix(t.Until, 0)) {
		return t, unusable
	}
	return t, nil
}
