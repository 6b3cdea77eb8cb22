package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/server"
)

type backupCommand struct {
	storage
	File      string `arg:"" help:"File to write. It must not exist; while the backup is under way it has another name."`
	Files     bool   `name:"files" help:"Include the files of releases, where they are kept in the data directory."`
	MasterKey bool   `name:"master-key-file" help:"Include the file master.key. Whoever gets such a backup can read and sign everything."`
}

func (c *backupCommand) Run(on *call) error {
	done, err := server.Backup(on.ctx, c.Database, c.File, server.BackupOptions{
		Files: c.Files, MasterKey: c.MasterKey, Now: time.Now, Log: on.log("text", slog.LevelWarn), Tell: on.progress(),
	})
	if err != nil {
		return stopped(on.ctx, err, "Stopped. No backup was made.")
	}
	return c.show(on, backedUp{
		File: c.File, Bytes: done.Size, Schema: done.Manifest.Schema, Epoch: done.Manifest.Epoch,
		Files: c.Files, MasterKey: c.MasterKey, Cleared: append([]string{}, done.Cleared...), elsewhere: c.elsewhere(),
	})
}

// elsewhere is what such a backup does not hold and a restore needs.
func (c *backupCommand) elsewhere() string {
	what := ""
	if !c.MasterKey {
		what = "It does not hold the master key: keep that apart, without it nothing sealed opens again.\n"
	}
	switch {
	case c.Storage != "":
		what += "It does not hold the files of releases: back up their bucket too.\n"
	case !c.Files:
		what += "It does not hold the files of releases: --files includes them.\n"
	}
	return what
}

type backedUp struct {
	File      string   `json:"file"`
	Bytes     int64    `json:"bytes"`
	Schema    int64    `json:"schema"`
	Epoch     int64    `json:"epoch"`
	Files     bool     `json:"files"`
	MasterKey bool     `json:"master_key"`
	Cleared   []string `json:"cleared"`
	elsewhere string
}

func (b backedUp) text() string {
	return fmt.Sprintf("The backup is in %s (%s).\n%s%s", b.File, size(b.Bytes), b.elsewhere, cleared(b.Cleared))
}

// cleared says what was removed that killed commands had left.
func cleared(dirs []string) (text string) {
	for _, dir := range dirs {
		text += "Removed " + dir + ", which a command that was killed had left.\n"
	}
	return text
}

// size is a number of bytes as people read it.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1<<10-1)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// stopped puts plain words in place of the error of an interrupted command.
func stopped(ctx context.Context, err error, message string) error {
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, "stopped", message, err)
	}
	return opening(err)
}

// progress prints a line for each step and each further tenth of it.
func (on *call) progress() func(step string, done, total int64) {
	last, tenth := "", int64(-1)
	return func(step string, done, total int64) {
		now := int64(10)
		if total > 0 {
			now = min(10*done/total, 10)
		}
		if step == last && now <= tenth {
			return
		}
		last, tenth = step, now
		fmt.Fprintf(on.Err, "%s: %d %%\n", step, 10*now)
	}
}

type restoreCommand struct {
	storage
	File     string `arg:"" help:"Backup to restore."`
	Previous string `name:"previous" placeholder:"PLACE" help:"Data directory or PostgreSQL URL of the records that the backup replaces, if they can still be read. What was revoked there stays revoked, and idempotency keys used there stay used."`
}

func (c *restoreCommand) Run(on *call) error {
	done, err := server.Restore(on.ctx, c.Database, c.File, server.RestoreOptions{
		Previous: previous(c.Previous), Now: time.Now, Log: on.log("text", slog.LevelWarn), Tell: on.progress(),
	})
	if err != nil {
		return stopped(on.ctx, err, "Stopped. Nothing was restored.")
	}
	result := restored{
		From: done.Manifest.CreatedAt, Epoch: done.Epoch, Sessions: done.Sessions, Links: done.Links, Carried: done.Carried(),
		Revoked: done.Revoked, Tokens: done.Tokens, Keys: done.Keys, NotRevoked: []string{},
		Cleared: append([]string{}, done.Cleared...),
	}
	for _, l := range done.NotRevoked {
		result.NotRevoked = append(result.NotRevoked, string(l))
	}
	return c.show(on, result)
}

func previous(place string) *config.Database {
	d := config.Database{Data: place}
	switch {
	case place == "":
		return nil
	case (config.Database{Database: place}).Validate() == nil:
		d = config.Database{Database: place}
	}
	return &d
}

type restored struct {
	From       time.Time `json:"from"`
	Epoch      int64     `json:"epoch"`
	Sessions   int64     `json:"sessions_ended"`
	Links      int64     `json:"links_ended"`
	Carried    bool      `json:"carried"`
	Revoked    int       `json:"licenses_revoked"`
	Tokens     int       `json:"tokens_revoked"`
	Keys       int64     `json:"idempotency_keys"`
	NotRevoked []string  `json:"licenses_not_revoked"`
	Cleared    []string  `json:"cleared"`
}

func (r restored) text() string {
	text := fmt.Sprintf("The records are those of %s. This is epoch %d.\nEverybody has to sign in again (%d sessions ended), and %d mailed links no longer work.\n",
		instant(r.From), r.Epoch, r.Sessions, r.Links) + cleared(r.Cleared)
	if !r.Carried {
		return text + "What happened after the backup is not in it. Revoke again the licenses and tokens that were revoked since.\n"
	}
	text += fmt.Sprintf("Carried over: %d revoked licenses, %d revoked tokens, %d idempotency keys.\n", r.Revoked, r.Tokens, r.Keys)
	for _, l := range r.NotRevoked {
		text += "Nobody owns license " + l + " here, so that it could not be revoked. Do not assign it again.\n"
	}
	return text
}
