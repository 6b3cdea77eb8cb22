package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/internal/id"
)

// patrolEvery is how often one of the devices asks: often enough that a reader
// sees them live, seldom enough that the log stays readable.
const patrolEvery = 3 * time.Second

// caller is a device with what it needs to ask the server, as shipped software
// does.
type caller struct {
	device
	client *client.Client
}

// arrive makes the clients and lets each ask once. In a new demo the devices
// activate, which changes nothing for those that have their seats; later they
// only check in, so that a seat that somebody freed stays free.
func (d *running) arrive(ctx context.Context) ([]caller, error) {
	keys := map[string]string{}
	var callers []caller
	for _, dev := range d.Devices {
		if keys[dev.Product] == "" {
			key, err := d.pinned(ctx, dev.Product)
			if err != nil {
				return nil, err
			}
			keys[dev.Product] = key
		}
		c, err := dev.caller(d.Access.URL, keys[dev.Product])
		if err != nil {
			return nil, err
		}
		if err := c.ask(ctx, d.fresh); err != nil {
			return nil, fmt.Errorf("device %s: %w", dev.Name, err)
		}
		callers = append(callers, c)
	}
	return callers, nil
}

func (d *running) pinned(ctx context.Context, product string) (string, error) {
	key, err := d.server.Catalog.CurrentKey(ctx, id.ID(product))
	if err != nil {
		return "", err
	}
	public, err := key.Pinned()
	return public.String(), err
}

func (d device) caller(server, key string) (caller, error) {
	c, err := client.New(client.Options{
		BaseURL: server, Token: d.Token, Product: d.Product, ProductKey: key, Version: d.Version,
		Device: client.Device{ID: d.ID, Name: d.Name, Kind: string(d.Kind), Platform: d.Platform},
	})
	return caller{d, c}, err
}

// ask is one call of the device. What the verdict says is the server's
// business; an error is that there was none.
func (c caller) ask(ctx context.Context, arriving bool) error {
	call := c.client.CheckIn
	if arriving || !c.Seated {
		call = func(ctx context.Context, key string, _ ...string) (*client.Answer, error) {
			return c.client.Activate(ctx, key)
		}
	}
	_, err := call(ctx, c.Key)
	return err
}

// patrol lets the devices ask in turn until ctx ends.
func (d *running) patrol(ctx context.Context, devices []caller) {
	if len(devices) == 0 {
		return
	}
	ticker := time.NewTicker(patrolEvery)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % len(devices) {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := devices[i].ask(ctx, false); err != nil && ctx.Err() == nil {
			d.Log.WarnContext(ctx, "a device got no answer", "device", devices[i].Name, "error", err)
		}
	}
}
