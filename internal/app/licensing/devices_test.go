package licensing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

func identifiers(l licensing.DeviceList) []string {
	var list []string
	for _, row := range l.Rows {
		list = append(list, row.Activation.Identifier)
	}
	return list
}

func TestDevices(t *testing.T) {
	w := apptest.New(t)
	p, web, c := w.Product("editor"), w.Product("site", func(p *license.Product, _ *license.Generator) { p.AcceptsDomain = true }), w.Customer("Ada")
	l, key := w.License(p, c)
	_, webKey := w.License(web, c)
	_, foreignKey := w.License(p, w.Customer("Ben"))
	owner := apptest.Owner(c)
	list := func(t *testing.T, q licensing.DeviceQuery) licensing.DeviceList {
		t.Helper()
		d, err := w.Licensing.Devices(t.Context(), owner, q)
		w.In(t).Must(err)
		return d
	}

	t.Run("without any the page knows", func(t *testing.T) { // P-ACT-22
		equal(t, licensing.DeviceList{At: apptest.Start, Rows: []licensing.DeviceRow{}, Counts: map[license.ActivationStatus]int{}}, list(t, licensing.DeviceQuery{}))
	})
	w.Activate(p, foreignKey, "HW-1")
	w.Activate(p, key, "HW-1", "HW_2")
	w.Clock.Add(time.Minute)
	domain := apptest.Call(webKey, "https://WWW.Example.com/shop")
	domain.Device.Kind, domain.Device.Name = license.Domain, ""
	equal(t, true, answer(t, w.Licensing.Activate, apptest.Client(web), domain).Verdict.Valid)
	answer(t, w.Licensing.Deactivate, apptest.Client(p), apptest.Call(key, "HW-1"))

	t.Run("all of the customer's, newest first, with license and product", func(t *testing.T) { // P-ACT-01, P-ACT-02, P-ACT-03
		d := list(t, licensing.DeviceQuery{})
		equal(t, []string{"example.com", "HW_2", "HW-1"}, identifiers(d))
		equal(t, license.Domain, d.Rows[0].Activation.Kind)
		equal(t, "Product site", d.Rows[0].Product.Name)
		equal(t, l.ID, d.Rows[1].License.ID)
		equal(t, map[license.ActivationStatus]int{license.ActivationActive: 2, license.ActivationDeactivated: 1}, d.Counts)
		equal(t, 3, d.Total)
		equal(t, true, d.Any)
		equal(t, nil, d.License)
	})
	t.Run("filters by text, status and license combine", func(t *testing.T) { // P-ACT-07, P-ACT-08, P-ACT-09
		equal(t, []string{"HW_2", "HW-1"}, identifiers(list(t, licensing.DeviceQuery{Search: "hw"})))
		equal(t, []string{"HW_2"}, identifiers(list(t, licensing.DeviceQuery{Search: "w_2"})))
		equal(t, []string{"HW-1"}, identifiers(list(t, licensing.DeviceQuery{Search: " Name  OF hw-1 "})))
		equal(t, []string{"HW-1"}, identifiers(list(t, licensing.DeviceQuery{Status: license.ActivationDeactivated})))
		d := list(t, licensing.DeviceQuery{LicenseID: l.ID, Status: license.ActivationActive})
		equal(t, []string{"HW_2"}, identifiers(d))
		equal(t, 1, d.Total)
		equal(t, 1, d.Counts[license.ActivationDeactivated])
		equal(t, l.ID, d.License.License.ID)
		equal(t, p.ID, d.License.Product.ID)
		equal(t, 1, d.License.Used)
		d = list(t, licensing.DeviceQuery{Search: "nothing"})
		equal(t, 0, d.Total)
		equal(t, true, d.Any)
	})
	t.Run("activations pause with their license", func(t *testing.T) { // C-LCY-07
		_, err := suspend(w, l)
		w.In(t).Must(err)
		equal(t, []string{"HW_2"}, identifiers(list(t, licensing.DeviceQuery{Status: license.ActivationSuspended})))
		_, err = reinstate(w, l)
		w.In(t).Must(err)
		equal(t, nil, identifiers(list(t, licensing.DeviceQuery{Status: license.ActivationSuspended})))
	})
	t.Run("who is not a customer has none", func(t *testing.T) {
		_, err := w.Licensing.Devices(t.Context(), apptest.Client(p), licensing.DeviceQuery{})
		refusedAs(t, err, fault.Forbidden, "not_a_customer")
	})
}

func TestDevicesPage(t *testing.T) { // P-ACT-23
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	_, key := w.License(p, c, func(in *licensing.Issue) { none := license.Unlimited; in.Limit = &none })
	for i := range licensing.PageSize + 5 {
		w.Activate(p, key, fmt.Sprint("HW-", i))
	}
	first, err := w.Licensing.Devices(t.Context(), apptest.Owner(c), licensing.DeviceQuery{})
	w.Must(err)
	equal(t, [2]bool{false, true}, [2]bool{first.HasPrior, first.HasNext})
	equal(t, licensing.PageSize, len(first.Rows))
	second, err := w.Licensing.Devices(t.Context(), apptest.Owner(c), licensing.DeviceQuery{After: first.Rows[24].Activation.ID, At: first.At})
	w.Must(err)
	equal(t, [2]bool{true, false}, [2]bool{second.HasPrior, second.HasNext})
	equal(t, []string{"HW-4", "HW-3", "HW-2", "HW-1", "HW-0"}, identifiers(second))
	back, err := w.Licensing.Devices(t.Context(), apptest.Owner(c), licensing.DeviceQuery{Before: second.Rows[0].Activation.ID, At: first.At})
	w.Must(err)
	equal(t, identifiers(first), identifiers(back))
	equal(t, [2]bool{false, true}, [2]bool{back.HasPrior, back.HasNext})
}

func TestFree(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { two := 2; in.Limit = &two })
	devices := w.Activate(p, key, "old", "other")
	owner := apptest.Owner(c)
	last := func() event.Event { list := w.Events(l); return list[len(list)-1] }

	t.Run("the page before asks about the device", func(t *testing.T) { // P-ACT-11
		d, err := w.Licensing.Device(t.Context(), owner, devices[0].ID)
		w.In(t).Must(err)
		equal(t, devices[0], d.Activation)
		equal(t, license.ActivationActive, d.Status)
		equal(t, 2, d.Used)
		equal(t, nil, d.Refusal)
		equal(t, event.ActivationCreated, last().Type)
	})
	t.Run("viewers only look", func(t *testing.T) {
		_, err := w.Licensing.Free(t.Context(), apptest.SignedIn(c, account.Viewer), devices[0].ID)
		refusedAs(t, err, fault.Forbidden, "role_too_low")
	})
	t.Run("the seat is free at once for another device", func(t *testing.T) { // P-ACT-12, P-ACT-14, P-ACT-19
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, apptest.Client(p), apptest.Call(key, "new")).Verdict.Code)
		d, err := w.Licensing.Free(t.Context(), owner, devices[0].ID)
		w.In(t).Must(err)
		equal(t, license.ActivationDeactivated, d.Status)
		equal(t, 1, d.Used)
		equal(t, license.ByOwner, d.Activation.EndReason)
		stored, err := w.Store.Activation(t.Context(), devices[0].ID)
		w.In(t).Must(err)
		equal(t, d.Activation, stored)
		used, limit := 1, 2
		equal(t, event.ActivationDeactivated, last().Type)
		equal(t, owner.ID, last().Actor.ID)
		equal(t, account.ActorPerson, last().Actor.Kind)
		equal(t, event.Data{Used: &used, Limit: &limit}, last().Data)
		equal(t, license.Active, w.Reread(l).Status(w.Clock.Now()))
		equal(t, verdict.NotActivated, answer(t, w.Licensing.Validate, apptest.Client(p), apptest.Call(key, "old")).Verdict.Code) // P-ACT-13
		w.In(t).Activate(p, key, "new")
	})
	t.Run("a double click is harmless and reports the same", func(t *testing.T) { // P-ACT-18
		before := w.Events(l)
		w.Clock.Add(time.Minute)
		d, err := w.Licensing.Free(t.Context(), owner, devices[0].ID)
		w.In(t).Must(err)
		equal(t, license.ActivationDeactivated, d.Status)
		equal(t, apptest.Start, d.Activation.EndedAt)
		equal(t, before, w.Events(l))
	})
	t.Run("one that is paused is refused, and that is noted", func(t *testing.T) { // P-ACT-10
		_, err := suspend(w, l)
		w.In(t).Must(err)
		_, err = w.Licensing.Free(t.Context(), owner, devices[1].ID)
		refusedAs(t, err, fault.Conflict, "activation_suspended")
		equal(t, event.DeactivationRefused, last().Type)
		equal(t, "activation_suspended", last().Reason)
		equal(t, devices[1].ID, last().ActivationID)
		_, err = reinstate(w, l)
		w.In(t).Must(err)
	})
	t.Run("a product can keep it to the vendor", func(t *testing.T) { // P-ACT-25
		guarded := w.Product("guarded", func(p *license.Product, _ *license.Generator) { p.SelfDeactivation = false })
		l, key := w.License(guarded, c)
		a := w.In(t).Activate(guarded, key, "HW-1")[0]
		d, err := w.Licensing.Device(t.Context(), owner, a.ID)
		w.In(t).Must(err)
		refusedAs(t, d.Refusal, fault.Forbidden, "self_deactivation_off")
		_, err = w.Licensing.Free(t.Context(), owner, a.ID)
		refusedAs(t, err, fault.Forbidden, "self_deactivation_off")
		stored, err := w.Store.Activation(t.Context(), a.ID)
		w.In(t).Must(err)
		equal(t, a, stored)
		list := w.Events(l)
		equal(t, event.DeactivationRefused, list[len(list)-1].Type)
	})
	t.Run("of a revoked license all are deactivated already", func(t *testing.T) {
		_, err := revoke(w, l)
		w.In(t).Must(err)
		before := w.Events(l)
		d, err := w.Licensing.Free(t.Context(), owner, devices[1].ID)
		w.In(t).Must(err)
		equal(t, license.ActivationDeactivated, d.Status)
		equal(t, license.WithLicense, d.Activation.EndReason)
		equal(t, before, w.Events(l))
	})
}
