package cli_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

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
		{[]string{"ticket", "list"}, "TICK-1001   open     high       billing"},
		{[]string{"ticket", "assign", "tick-1001", "kim@example.com"}, "in_progress"},
		{[]string{"ticket", "note", "1001", "Looks like a driver"}, "in_progress"},
		{[]string{"ticket", "reply", "TICK-1001", "Which driver?"}, "waiting"},
		{[]string{"ticket", "show", "1001"}, "Which driver?"},
		{[]string{"ticket", "show", "1001"}, "(note)"},
		{[]string{"ticket", "show", "1001"}, "[file] a.log"},
		{[]string{"ticket", "show", "1001", "--json"}, `"asked_by": "ada@example.com"`},
		{[]string{"ticket", "status", "1001", "resolved"}, "resolved"},
		{[]string{"ticket", "list", "--status", "resolved"}, "It does not start"},
		{[]string{"ticket", "merge", "1002", "1001"}, "closed"},
		{[]string{"ticket", "close", "1001"}, "closed"},
		{[]string{"ticket", "list", "--status", "open"}, "No ticket."},
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
