package cli

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/server"
)

// storage is what every command takes that works on the records.
type storage struct {
	config.Database
	JSON bool `name:"json" help:"Print the result as JSON."`
}

// closing is how long a command waits for its last writes.
const closing = 10 * time.Second

// with opens the installation, does the work and closes it. It upgrades no
// schema: a server of an earlier version may be running on it.
func (s storage) with(on *call, work func(context.Context, *server.Services) error) (err error) {
	uses, err := s.open(on)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(on.ctx), closing)
		defer cancel()
		err = errors.Join(err, uses.Close(ctx))
	}()
	return work(on.ctx, uses)
}

func (s storage) open(on *call) (*server.Services, error) {
	uses, err := server.Assemble(on.ctx, s.Database, server.Options{NoMigrate: true, Log: on.log("text", slog.LevelWarn)})
	return uses, opening(err)
}

// opening explains why the records cannot be opened. The reason lies in the
// operator's hands, so that it is told as it is.
func opening(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Unavailable || ok && f.Next != "" {
		return err
	}
	var cause error = err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	return fault.Wrap(fault.Unavailable, "not_opened", "The database cannot be opened: "+sentence(cause.Error()), err).
		WithNext("Check --database and --data, and that the database server runs.")
}

// operator is who acts at the command line: the one who runs the program.
func operator() account.Actor { return account.System("") }
