package api

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// Question is what a verdict is asked about.
type Question struct {
	Purpose  string     `json:"purpose" enum:"use,add_device,download,offline" doc:"What the license should be good for."`
	Device   *Device    `json:"device,omitempty" doc:"For this device. Without it, the license as such."`
	Version  string     `json:"version,omitempty" maxLength:"64"`
	Features []string   `json:"features,omitempty" nullable:"false" maxItems:"50"`
	At       *time.Time `json:"at,omitempty" doc:"An instant to come. Without it, now. The verdict is what it will be if nothing else changes."`
}

func (in Question) forecast() licensing.Forecast {
	q := licensing.Forecast{Purpose: verdict.Purpose(in.Purpose), Version: in.Version, Features: in.Features, At: instant(in.At)}
	if in.Device != nil {
		q.Device = &license.Device{
			Identifier: in.Device.ID, Kind: license.Kind(in.Device.Kind), Name: in.Device.Name, Platform: in.Device.Platform,
		}
	}
	return q
}

// Key is a license key to look for.
type Key struct {
	Key string `json:"key" minLength:"1" maxLength:"255" doc:"The whole key. Case, blanks and hyphens do not matter."`
}

// WholeKey is a license key.
type WholeKey struct {
	Key string `json:"key" doc:"The whole license key."`
}

func statusNames() []string {
	names := []string{string(license.Available)}
	for _, s := range license.OwnedStatuses() {
		names = append(names, string(s))
	}
	return names
}

func readLicenseEndpoints() []endpoint {
	tag, needed := "vendor licenses", account.LicensesRead
	return []endpoint{
		list(endpoint{
			id: "list-licenses", path: licensesPath, tag: tag, permission: needed, summary: "List licenses",
			description: "Lists the licenses of the environment, oldest first.",
			params: []param{
				{name: "customer", doc: "Id of the owner.", format: "uuid"},
				{name: "product", doc: "Id of the product.", format: "uuid"},
				{name: "status", doc: "Only those of this status.", enum: statusNames()},
				{name: "ends_within_days", doc: "Only those that still validate and end within this many days.", number: license.MaxValidityDays},
			},
		}, listLicenses, func(l LicenseRecord) string { return l.ID }),
		fetch(endpoint{
			id: "get-license", path: licensesPath + "/{id}", tag: tag, permission: needed, summary: "Read a license",
			description: "Answers one license; its ETag is what a change is sent with.",
		}, getLicense),
		call(endpoint{
			id: "find-license", path: licensesPath + "/find", tag: tag, permission: needed, asks: true, summary: "Find a license by its key",
			description: "Answers the license with this key.",
		}, findLicense),
		call(endpoint{
			id: "license-verdict", path: licensesPath + "/{id}/verdict", tag: tag, permission: needed, asks: true, summary: "Ask whether a license is good",
			description: "Answers the verdict with every check, now or at an instant to come. Nothing changes, and no device is heard of.",
		}, askVerdict),
		list(endpoint{
			id: "license-history", path: licensesPath + "/{id}/history", tag: tag, permission: needed, summary: "Read the history of a license",
			description: "Lists what happened to the license, oldest first.",
		}, licenseHistory, func(e EventRecord) string { return e.ID }),
		call(endpoint{
			id: "reveal-key", path: licensesPath + "/{id}/reveal-key", tag: tag, permission: account.KeysReveal, asks: true, summary: "Reveal the key of a license",
			description: "Answers the whole key. Every time leaves an event, which the owner sees in the history.",
		}, func(a *API, q *asked, _ Nothing) (WholeKey, error) {
			wanted, err := q.id("id", "license")
			if err != nil {
				return WholeKey{}, err
			}
			key, err := a.Licensing.RevealKey(q.ctx, q.actor, wanted)
			return WholeKey{key}, err
		}),
	}
}

func listLicenses(a *API, q *asked) ([]LicenseRecord, error) {
	rows, now, err := a.Licensing.Licenses(q.ctx, q.actor, licensing.VendorQuery{
		Customer: q.filter("customer"), Product: q.filter("product"), Status: license.Status(q.query["status"]),
		Within: time.Duration(q.number("ends_within_days", 0)) * 24 * time.Hour, After: q.after, Limit: q.limit + 1,
	})
	return records(rows, func(l license.License) LicenseRecord { return recordOf(l, now) }), err
}

// records turns each row into its record.
func records[From, To any](rows []From, record func(From) To) []To {
	all := make([]To, len(rows))
	for i, row := range rows {
		all[i] = record(row)
	}
	return all
}

func (a *API) licenseRecord(q *asked, wanted id.ID) (LicenseRecord, error) {
	l, err := a.Licensing.License(q.ctx, q.actor, wanted)
	return recordOf(l, a.Now()), err
}

func getLicense(a *API, q *asked) (LicenseRecord, error) {
	wanted, err := q.id("id", "license")
	if err != nil {
		return LicenseRecord{}, err
	}
	return a.licenseRecord(q, wanted)
}

func findLicense(a *API, q *asked, in Key) (LicenseRecord, error) {
	found, err := a.Licensing.Find(q.ctx, q.actor, in.Key)
	if err != nil {
		return LicenseRecord{}, err
	}
	return a.licenseRecord(q, found)
}

func askVerdict(a *API, q *asked, in Question) (Verdict, error) {
	wanted, err := q.id("id", "license")
	if err != nil {
		return Verdict{}, err
	}
	v, err := a.Licensing.Forecast(q.ctx, q.actor, wanted, in.forecast())
	return verdictOf(v), err
}

func licenseHistory(a *API, q *asked) ([]EventRecord, error) {
	wanted, err := q.id("id", "license")
	if err != nil {
		return nil, err
	}
	rows, err := a.Licensing.History(q.ctx, q.actor, wanted, q.after, q.limit+1)
	return records(rows, eventRecordOf), err
}

func deviceEndpoints() []endpoint {
	tag := "vendor licenses"
	return []endpoint{
		list(endpoint{
			id: "list-activations", path: licensesPath + "/{id}/activations", tag: tag, permission: account.LicensesRead,
			summary: "List the devices of a license", description: "Lists activations, ended ones too, oldest first.",
		}, listActivations, func(r ActivationRecord) string { return r.ID }),
		change(endpoint{
			id: "end-activation", path: licensesPath + "/{id}/activations/{activation}/deactivate", tag: tag, permission: account.LicensesWrite,
			summary: "Take a device off a license", description: "Its seat is free at once. One that is off already stays so.",
		}, endActivation, func(a *API, q *asked, ended id.ID) (Done, error) { return Done{ID: string(ended)}, nil }),
	}
}

// Done names what was changed.
type Done struct {
	ID string `json:"id"`
}

func listActivations(a *API, q *asked) ([]ActivationRecord, error) {
	wanted, err := q.id("id", "license")
	if err != nil {
		return nil, err
	}
	rows, of, now, err := a.Licensing.Activations(q.ctx, q.actor, wanted, q.after, q.limit+1)
	return records(rows, func(one license.Activation) ActivationRecord { return activationRecordOf(one, of, now) }), err
}

func endActivation(a *API, q *asked, _ Nothing) (id.ID, error) {
	wanted, err := q.id("id", "license")
	if err != nil {
		return "", err
	}
	activation, err := q.id("activation", "activation")
	if err != nil {
		return "", err
	}
	return activation, a.Licensing.EndActivation(q.ctx, q.actor, wanted, activation)
}
