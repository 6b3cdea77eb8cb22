package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Access is how to get into a demo. Scripts rely on the names in its JSON.
type Access struct {
	URL     string `json:"url"`
	MailURL string `json:"mail_url"`

	Customer      SignIn `json:"customer"`
	OtherCustomer SignIn `json:"other_customer"`
	LargeCustomer SignIn `json:"large_customer"`
	EmptyCustomer SignIn `json:"empty_customer"`
	Admin         SignIn `json:"admin"`

	Tokens   Tokens             `json:"tokens"`
	Products []Product          `json:"products"`
	Licenses map[string]License `json:"licenses"` // by case
}

// SignIn is what a person types to get in.
type SignIn struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Tokens are the demo's API tokens.
type Tokens struct {
	Client    string            `json:"client"` // of the first product
	Secret    string            `json:"secret"`
	ByProduct map[string]string `json:"by_product"`
}

// Product is one that the vendor sells.
type Product struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Environment string `json:"environment"`
}

// License is one of the main customer's.
type License struct {
	ID        string `json:"id"`
	Key       string `json:"key"`
	ProductID string `json:"product_id"`
}

// record is what the demo remembers of itself from one start to the next.
type record struct {
	Access  Access   `json:"access"`
	Devices []device `json:"devices"`
}

// recordFile holds passwords and tokens, so only this user can read it.
const recordFile = "demo.json"

// load reads the record in dir; found is false when there is none.
func load(dir string) (r record, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, false, fmt.Errorf("read %s: %w", filepath.Join(dir, recordFile), err)
	}
	return r, true, nil
}

// save writes the record whole or not at all: a demo without one is taken for
// unfinished.
func (r record) save(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	unfinished := filepath.Join(dir, recordFile+".new")
	if err := os.WriteFile(unfinished, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, filepath.Join(dir, recordFile))
}

// writeLine prints the access as one line of JSON.
func (a Access) writeLine(w io.Writer) error { return json.NewEncoder(w).Encode(a) }

// write prints the access for people.
func (a Access) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, `
Keyward demo, with invented data and living devices

  Customer portal   %s
  Mailbox           %s

  Sign in as                          Password
`, a.URL, a.MailURL)
	for _, who := range []struct {
		s    SignIn
		what string
	}{
		{a.Customer, "licenses in every state"}, {a.OtherCustomer, "a few licenses"},
		{a.LargeCustomer, "10,000 licenses"}, {a.EmptyCustomer, "no license yet"}, {a.Admin, "administrator"},
	} {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %-34s  %-24s  %s\n", who.s.Email, who.s.Password, who.what)
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "\n  Client token of %s: %s\n\nPress Ctrl-C to stop.\n", a.Products[0].Name, a.Tokens.Client)
	}
	return err
}
