package load

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/demo"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// with opens the records of a place for preparing them.
func with(ctx context.Context, p Place, use func(*server.Services) error) error {
	uses, err := server.Assemble(ctx, config.Database{Data: p.Data, Database: p.Database}, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	err = use(uses)
	if closing := uses.Close(ctx); err == nil {
		err = closing
	}
	return err
}

// ware is a product made for one measurement, with licenses of a customer.
type ware struct {
	Token    string
	Licenses []sold
}

type sold struct {
	id.ID
	Key string
}

// The licenses of a ware and their seats.
const (
	licenses = 1000
	seats    = 100
)

// prepareWare makes it; a place may have many.
func prepareWare(ctx context.Context, uses *server.Services) (ware, error) {
	by := account.System("")
	mark := string(id.New())
	p, err := uses.Catalog.CreateProduct(ctx, by, catalog.NewProduct{
		Environment: license.Production, Name: "Measured " + mark, AcceptsHardware: true, SelfDeactivation: true,
	})
	if err != nil {
		return ware{}, err
	}
	_, token, err := uses.Identity.CreateToken(ctx, by, identity.NewToken{Kind: account.ClientToken, Name: "Measured", ProductID: p.ID})
	if err != nil {
		return ware{}, err
	}
	c, _, err := uses.Identity.CreateCustomer(ctx, by, identity.NewCustomer{Name: "Measured", Email: mark + "@load.example"})
	if err != nil {
		return ware{}, err
	}
	w := ware{Token: token}
	limit := seats
	for range licenses {
		l, key, err := uses.Licensing.Issue(ctx, by, licensing.Issue{ProductID: p.ID, CustomerID: c.ID, Limit: &limit})
		if err != nil {
			return w, err
		}
		w.Licenses = append(w.Licenses, sold{l.ID, key})
	}
	return w, nil
}

// Owner is a customer whose pages are measured.
type Owner struct {
	demo.SignIn
	Licenses int
}

// owners are those that every place is given once.
func owners(sizes []int) []Owner {
	var list []Owner
	for _, n := range sizes {
		list = append(list, Owner{demo.SignIn{Email: fmt.Sprintf("owner-of-%d@load.example", n), Password: "measured-by-the-thousand"}, n})
	}
	return list
}

// Prepare gives a place the customers whose pages are measured, unless it has
// them, and fills it with licenses of others.
func Prepare(ctx context.Context, p Place, sizes []int, fill demo.Amount, progress io.Writer) error {
	return with(ctx, p, func(uses *server.Services) error {
		for _, o := range owners(sizes) {
			_, err := uses.Identity.PersonByEmail(ctx, account.System(""), o.Email)
			if err == nil {
				continue // an earlier measurement made it
			}
			if !fault.Is(err, fault.NotFound) {
				return err
			}
			if err := demo.SeedOwner(ctx, uses, o.SignIn, o.Licenses, progress); err != nil {
				return err
			}
		}
		if fill.Customers == 0 {
			return nil
		}
		begun := time.Now()
		done, err := demo.Seed(ctx, uses, fill, progress)
		fmt.Fprintf(progress, "%d licenses in %.0f s: %.0f a second\n", done.Licenses, time.Since(begun).Seconds(), float64(done.Licenses)/time.Since(begun).Seconds())
		return err
	})
}
