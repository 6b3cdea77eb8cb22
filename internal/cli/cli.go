package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/demo"
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// System is the streams of the process.
func System() Streams { return Streams{os.Stdin, os.Stdout, os.Stderr} }

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

type commands struct {
	Demo demoCommand `cmd:"" help:"Run Keyward with living demo data, on this machine only."`
}

// Main runs the command that the arguments name and returns the exit code.
func Main(ctx context.Context, args []string, s Streams) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	parser := kong.Must(&c, kong.Name("keyward"), kong.Writers(s.Out, s.Err), kong.Exit(func(int) {}))
	parsed, err := parser.Parse(args)
	if err != nil {
		io.WriteString(s.Err, "keyward: "+err.Error()+"\n")
		return exitUsage
	}
	if err := parsed.Run(&call{ctx, s}); err != nil {
		io.WriteString(s.Err, "keyward: "+err.Error()+"\n")
		return exitError
	}
	return exitOK
}

type call struct {
	ctx context.Context
	Streams
}

type demoCommand struct{ config.Demo }

func (c *demoCommand) Run(on *call) error {
	return demo.Run(on.ctx, demo.Options{Demo: c.Demo, Stdout: on.Out, Log: slog.New(slog.NewTextHandler(on.Err, nil))})
}
