package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	programReady = 3 * time.Minute // a new demo issues more than 10,000 licenses first
	programStops = 30 * time.Second
)

// program is a running process of the program under test.
type program struct {
	process *exec.Cmd
	ended   chan struct{}
	err     error // how it ended, once it has
}

// startProgram runs the program until the test ends, and returns when it has
// written the line that is awaited, on standard output or in its log.
func startProgram(t *testing.T, awaited func(line []byte) bool, args ...string) (*program, []byte) {
	t.Helper()
	p := &program{process: exec.Command(Binary(t), args...), ended: make(chan struct{})}
	said := &herald{awaited: awaited, line: make(chan []byte, 1), rest: t.Output()}
	p.process.Stdout, p.process.Stderr = said, said
	dieWithTest(p.process)
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.process.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.stop(t) })
	select {
	case line := <-said.line:
		return p, line
	case <-p.ended:
		t.Fatalf("%s ended before it was ready: %v", strings.Join(args, " "), p.err)
	case <-time.After(programReady):
		t.Fatalf("%s was not ready after %v", strings.Join(args, " "), programReady)
	}
	return nil, nil
}

// kill ends the program as a power failure would.
func (p *program) kill(t *testing.T) {
	t.Helper()
	if err := p.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
}

// stop asks the program to end, as an operator does, and expects it to do so in
// good order.
func (p *program) stop(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop the program: %v", err)
	}
	giveUp := time.AfterFunc(programStops, func() { _ = p.process.Process.Kill() })
	defer giveUp.Stop()
	if <-p.ended; p.err != nil {
		t.Errorf("the program did not stop in good order: %v", p.err)
	}
}

// herald waits for a line among what a program writes, and passes on what may
// explain a failure: a line for each request would only hide it.
type herald struct {
	awaited func(line []byte) bool
	line    chan []byte
	rest    io.Writer

	begun []byte // of a line
	done  bool
}

func (h *herald) Write(text []byte) (int, error) {
	h.begun = append(h.begun, text...)
	for {
		i := bytes.IndexByte(h.begun, '\n')
		if i < 0 {
			return len(text), nil
		}
		line := bytes.Clone(h.begun[:i+1])
		h.begun = h.begun[i+1:]
		if !h.done && h.awaited(line) {
			h.done = true
			h.line <- line
			continue
		}
		if bytes.Contains(line, []byte(" level=INFO ")) || bytes.Contains(line, []byte(`"level":"INFO"`)) {
			continue
		}
		if _, err := h.rest.Write(line); err != nil {
			return len(text), err
		}
	}
}

// keyward runs a command of the program to its end and returns what it prints.
func keyward(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), Binary(t), args...).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("keyward %s: %v\n%s", strings.Join(args, " "), err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// query runs a command of the program that prints JSON.
func query[T any](t *testing.T, args ...string) T {
	t.Helper()
	var result T
	text := keyward(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatalf("keyward %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return result
}
