package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type productOffline struct {
	storage
	Product string `arg:"" help:"Slug or id of the product."`
	Switch  string `arg:"" enum:"on,off" help:"on or off. Files that are out stay good until their end."`
	Days    int    `name:"days" default:"90" placeholder:"N" help:"Days that a file lasts, never longer than its license."`
	Files   int    `name:"files" default:"5" placeholder:"N" help:"How many files of one license may be out at a time."`
}

func (c *productOffline) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		policy := license.OfflinePolicy{ValidFor: time.Duration(c.Days) * 24 * time.Hour, Files: c.Files}
		if p, err = uses.Catalog.SetOffline(ctx, operator(), p.ID, c.Switch == "on", policy); err != nil {
			return err
		}
		return c.show(on, offlineResult{Product: p.Name, Slug: p.Slug, Offline: p.OfflineAllowed, Days: c.Days, Files: c.Files})
	})
}

type offlineResult struct {
	Product string `json:"product"`
	Slug    string `json:"slug"`
	Offline bool   `json:"offline"`
	Days    int    `json:"days"`
	Files   int    `json:"files"`
}

func (r offlineResult) text() string {
	if !r.Offline {
		return pairs([2]string{"Product", r.Product}, [2]string{"Offline files", "off"})
	}
	return pairs([2]string{"Product", r.Product}, [2]string{"Offline files", "on"},
		[2]string{"A file lasts", strconv.Itoa(r.Days) + " days"}, [2]string{"Of one license", strconv.Itoa(r.Files)})
}
