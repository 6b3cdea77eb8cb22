package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// Call is what shipped software asks about a license.
type Call struct {
	Key         string     `json:"key" minLength:"1" maxLength:"255" doc:"The license key, as the customer has it. Case, blanks and hyphens do not matter." example:"ACME-7K2M-9QRT-4WXY-P3DF"`
	Device      *Device    `json:"device,omitempty" doc:"The device that the software runs on."`
	Product     string     `json:"product,omitempty" maxLength:"64" doc:"Id or slug of the product that asks. The token's product is asked for anyway." example:"acme-studio"`
	Environment string     `json:"environment,omitempty" enum:"production,staging,development" doc:"The environment that the software believes to be in. Another one than the token's is refused."`
	Version     string     `json:"version,omitempty" maxLength:"64" doc:"The version of the software that asks." example:"8.4.1"`
	Features    []string   `json:"features,omitempty" nullable:"false" maxItems:"50" doc:"Keys of features that the license must include." example:"[\"export\"]"`
	Nonce       string     `json:"nonce,omitempty" maxLength:"128" doc:"Text that comes back in the lease and proves that it answers this request. Printable ASCII." example:"n-0S6_WzA2Mj"`
	Claim       string     `json:"claim,omitempty" maxLength:"32" doc:"Claim code of a seat that is kept for this device, as the portal showed it when another device was replaced. Activating only; case, blanks and hyphens do not matter. One that is not accepted makes no difference where a seat is free; where none is, the check limit_reached has the reason claim_refused." example:"7K2M-9QRT"`
	ClientTime  *time.Time `json:"client_time,omitempty" doc:"The clock of the device. Where the product says so, one that is far off is refused." example:"2026-03-12T12:00:00Z"`
}

// Device is a device as it describes itself.
type Device struct {
	ID       string `json:"id" maxLength:"255" doc:"What identifies the device and stays the same: a hardware id, or the name of a host." example:"4C4C4544-0042-3510"`
	Name     string `json:"name,omitempty" maxLength:"128" doc:"What its owner knows it by." example:"Studio Mac"`
	Kind     string `json:"kind,omitempty" enum:"hardware,domain" doc:"What the id is. Without it, hardware."`
	Platform string `json:"platform,omitempty" maxLength:"64" doc:"Operating system and architecture." example:"darwin/arm64"`
}

func (c Call) question(idempotency string) licensing.Call {
	q := licensing.Call{
		Key: c.Key, Product: c.Product, Environment: license.Environment(c.Environment), Version: c.Version,
		Features: c.Features, Nonce: c.Nonce, Idempotency: idempotency, Claim: c.Claim,
	}
	if c.Device != nil {
		q.Device = &license.Device{
			Identifier: c.Device.ID, Kind: license.Kind(c.Device.Kind), Name: c.Device.Name, Platform: c.Device.Platform,
		}
	}
	if c.ClientTime != nil {
		q.ClientTime = c.ClientTime.UTC()
	}
	return q
}

// operation is one thing that software can ask for.
type operation struct {
	id, path    string
	summary     string
	description string
	needsDevice bool
	changes     bool // takes an Idempotency-Key
	ask         func(*licensing.Service, context.Context, account.Actor, licensing.Call) (licensing.Answer, error)
	answer      string // schema of the answer
	show        func(*API, context.Context, account.Actor, licensing.Answer) (any, error)
}

func operations() []operation {
	return []operation{
		{
			id: "validate", path: "/api/v2/licenses/validate", summary: "Is this license good to use?",
			description: "Answers whether the license is good to use, on the device if one is named. Nothing changes, except that the device was heard of.",
			ask:         (*licensing.Service).Validate, answer: "Answer", show: (*API).answered,
		},
		{
			id: "activate", path: "/api/v2/licenses/activate", summary: "Take a seat for a device",
			description: "Gives the device a seat of the license. The same device again takes no second one. When no seat is free the verdict is limit_reached, and the fix deactivate_device links to the page where the customer can let this device in: show the link, or open it in a browser. It asks to sign in and is good for 24 hours.",
			needsDevice: true, changes: true, ask: (*licensing.Service).Activate, answer: "Answer", show: (*API).answered,
		},
		{
			id: "deactivate", path: "/api/v2/licenses/deactivate", summary: "Give a device's seat back",
			description: "Ends the device's activation, whatever the state of the license. The verdict is that of using the license afterwards: not_activated says that it worked, and asking again says the same.",
			needsDevice: true, changes: true, ask: (*licensing.Service).Deactivate, answer: "Answer", show: (*API).answered,
		},
		{
			id: "check-in", path: "/api/v2/licenses/check-in", summary: "Report that a device is in use",
			description: "Validates for a device that says who it is: its seat is kept and it gets a new lease. A floating seat is held until activation.hold_until from then on: check in again before. A device whose seat lapsed takes another one if one is free; else the verdict is seat_lapsed.",
			needsDevice: true, ask: (*licensing.Service).CheckIn, answer: "Answer", show: (*API).answered,
		},
		{
			id: "releases", path: "/api/v2/licenses/releases", summary: "Which releases does this license include?",
			description: "Lists the releases that the owner of the license finds in the portal, newest first and at most 100: those that it includes with their files, and those that a renewed maintenance would add. Files are fetched in the portal.",
			ask:         (*licensing.Service).Validate, answer: "ReleaseList", show: (*API).released,
		},
	}
}

func (a *API) answered(_ context.Context, _ account.Actor, answer licensing.Answer) (any, error) {
	return answerOf(answer), nil
}

// call answers one kind of question.
func (a *API) call(op operation) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		actor := actorOf(r.Context())
		in, err := a.calls.readCall(r)
		if err != nil {
			return err
		}
		if err := a.limiter.mayGuess(r, actor.ID); err != nil {
			return err
		}
		idempotency := ""
		if op.changes {
			idempotency = r.Header.Get("Idempotency-Key")
		}
		answer, err := op.ask(a.Licensing, r.Context(), actor, in.question(idempotency))
		if err != nil {
			return err
		}
		if answer.Verdict.Code == verdict.KeyUnknown {
			if err := a.limiter.guessed(r, actor.ID); err != nil {
				return err
			}
		}
		body, err := op.show(a, r.Context(), actor, answer)
		if err != nil {
			return err
		}
		return writeJSON(w, body)
	}
}

func writeJSON(w http.ResponseWriter, body any) error { return writeStatus(w, http.StatusOK, body) }

func writeStatus(w http.ResponseWriter, status int, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A client that left is the only way this can fail.
	_, _ = w.Write(append(data, '\n'))
	return nil
}
