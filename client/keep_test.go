package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
)

// newFloating is a device of a license with one floating seat of 20 minutes.
func newFloating(t *testing.T) *device {
	t.Helper()
	d := newDevice(t)
	p := d.AddProduct("Pool", func(p *license.Product) { p.HoldFor = 20 * time.Minute })
	one := 1
	d.license, d.key = d.Issue(p, licensing.Issue{CustomerID: d.AddCustomer("Pool owner").ID, Limit: &one})
	d.options.Token, d.options.Product, d.options.ProductKey = p.Token, string(p.ID), p.Pinned
	d.start(t, d.options)
	return d
}

// keep keeps the device's seat for some check-ins. The server's clock moves on
// as long as the device waits; before each wait meanwhile happens.
func (d *device) keep(t *testing.T, checkIns int, meanwhile func(int)) (codes []string, pauses []time.Duration, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.Client.SetWait(func(ctx context.Context, pause time.Duration) error {
		if len(codes) == checkIns {
			cancel()
			return ctx.Err()
		}
		if pause > 0 {
			pauses = append(pauses, pause)
			meanwhile(len(codes))
		}
		d.Advance(pause)
		return ctx.Err()
	})
	err = d.Client.Keep(ctx, d.key, func(a *client.Answer, err error) {
		if err != nil {
			codes = append(codes, err.Error())
			return
		}
		codes = append(codes, string(a.Verdict.Code))
	})
	return codes, pauses, err
}

func (d *device) other(t *testing.T) *client.Client {
	t.Helper()
	o := d.options
	o.Device, o.CachePath = client.Device{ID: "HW-2"}, ""
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKeep(t *testing.T) {
	nothing := func(int) {}
	t.Run("a floating seat is held while the software runs and free once it ends", func(t *testing.T) {
		d := newFloating(t)
		if _, err := d.Activate(t.Context(), d.key); err != nil {
			t.Fatal(err)
		}
		codes, pauses, err := d.keep(t, 4, func(int) {
			a, err := d.other(t).Activate(t.Context(), d.key)
			if err != nil || a.Verdict.Code != "limit_reached" {
				t.Errorf("another device got %v (%v)", a, err)
			}
		})
		if err != nil || !slices.Equal(codes, []string{"valid", "valid", "valid", "valid"}) {
			t.Errorf("heard %q (%v)", codes, err)
		}
		if !slices.Equal(pauses, []time.Duration{10 * time.Minute, 10 * time.Minute, 10 * time.Minute}) {
			t.Errorf("waited %v", pauses)
		}
		a, err := d.other(t).Activate(t.Context(), d.key)
		if err != nil || !a.Valid() {
			t.Errorf("afterwards another device got %v (%v)", a, err)
		}
	})
	t.Run("a seat that was lost is taken again when one is free", func(t *testing.T) {
		d := newFloating(t)
		if _, err := d.Activate(t.Context(), d.key); err != nil {
			t.Fatal(err)
		}
		codes, pauses, err := d.keep(t, 3, func(heard int) {
			other := d.other(t)
			switch heard {
			case 1: // the device sleeps too long, and another one comes
				d.Advance(20 * time.Minute)
				if a, err := other.Activate(t.Context(), d.key); err != nil || !a.Valid() {
					t.Errorf("another device got %v (%v)", a, err)
				}
			case 2:
				if _, err := other.Deactivate(t.Context(), d.key); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil || !slices.Equal(codes, []string{"valid", "seat_lapsed", "valid"}) {
			t.Errorf("heard %q (%v)", codes, err)
		}
		if !slices.Equal(pauses, []time.Duration{10 * time.Minute, 15 * time.Second}) {
			t.Errorf("waited %v", pauses)
		}
	})
	t.Run("a fixed seat is kept afterwards", func(t *testing.T) {
		d := newDevice(t)
		if _, err := d.Activate(t.Context(), d.key); err != nil {
			t.Fatal(err)
		}
		_, pauses, err := d.keep(t, 2, nothing)
		if err != nil || !slices.Equal(pauses, []time.Duration{time.Hour}) {
			t.Errorf("waited %v (%v)", pauses, err)
		}
		if a, err := d.Validate(t.Context(), d.key); err != nil || !a.Valid() {
			t.Errorf("got %v (%v)", a, err)
		}
	})
	t.Run("a seat that cannot be given back is told", func(t *testing.T) {
		d := newFloating(t)
		if _, err := d.Activate(t.Context(), d.key); err != nil {
			t.Fatal(err)
		}
		codes, _, err := d.keep(t, 2, func(int) { d.line.cut() })
		if !errors.Is(err, client.ErrAway) {
			t.Errorf("got %v after %q", err, codes)
		}
	})
}
