// Command checkin is a small licensed program: it activates its license on this
// machine when needed, then checks in now and then and says whether it may run.
// It shows what software has to do with package client and is no part of the
// server.
//
//	KEYWARD_URL=http://127.0.0.1:8080 KEYWARD_TOKEN=kwc_... \
//	KEYWARD_PRODUCT=0190... KEYWARD_PRODUCT_KEY=keyward:ed25519:... \
//	KEYWARD_LICENSE_KEY=... go run ./examples/checkin -every 30s
//
// The license key comes from the environment because arguments can be read by
// everybody on the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/verdict"
)

func main() {
	every := flag.Duration("every", time.Minute, "time between two check-ins; 0 asks once")
	device := flag.String("device", "", "identifier of this device; the host's name without it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *device, *every); err != nil {
		fmt.Fprintln(os.Stderr, "checkin:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, device string, every time.Duration) error {
	c, err := newClient(device)
	if err != nil {
		return err
	}
	key := os.Getenv("KEYWARD_LICENSE_KEY")
	for {
		answer, err := checkIn(ctx, c, key)
		if err != nil {
			return err
		}
		report(answer)
		if every <= 0 || !pause(ctx, every) {
			return nil
		}
	}
}

func newClient(device string) (*client.Client, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	if device == "" {
		device = host
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return nil, err
	}
	return client.New(client.Options{
		BaseURL:    os.Getenv("KEYWARD_URL"),
		Token:      os.Getenv("KEYWARD_TOKEN"),
		Product:    os.Getenv("KEYWARD_PRODUCT"),
		ProductKey: os.Getenv("KEYWARD_PRODUCT_KEY"),
		Device:     client.Device{ID: device, Name: host, Platform: runtime.GOOS + "/" + runtime.GOARCH},
		CachePath:  filepath.Join(config, "keyward-checkin", "license.json"),
		Version:    "1.0.0",
	})
}

// checkIn activates the license where this device has no seat yet.
func checkIn(ctx context.Context, c *client.Client, key string) (*client.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	answer, err := c.CheckIn(ctx, key)
	if err != nil || answer.Verdict.Code != verdict.NotActivated {
		return answer, err
	}
	activated, err := c.Activate(ctx, key)
	if errors.Is(err, client.ErrAway) {
		return answer, nil // still not activated
	}
	return activated, err
}

func report(a *client.Answer) {
	words := verdict.Describe(a.Verdict.Code)
	switch {
	case !a.Valid():
		fmt.Printf("not licensed: %s. %s\n", words.Title, words.Customer)
	case a.Offline:
		fmt.Println("licensed; the server is away, and that is fine until", a.Lease.ValidUntil.Local().Format(time.DateTime))
	default:
		fmt.Println("licensed")
	}
	for _, fix := range a.Verdict.Fixes {
		if fix.Actor == verdict.ByCustomer && fix.Href != "" {
			fmt.Println("  ", fix.Action, fix.Href)
		}
	}
}

// pause reports whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
