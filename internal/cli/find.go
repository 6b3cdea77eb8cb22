package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// productOf finds a product by its id or slug. Siblings in several environments
// share a slug, and are told apart as production/slug.
func productOf(ctx context.Context, uses *server.Services, typed string) (license.Product, error) {
	if wanted, err := id.Parse(typed); err == nil {
		p, err := uses.Catalog.Product(ctx, operator(), wanted)
		return p, seeList(err, "product")
	}
	slug, environments := typed, license.Environments()
	if env, rest, ok := strings.Cut(typed, "/"); ok && license.Environment(env).Known() {
		slug, environments = rest, []license.Environment{license.Environment(env)}
	}
	var found []license.Product
	for _, env := range environments {
		p, err := uses.Catalog.ProductBySlug(ctx, operator(), env, slug)
		switch {
		case err == nil:
			found = append(found, p)
		case !fault.Is(err, fault.NotFound):
			return license.Product{}, err
		}
	}
	switch len(found) {
	case 0:
		return license.Product{}, seeList(fault.Missing("product"), "product")
	case 1:
		return found[0], nil
	}
	return license.Product{}, ambiguous(found)
}

func ambiguous(found []license.Product) error {
	var names []string
	for _, p := range found {
		names = append(names, string(p.Environment)+"/"+p.Slug)
	}
	return fault.New(fault.Invalid, "product_ambiguous", fmt.Sprintf("%d products have this slug.", len(found))).
		WithNext("Say which one: " + strings.Join(names, " or ") + ".")
}

// seeList sends whoever named something that is not there to the list of what
// there is.
func seeList(err error, what string) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.From(err).WithNext(`Run "keyward ` + what + ` list" to see what there is.`)
}

// customerOf finds a customer by its id or by the address of somebody who acts
// for it.
func customerOf(ctx context.Context, uses *server.Services, typed string) (id.ID, error) {
	if wanted, err := id.Parse(typed); err == nil {
		return wanted, nil
	}
	c, err := uses.Identity.CustomerByEmail(ctx, operator(), typed)
	return c.ID, seeList(err, "customer")
}

// licenseOf finds a license by its key or id; "-" reads it from standard input,
// where nobody else on the machine sees it.
func licenseOf(ctx context.Context, on *call, uses *server.Services, typed string) (id.ID, error) {
	typed, err := secretOf(on, typed)
	if err != nil {
		return "", err
	}
	found, err := uses.Licensing.Find(ctx, operator(), typed)
	if fault.Is(err, fault.NotFound) {
		err = fault.From(err).WithNext("Check the key, or use the id of the license.")
	}
	return found, err
}

// longestSecret bounds what is read from standard input.
const longestSecret = 4 << 10

// secretOf is what was typed, or with "-" the first line of standard input.
func secretOf(on *call, typed string) (string, error) {
	if typed != "-" {
		return typed, nil
	}
	line, err := bufio.NewReader(io.LimitReader(on.In, longestSecret)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("standard input is empty: write one line to it")
	}
	return line, nil
}
