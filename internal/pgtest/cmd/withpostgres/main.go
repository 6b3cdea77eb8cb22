// Command withpostgres runs another command with a PostgreSQL of its own:
//
//	withpostgres -- go test ./...
//
// The command finds the server's URL in KEYWARD_TEST_POSTGRES. Signals reach
// it, and its exit code becomes that of withpostgres. Where the variable is set
// already the command simply runs, and where PostgreSQL is missing it runs
// without one unless CI or KEYWARD_TEST_REQUIRE is set.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/keyward/keyward/internal/pgtest"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres -- COMMAND [ARGUMENT ...]")
		os.Exit(2)
	}
	code, err := run(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	// Before anything starts: a signal that comes early must not skip the end.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	if os.Getenv(pgtest.Variable) != "" {
		return runCommand(args, os.Environ(), signals)
	}
	server, err := pgtest.Start(context.Background())
	if errors.Is(err, pgtest.ErrMissing) && !pgtest.Required() {
		fmt.Fprintln(os.Stderr, "withpostgres: going on without a server.", err)
		return runCommand(args, os.Environ(), signals)
	}
	if err != nil {
		return 1, err
	}
	defer func() {
		if closeErr := server.Close(); closeErr != nil && code == 0 {
			code, err = 1, closeErr
		}
	}()
	return runCommand(args, append(os.Environ(), pgtest.Variable+"="+server.URL), signals)
}

func runCommand(args, env []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	done := make(chan struct{})
	go forward(cmd.Process, signals, done)
	err := cmd.Wait()
	close(done)
	return exitCode(cmd.ProcessState, err)
}

func forward(process *os.Process, signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			// It may have ended this instant, which is what the signal wants.
			_ = process.Signal(s)
		case <-done:
			return
		}
	}
}

// exitCode is the command's own, or 128 and the signal's number as a shell
// would say.
func exitCode(state *os.ProcessState, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}
