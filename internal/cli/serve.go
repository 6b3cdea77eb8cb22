package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"runtime/debug"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/demo"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/server"
)

type serveCommand struct{ config.Server }

func (c *serveCommand) Run(on *call) error {
	log := on.log(c.LogFormat, slog.LevelInfo)
	for name, value := range c.Dump() {
		if value != "" {
			log.Debug("setting", "name", name, "value", value)
		}
	}
	err := server.Run(on.ctx, c.Server, log, func(a net.Addr) {
		log.Info("serving", "address", a.String())
		if c.BaseURL == "" && !loopback(a) {
			log.Warn("links in mails need the address at which customers reach the portal: set --base-url")
		}
	})
	if on.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // stopped before it served
	}
	return opening(err)
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

type demoCommand struct{ config.Demo }

func (c *demoCommand) Run(on *call) error {
	level := slog.LevelWarn // the devices would fill the screen
	if c.JSON {
		level = slog.LevelInfo
	}
	return demo.Run(on.ctx, demo.Options{Demo: c.Demo, Stdout: on.Out, Log: on.log("text", level)})
}

type migrateCommand struct{ storage }

func (c *migrateCommand) Run(on *call) error {
	from, to, err := server.Migrate(on.ctx, c.Database, on.log("text", slog.LevelWarn))
	if err != nil {
		return opening(err)
	}
	return c.show(on, migrated{from, to})
}

type migrated struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (m migrated) text() string {
	if m.From == m.To {
		return fmt.Sprintf("The database has schema version %d already.\n", m.To)
	}
	return fmt.Sprintf("The database went from schema version %d to %d.\n", m.From, m.To)
}

type versionCommand struct {
	JSON bool `name:"json" help:"Print the result as JSON."`
}

func (c *versionCommand) Run(on *call) error {
	v := version{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	return show(on, c.JSON, v)
}

type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v version) text() string {
	return fmt.Sprintf("keyward %s %s %s\n", v.Version, v.Go, v.Platform)
}

type seedCommand struct {
	storage
	Customers int `name:"customers" default:"10" help:"How many customers to add."`
	Licenses  int `name:"licenses" default:"1000" help:"How many licenses to add, spread over those customers."`
}

func (c *seedCommand) Run(on *call) error {
	if c.Customers < 1 || c.Licenses < 0 {
		return fault.New(fault.Invalid, "seed_counts", "Add at least one customer, and no fewer than 0 licenses.")
	}
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		done, err := demo.Seed(ctx, uses, demo.Amount{Customers: c.Customers, Licenses: c.Licenses}, on.Err)
		if err != nil && ctx.Err() == nil {
			return err
		}
		return c.show(on, seeded{done.Customers, done.Licenses, ctx.Err() != nil})
	})
}

type seeded struct {
	Customers   int  `json:"customers"`
	Licenses    int  `json:"licenses"`
	Interrupted bool `json:"interrupted"`
}

func (s seeded) text() string {
	how := "Added"
	if s.Interrupted {
		how = "Interrupted after adding"
	}
	return fmt.Sprintf("%s %d customers and %d licenses.\n", how, s.Customers, s.Licenses)
}
