package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	demoReady = 3 * time.Minute // it issues more than 10,000 licenses first
	demoStops = 30 * time.Second
)

// Demo is a running "keyward demo" and what it says about itself. The names
// in its JSON are a contract with everybody's scripts.
type Demo struct {
	URL     string `json:"url"`
	MailURL string `json:"mail_url"`

	Customer      SignIn `json:"customer"`
	OtherCustomer SignIn `json:"other_customer"`
	LargeCustomer SignIn `json:"large_customer"`
	EmptyCustomer SignIn `json:"empty_customer"`
	Admin         SignIn `json:"admin"`

	Tokens struct {
		Client    string            `json:"client"`
		Secret    string            `json:"secret"`
		ByProduct map[string]string `json:"by_product"`
	} `json:"tokens"`

	Products []Product `json:"products"`

	Licenses struct {
		Active         License `json:"active"`
		LimitReached   License `json:"limit_reached"`
		Expiring       License `json:"expiring"`
		Expired        License `json:"expired"`
		Suspended      License `json:"suspended"`
		Revoked        License `json:"revoked"`
		Assigned       License `json:"assigned"`
		HighSecurity   License `json:"high_security"`
		Staging        License `json:"staging"`
		Perpetual      License `json:"perpetual"`
		VersionLimited License `json:"version_limited"`
	} `json:"licenses"`

	// Data is the directory that holds what the program keeps outside its
	// database, or all of it.
	Data string `json:"-"`

	process *exec.Cmd
}

// SignIn is what a person types to get in.
type SignIn struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Product is one that the demo's vendor sells.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Environment string `json:"environment"`
}

// License is one of the demo's licenses.
type License struct {
	ID        string `json:"id"`
	Key       string `json:"key"`
	ProductID string `json:"product_id"`
}

// StartDemo runs the program's demo until the test ends. Without a database
// URL it keeps its data in SQLite.
func StartDemo(t *testing.T, databaseURL string) *Demo {
	t.Helper()
	demo := &Demo{Data: t.TempDir()}
	args := []string{"demo", "--json", "--listen", "127.0.0.1:0", "--data", demo.Data}
	if databaseURL != "" {
		args = append(args, "--database", databaseURL)
	}
	demo.process = exec.Command(Binary(t), args...)
	demo.process.Stderr = t.Output()
	dieWithTest(demo.process)
	line := start(t, demo.process)
	t.Cleanup(func() { demo.stop(t) })
	if err := json.Unmarshal(line, demo); err != nil {
		t.Fatalf("the demo's first line is not JSON: %v\n%s", err, line)
	}
	if gaps := empty(reflect.ValueOf(*demo), "demo"); len(gaps) > 0 {
		t.Fatalf("the demo says nothing about %s\n%s", strings.Join(gaps, ", "), line)
	}
	return demo
}

// start runs the process until it has printed its first line.
func start(t *testing.T, process *exec.Cmd) []byte {
	t.Helper()
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		line []byte
		err  error
	}
	first := make(chan answer, 1)
	go func() {
		lines := bufio.NewReader(out)
		line, err := lines.ReadBytes('\n')
		first <- answer{line, err}
		// Whatever else it prints must not fill the pipe and stop it.
		_, _ = io.Copy(io.Discard, lines)
	}()
	select {
	case a := <-first:
		if a.err == nil {
			return a.line
		}
		err = errors.Join(a.err, process.Wait())
	case <-time.After(demoReady):
		err = errors.Join(fmt.Errorf("nothing after %v", demoReady), process.Process.Kill(), process.Wait())
	}
	t.Fatalf("%s printed no line: %v", strings.Join(process.Args, " "), err)
	return nil
}

// Kill ends the program as a power failure would.
func (d *Demo) Kill(t *testing.T) {
	t.Helper()
	if err := d.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.process.Wait() // it was killed, as asked
}

// stop asks the program to end, as an operator does, and expects it to do so in
// good order.
func (d *Demo) stop(t *testing.T) {
	if d.process.ProcessState != nil {
		return
	}
	if err := d.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop the demo: %v", err)
	}
	giveUp := time.AfterFunc(demoStops, func() { _ = d.process.Process.Kill() })
	defer giveUp.Stop()
	if err := d.process.Wait(); err != nil {
		t.Errorf("the demo did not stop in good order: %v", err)
	}
}

// empty names every exported text that holds nothing, every list and map
// without entries.
func empty(v reflect.Value, name string) []string {
	var gaps []string
	switch v.Kind() {
	case reflect.String:
		if v.Len() == 0 {
			gaps = append(gaps, name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				gaps = append(gaps, empty(v.Field(i), name+"."+f.Name)...)
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			gaps = append(gaps, name)
		}
		for i := range v.Len() {
			gaps = append(gaps, empty(v.Index(i), fmt.Sprintf("%s[%d]", name, i))...)
		}
	case reflect.Map:
		if v.Len() == 0 {
			gaps = append(gaps, name)
		}
		for _, key := range v.MapKeys() {
			gaps = append(gaps, empty(v.MapIndex(key), name+"."+key.String())...)
		}
	}
	return gaps
}
