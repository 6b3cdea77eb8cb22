package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
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

	process    *program
	database   string
	sessions   map[string]*Session // by e-mail address
	publicKeys map[string]string   // of products, once asked for
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
	demo := &Demo{Data: t.TempDir(), database: databaseURL, sessions: map[string]*Session{}}
	demo.start(t)
	if gaps := empty(reflect.ValueOf(*demo), "demo"); len(gaps) > 0 {
		t.Fatalf("the demo says nothing about %s", strings.Join(gaps, ", "))
	}
	return demo
}

func (d *Demo) start(t *testing.T) {
	t.Helper()
	isJSON := func(line []byte) bool { return line[0] == '{' }
	var line []byte
	d.process, line = startProgram(t, isJSON, append([]string{"demo", "--json", "--listen", "127.0.0.1:0"}, d.storage()...)...)
	if err := json.Unmarshal(line, d); err != nil {
		t.Fatalf("what the demo says about itself is not JSON: %v\n%s", err, line)
	}
}

// Kill ends the demo as a power failure would.
func (d *Demo) Kill(t *testing.T) { t.Helper(); d.process.kill(t) }

// Restart starts the demo again on the data that it left.
func (d *Demo) Restart(t *testing.T) {
	t.Helper()
	clear(d.sessions)
	d.start(t)
}

// storage are the flags that lead a command to the demo's data.
func (d *Demo) storage() []string { return storage(d.Data, d.database) }

func storage(data, databaseURL string) []string {
	flags := []string{"--data", data}
	if databaseURL != "" {
		flags = append(flags, "--database", databaseURL)
	}
	return flags
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
