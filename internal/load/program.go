package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Place is where an installation keeps its records: a data directory, and a
// PostgreSQL URL or "".
type Place struct{ Data, Database string }

// ParsePlace reads "DIR" or "DIR,postgres://...".
func ParsePlace(text string) Place {
	data, database, _ := strings.Cut(text, ",")
	return Place{data, database}
}

func (p Place) flags() []string {
	flags := []string{"--data", p.Data}
	if p.Database != "" {
		flags = append(flags, "--database", p.Database)
	}
	return flags
}

// name is the database's.
func (p Place) name() string {
	if p.Database != "" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// program is a process that listens.
type program struct {
	process *exec.Cmd
	url     string
	took    time.Duration // from its start until it listened
}

// serve starts Keyward on the records of a place.
func serve(ctx context.Context, binary string, p Place) (*program, error) {
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, p.flags()...)
	return start(ctx, binary, args...)
}

// start runs a program until it says where it listens, in a JSON line with an
// address.
func start(ctx context.Context, binary string, args ...string) (*program, error) {
	p := &program{process: exec.CommandContext(ctx, binary, args...)}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	p.process.Stderr = in
	p.process.Cancel = func() error { return p.process.Process.Signal(syscall.SIGTERM) }
	begun := time.Now()
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var said struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &said) == nil && said.Address != "" && said.Msg == "serving" {
			p.took, p.url = time.Since(begun), "http://"+said.Address
			go drain(out)
			return p, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s %s ended before it listened", binary, strings.Join(args, " ")), p.process.Wait())
}

// drain reads the log, so that the program never waits for its reader.
func drain(log io.ReadCloser) {
	_, _ = io.Copy(io.Discard, log) // ends with the program
	log.Close()
}

// abandon ends the program if it still runs, when a measurement broke off.
func (p *program) abandon() { _ = p.process.Process.Kill() }

// stop ends the program as an operator does.
func (p *program) stop() error {
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.process.Wait()
}

// privateMemory is how many bytes the program has written and nobody else
// shares. What is mapped from the database file or the program can be dropped
// at any time and does not count.
func (p *program) privateMemory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(string(line), "Private_Dirty: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10, nil
		}
	}
	return 0, errors.New("the system does not tell what memory is private")
}
