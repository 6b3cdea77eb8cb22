package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/cli"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/ticket"
)

// askTwice opens two tickets of a new installation in a directory.
func askTwice(t *testing.T, dir string) {
	t.Helper()
	uses, err := server.Assemble(t.Context(), config.Database{Data: dir}, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c, p, err := uses.Identity.CreateCustomer(t.Context(), account.System(""), identity.NewCustomer{Name: "Nordlicht", Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	ada := account.Actor{Kind: account.ActorPerson, ID: p.ID, CustomerID: c.ID, Role: account.Owner}
	for _, subject := range []string{"It does not start", "Still not"} {
		_, err := uses.Support.Create(t.Context(), ada, support.Question{
			Subject: subject, Category: "billing", Priority: ticket.High, Description: "Nothing happens.",
			Files: []support.NewFile{{Name: "a.log", Content: []byte("boom")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := uses.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Staff work with tickets at the command line, on the use cases of the portal.
func TestTickets(t *testing.T) {
	dir := t.TempDir()
	askTwice(t, dir)
	for _, tt := range []struct {
		args []string
		want string // in the output
	}{
		{[]string{"admin", "create", "kim@example.com", "--role", "support_agent"}, "kim@example.com"},
		{[]string{"ticket", "list"}, "TICK-1001   open     high       billing    production"},
		{[]string{"ticket", "assign", "tick-1001", "kim@example.com"}, "in_progress"},
		{[]string{"ticket", "note", "1001", "Looks like a driver"}, "in_progress"},
		{[]string{"ticket", "reply", "TICK-1001", "Which driver?"}, "waiting"},
		{[]string{"ticket", "show", "1001"}, "Which driver?"},
		{[]string{"ticket", "show", "1001"}, "(note)"},
		{[]string{"ticket", "show", "1001"}, "[file 1] a.log"},
		{[]string{"ticket", "show", "1001", "--json"}, `"asked_by": "ada@example.com"`},
		{[]string{"ticket", "status", "1001", "resolved"}, "resolved"},
		{[]string{"ticket", "list", "--status", "resolved"}, "It does not start"},
		{[]string{"ticket", "merge", "1002", "1001"}, "closed"},
		{[]string{"ticket", "close", "1001"}, "closed"},
		{[]string{"ticket", "list", "--status", "open"}, "No ticket."},
		{[]string{"ticket", "list", "--environment", "staging"}, "No ticket."},
		{[]string{"ticket", "list", "--environment", "production"}, "TICK-1002"},
	} {
		var out, errs bytes.Buffer
		code := cli.Main(t.Context(), append(tt.args, "--data="+dir), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != 0 || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%v: exit code %d\n%s%s", tt.args, code, &out, &errs)
		}
	}
	for _, args := range [][]string{{"ticket", "show", "nonsense"}, {"ticket", "show", "999"}, {"ticket", "reply", "1001", "Hello?"}, {"ticket", "merge", "1001", "1002"}} {
		var out, errs bytes.Buffer
		if code := cli.Main(t.Context(), append(args, "--data="+dir), cli.Streams{Out: &out, Err: &errs}); code != 1 || errs.Len() == 0 {
			t.Errorf("%v: exit code %d\n%s%s", args, code, &out, &errs)
		}
	}
}

// P-TIC-30: staff fetch what is attached. Nothing that is there is overwritten,
// and what is no longer what was attached is not handed out.
func TestTicketAttachments(t *testing.T) {
	dir, here := t.TempDir(), t.TempDir()
	askTwice(t, dir)
	t.Chdir(here)
	run := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := cli.Main(t.Context(), append(args, "--data="+dir), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		return code, out.String() + errs.String()
	}
	if code, said := run("ticket", "attachment", "list", "1001"); code != 0 || !strings.Contains(said, "1        a.log   text/plain   4") {
		t.Errorf("list: %d\n%s", code, said)
	}
	save := func(args ...string) (int, string) {
		return run(append([]string{"ticket", "attachment", "save", "TICK-1001"}, args...)...)
	}
	if code, said := save("1"); code != 0 || !strings.Contains(said, "TICK-1001-a.log") {
		t.Errorf("save: %d\n%s", code, said)
	}
	written, err := os.ReadFile("TICK-1001-a.log")
	if err != nil || string(written) != "boom" {
		t.Errorf("written %q, %v", written, err)
	}
	if info, err := os.Stat("TICK-1001-a.log"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}

	mine := filepath.Join(here, "mine.log")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, "link.log"); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"a second time": {"1"}, "onto a file": {"1", "--output", mine}, "through a link": {"1", "-o", "link.log"},
		"of no such number": {"2", "-o", "x"}, "of number 0": {"0", "-o", "x"}, "into nowhere": {"1", "-o", "none/x"},
	} {
		if code, said := save(args...); code != 1 || said == "" {
			t.Errorf("saved %s: %d\n%s", name, code, said)
		}
	}
	if kept, err := os.ReadFile(mine); err != nil || string(kept) != "mine" {
		t.Errorf("a file that was there is %q, %v", kept, err)
	}
	if _, err := os.Stat("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refusal left a file: %v", err)
	}

	change(t, dir, `UPDATE ticket_content SET content = x'4d5a9000'`)
	if code, said := save("1", "-o", "x"); code != 1 || !strings.Contains(said, "not what was attached") {
		t.Errorf("a program was handed out: %d\n%s", code, said)
	}
}

// P-TIC-25: without tickets no mail is taken either, whatever else is set.
func TestServeWithoutTicketsTakesNoMail(t *testing.T) {
	for flag, want := range map[string]bool{"--tickets": true, "--no-tickets": false} {
		ctx, stop := context.WithCancel(t.Context())
		log, errs := io.Pipe()
		code := make(chan int, 1)
		go func() {
			args := []string{"serve", flag, "--listen=127.0.0.1:0", "--inbound-smtp=127.0.0.1:0", "--inbound-domain=in.example.com", "--data=" + t.TempDir()}
			code <- cli.Main(ctx, args, cli.Streams{Out: io.Discard, Err: errs})
			errs.Close()
		}()
		var said strings.Builder
		for lines := bufio.NewScanner(log); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if _, address, ok := strings.Cut(lines.Text(), "msg=serving address="); ok {
				go func() {
					defer stop()
					if answer, err := http.Get("http://" + address + "/healthz"); err == nil {
						answer.Body.Close() // it answers, so it has decided about mail
					}
				}()
			}
		}
		if got := strings.Contains(said.String(), `msg="taking mail"`); got != want || <-code != 0 {
			t.Errorf("%s: mail is taken: %v\n%s", flag, got, &said)
		}
		stop()
	}
}

// change writes past the program into the records in a directory.
func change(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "keyward.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
