package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
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
	exitError = 1 // the command was understood and did not succeed
	exitUsage = 2 // it was not understood
)

// commands is everything that can be typed after "keyward".
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve the customer portal and the API."`
	Demo    demoCommand    `cmd:"" help:"Serve living demo data, on this machine only."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to the schema of this program."`
	Backup  backupCommand  `cmd:"" help:"Write a backup while the server runs."`
	Restore restoreCommand `cmd:"" help:"Bring a backup back to an empty place."`
	Doctor  doctorCommand  `cmd:"" help:"Look over the records and what is around them."`
	Health  healthCommand  `cmd:"" help:"Ask the server on this machine whether it is well."`
	Seed    seedCommand    `cmd:"" help:"Fill a database with invented customers and licenses, for measurements."`
	Version versionCommand `cmd:"" help:"Print the version of this program."`

	Admin    adminCommands    `cmd:"" help:"Administrators."`
	Product  productCommands  `cmd:"" help:"Products."`
	Release  releaseCommands  `cmd:"" help:"Versions of products."`
	Customer customerCommands `cmd:"" help:"Customers and the people who sign in for them."`
	Token    tokenCommands    `cmd:"" help:"API tokens."`
	License  licenseCommands  `cmd:"" help:"Licenses."`
	Webhook  webhookCommands  `cmd:"" help:"Addresses of yours that are told what happens."`
	Ticket   ticketCommands   `cmd:"" help:"Support tickets."`
	Audit    auditCommands    `cmd:"" help:"The sealed chain of events."`
}

// description is what help begins with.
const description = `Self-hosted software licensing.

Products, customers and licenses can be named as people know them: a product by its slug, a customer by the e-mail address of somebody who
signs in for it, a license by its key. Every command reads the database itself and may run while the server does.`

// call is one run of the program.
type call struct {
	ctx context.Context
	Streams
}

// Main runs the command that the arguments name and returns the exit code.
// Interrupting the process, or ctx, asks it to stop in good order.
func Main(ctx context.Context, args []string, s Streams) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	helped := false
	parser, err := kong.New(&c, kong.Name("keyward"), kong.Description(description), kong.Writers(s.Out, s.Err),
		kong.Exit(func(int) { helped = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return report(s.Err, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args) // it calls the Validate of the settings too
	switch {
	case helped:
		return exitOK
	case err != nil:
		return reportUsage(s.Err, err)
	}
	if err := parsed.Run(&call{ctx, s}); err != nil {
		return report(s.Err, err)
	}
	return exitOK
}

// log is where a command tells the operator what goes on.
func (on *call) log(format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(on.Err, options))
	}
	return slog.New(slog.NewTextHandler(on.Err, options))
}
