package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keyward/keyward/internal/server"
)

// Calls says how the API is measured.
type Calls struct {
	Binary  string        // Keyward
	Bare    []string      // the command that runs Bare
	Place   Place         // whose records get a product for each measurement
	Lasting time.Duration // of each measurement
	Rate    int           // validations a second when they do not wait for answers
}

const (
	validatePath = "/api/v2/licenses/validate"
	activatePath = "/api/v2/licenses/activate"

	validators = 32
	rounds     = 3
)

// Run measures how Keyward starts, validates and activates, and prints it.
func (c Calls) Run(ctx context.Context, out io.Writer) error {
	m := &measurement{Calls: c, out: out}
	err := with(ctx, c.Place, func(uses *server.Services) (err error) {
		m.ware, err = prepareWare(ctx, uses)
		return err
	})
	if err != nil {
		return err
	}
	if m.keyward, err = serve(ctx, c.Binary, c.Place); err != nil {
		return err
	}
	defer m.keyward.abandon()
	memory, err := m.keyward.privateMemory()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: listening %d ms after the start; %.1f MB of private memory then\n", c.Place.name(), m.keyward.took.Milliseconds(), float64(memory)/1e6)
	for _, measure := range []func(context.Context) error{m.validate, m.paced, m.activate, m.idle} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return m.keyward.stop()
}

// measurement is one run of Calls.
type measurement struct {
	Calls
	ware      ware
	keyward   *program
	addresses int // that have asked
	out       io.Writer
}

// validate compares validations of a known device with Bare, in turns.
func (m *measurement) validate(ctx context.Context) error {
	least, err := start(ctx, m.Bare[0], m.Bare[1:]...)
	if err != nil {
		return err
	}
	defer least.abandon()
	ask, err := m.knownDevice(ctx)
	if err != nil {
		return err
	}
	for range rounds {
		bare, err := closed(ctx, m.crew(validators), m.Lasting, ask(least))
		if err != nil {
			return err
		}
		full, err := closed(ctx, m.crew(validators), m.Lasting, ask(m.keyward))
		if err != nil {
			return err
		}
		fmt.Fprintf(m.out, "validate, %d callers: %.0f/s, p99 %.1f ms, %d failed; the least possible %.0f/s: %.0f %% of it\n",
			validators, full.rate(), full.within(0.99).Seconds()*1e3, full.failed(), bare.rate(), 100*full.rate()/bare.rate())
	}
	return nil
}

// knownDevice activates a device and returns how to validate for it.
func (m *measurement) knownDevice(ctx context.Context) (func(*program) request, error) {
	device := map[string]string{"id": "HW-KNOWN", "name": "Known"}
	activation, err := json.Marshal(map[string]any{"key": m.ware.Licenses[0].Key, "device": device})
	if err != nil {
		return nil, err
	}
	if status, _, err := m.crew(1)[0].post(ctx, m.keyward.url+activatePath, activation); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("activating the known device: status %d, %w", status, err)
	}
	body, err := json.Marshal(map[string]any{"key": m.ware.Licenses[0].Key, "device": device, "version": "8.4.1", "nonce": "n-0S6_WzA2Mj"})
	if err != nil {
		return nil, err
	}
	return func(p *program) request {
		return func(ctx context.Context, by caller, _ int) (int, error) {
			status, _, err := by.post(ctx, p.url+validatePath, body)
			return status, err
		}
	}, nil
}

// paced validates at a steady rate.
func (m *measurement) paced(ctx context.Context) error {
	ask, err := m.knownDevice(ctx)
	if err != nil {
		return err
	}
	for range rounds {
		o, err := open(ctx, m.crew(4*validators), m.Rate, m.Lasting, ask(m.keyward))
		if err != nil {
			return err
		}
		fmt.Fprintf(m.out, "validate, %d/s asked: %.0f/s answered, p50 %.1f ms, p99 %.1f ms, %d failed\n",
			m.Rate, o.rate(), o.within(0.5).Seconds()*1e3, o.within(0.99).Seconds()*1e3, o.failed())
	}
	return nil
}

// activate gives new devices seats, and counts in the records that none that
// was acknowledged is lost or there twice.
func (m *measurement) activate(ctx context.Context) error {
	given := 1 // the known device's
	for _, n := range []int{64, 256} {
		var seated atomic.Int64
		o, err := closed(ctx, m.crew(n), m.Lasting, func(ctx context.Context, by caller, i int) (int, error) {
			key := m.ware.Licenses[i%licenses].Key
			status, answer, err := by.post(ctx, m.keyward.url+activatePath, fmt.Appendf(nil, `{"key": %q, "device": {"id": "HW-%d-%d"}}`, key, n, i))
			if bytes.Contains(answer, []byte(`"valid":true`)) {
				seated.Add(1)
			}
			return status, err
		})
		if err != nil {
			return err
		}
		given += int(seated.Load())
		fmt.Fprintf(m.out, "activate, %d callers: %.0f/s, p99 %.1f ms, answers by status %v, %d seats given\n", n, o.rate(), o.within(0.99).Seconds()*1e3, o.statuses, seated.Load())
	}
	return with(ctx, m.Place, func(uses *server.Services) error {
		held, over := 0, 0
		for _, l := range m.ware.Licenses {
			s, err := uses.Store.Seats(ctx, l.ID, nil, time.Now())
			if err != nil {
				return err
			}
			held, over = held+s.Used, over+max(0, s.Used-seats)
		}
		fmt.Fprintf(m.out, "activate: %d seats acknowledged, %d on record, %d over a limit\n", given, held, over)
		return nil
	})
}

// idle tells the memory once everything is answered.
func (m *measurement) idle(ctx context.Context) error {
	if err := until(ctx, time.Now().Add(2*m.Lasting)); err != nil {
		return err
	}
	memory, err := m.keyward.privateMemory()
	fmt.Fprintf(m.out, "idle after that: %.1f MB of private memory\n", float64(memory)/1e6)
	return err
}

// crew is n callers at addresses that nobody has asked from: those before may
// have asked as often as one may.
func (m *measurement) crew(n int) []caller {
	list := make([]caller, n)
	for i := range list {
		list[i] = newCaller(m.addresses, m.ware.Token)
		m.addresses++
	}
	return list
}
