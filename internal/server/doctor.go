package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/backup"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// Health is how something looks.
type Health string

// From good to bad.
const (
	Healthy Health = "ok"
	Doubt   Health = "warning" // worth a look
	Sick    Health = "problem" // to be dealt with now
)

// Finding is what an examination found out about one thing.
type Finding struct {
	Check  string `json:"check"`
	Health Health `json:"health"`
	Says   string `json:"says"`
	Next   string `json:"next,omitempty"` // what to do
}

// doctor examines one installation. It changes nothing.
type doctor struct {
	config config.Database
	now    func() time.Time
	log    *slog.Logger
	store  *store.Store
	master *signing.Master // nil when it does not fit

	findings []Finding
}

// Examine looks over an installation, which may be in use. An error means that
// there was nothing to look at.
func Examine(ctx context.Context, c config.Database, now func() time.Time, log *slog.Logger) (_ []Finding, err error) {
	s, err := openExisting(ctx, c, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := &doctor{config: c, now: now, log: log, store: s}
	d.found("permissions", d.permissions())
	d.found("disk", d.disk(ctx))
	d.found("leftovers", d.leftovers())
	if d.found("schema", d.schema(ctx)) {
		d.found("restore", d.restored(ctx))
		d.found("records", d.records(ctx))
		d.found("master key", d.masterKey(ctx))
		d.found("events", d.events(ctx))
		d.found("clock", d.clock(ctx))
		d.found("queue", d.queue(ctx))
		d.found("files", d.files(ctx))
	}
	return d.findings, ctx.Err()
}

// found keeps a finding and reports whether it is no problem.
func (d *doctor) found(check string, f Finding) bool {
	f.Check = check
	d.findings = append(d.findings, f)
	return f.Health != Sick
}

func ok(format string, a ...any) Finding {
	return Finding{Health: Healthy, Says: fmt.Sprintf(format, a...)}
}

func doubt(next, format string, a ...any) Finding {
	return Finding{Health: Doubt, Says: fmt.Sprintf(format, a...), Next: next}
}

func sick(next, format string, a ...any) Finding {
	return Finding{Health: Sick, Says: fmt.Sprintf(format, a...), Next: next}
}

// failed is a problem in the words of its error.
func failed(err error) Finding {
	if f, told := errors.AsType[*fault.Error](err); told {
		return sick(f.Next, "%s", f.Message)
	}
	return sick("Look at the reason and try again.", "This could not be found out: %v.", err)
}

func (d *doctor) permissions() Finding {
	var open []string
	for _, name := range []string{".", masterFile, "keyward.db"} {
		path := filepath.Join(d.config.Data, name)
		if info, err := os.Lstat(path); err == nil && exposed(info) {
			open = append(open, path)
		}
	}
	if len(open) > 0 {
		return doubt("Run: chmod go= "+strings.Join(open, " "), "Other users of this machine can reach %s.", strings.Join(open, ", "))
	}
	return ok("Only its owner reaches the data directory.")
}

// Free space below which somebody should act.
const (
	fullBytes = 256 << 20
	lowBytes  = 1 << 30
)

func (d *doctor) disk(ctx context.Context) Finding {
	free, known := freeBytes(d.config.Data)
	if !known {
		return ok("How much room there is cannot be told on this system.")
	}
	size, err := d.store.Size(ctx)
	if err != nil {
		return failed(err)
	}
	says := fmt.Sprintf("%d MiB are free, the database takes %d MiB.", free>>20, size>>20)
	switch {
	case free < fullBytes:
		return sick("Make room now: a full disk stops the server.", "%s", says)
	case free < lowBytes, d.config.Database == "" && free < 2*size:
		return doubt("Make room: a backup needs twice the size of the database while it is made.", "%s", says)
	}
	return ok("%s", says)
}

// leftovers of backups and restores that were killed.
func (d *doctor) leftovers() Finding {
	dirs, err := backup.Abandoned(d.config.Data, backup.Making, backup.Restoring)
	if err != nil {
		return failed(err)
	}
	if len(dirs) > 0 {
		return doubt("Remove them, they hold copies of the records: rm -r "+strings.Join(dirs, " "), "A backup or restore that was killed has left %s.", strings.Join(dirs, ", "))
	}
	return ok("No backup or restore that was killed has left anything in the data directory.")
}

func (d *doctor) schema(ctx context.Context) Finding {
	if err := d.store.CheckSchema(ctx); err != nil {
		return failed(err)
	}
	have, _, err := d.store.Versions(ctx)
	if err != nil {
		return failed(err)
	}
	return ok("The schema has version %d, as this program wants it.", have)
}

func (d *doctor) restored(ctx context.Context) Finding {
	half, err := d.store.Restoring(ctx)
	if err == nil && half {
		err = halfRestored(half)
	}
	epoch := int64(0)
	if err == nil {
		epoch, err = d.store.Epoch(ctx)
	}
	if err != nil {
		return failed(err)
	}
	return ok("This is epoch %d: the records were restored from a backup %d times.", epoch, epoch-1)
}

func (d *doctor) records(ctx context.Context) Finding {
	damages, err := d.store.Damages(ctx)
	if err != nil {
		return failed(err)
	}
	if len(damages) > 0 {
		return sick("Stop the server, keep a copy of what is there, and restore the last backup that is whole.", "The database is damaged: %s.", strings.Join(damages, "; "))
	}
	return ok("The database is whole and refers to nothing that is missing.")
}

func (d *doctor) masterKey(ctx context.Context) Finding {
	kept, err := d.store.Meta(ctx, masterCheck)
	if err != nil && !store.IsNotFound(err) {
		return failed(err)
	}
	unused, err := d.store.Unused(ctx)
	if err != nil {
		return failed(err)
	}
	if unused {
		return ok("Nothing was kept here yet, so that any master key will do.")
	}
	master, err := signing.LoadMaster(d.config.MasterKey, filepath.Join(d.config.Data, masterFile))
	if err == nil {
		err = compare(kept, master, d.config)
	}
	if err != nil {
		return failed(withAdvice(err, d.config))
	}
	d.master = master
	return ok("The master key is the one that the records were made with.")
}

func (d *doctor) events(ctx context.Context) Finding {
	if d.master == nil {
		return doubt("Put the master key in place first.", "The chain of events cannot be proved without the master key.")
	}
	report, err := audit.NewSealer(d.store, d.master, d.now).Verify(ctx)
	switch {
	case err != nil:
		return failed(err)
	case !report.Intact():
		return sick("Compare with a backup before you go on.", "The chain of events does not hold: %s (from number %d on)", report.Problem, report.Broken)
	}
	return ok("The chain of %d events holds.", report.Events)
}

// clockSlack is how far clocks may be apart.
const clockSlack = time.Minute

func (d *doctor) clock(ctx context.Context) Finding {
	last, err := d.store.LastEventAt(ctx)
	if err != nil && !store.IsNotFound(err) {
		return failed(err)
	}
	if ahead := last.Sub(d.now()); !last.IsZero() && ahead > clockSlack {
		return sick("Set the clock of this machine, and keep it set by NTP: what ends when, and what is signed, depends on it.",
			"The last event is %s ahead of this machine's clock.", ahead.Round(time.Second))
	}
	return ok("The clock is not behind the last event.")
}

// queueSlack is how long a job may be due before somebody should ask why.
const queueSlack = 15 * time.Minute

func (d *doctor) queue(ctx context.Context) Finding {
	due, err := d.store.NextJobAt(ctx)
	if err != nil && !store.IsNotFound(err) {
		return failed(err)
	}
	if late := d.now().Sub(due); !due.IsZero() && late > queueSlack {
		return doubt("See that the server runs, and that --smtp-url names a mail server.", "Work has been waiting for %s.", late.Round(time.Minute))
	}
	return ok("No work is overdue.")
}

// files compares the files of releases with the records of them.
func (d *doctor) files(ctx context.Context) Finding {
	if d.config.Storage != "" {
		return ok("The files of releases are in a bucket, which is not looked at.")
	}
	root := filepath.Join(d.config.Data, filesDir)
	keys, err := d.store.StorageKeys(ctx)
	if err != nil {
		return failed(err)
	}
	missing := 0
	for _, key := range keys {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(key))); errors.Is(err, fs.ErrNotExist) {
			missing++
		}
	}
	if missing > 0 {
		return sick("Restore the directory "+root+" from a backup, or withdraw those releases.", "%d files of releases are missing.", missing)
	}
	orphans, err := d.orphans(ctx, root)
	if err != nil {
		return failed(err)
	}
	if len(orphans) > 0 {
		return doubt("Remove them, once you are sure that nothing else put them there: "+strings.Join(orphans, " "), "%d files belong to no release.", len(orphans))
	}
	return ok("All %d files of releases are there.", len(keys))
}

// maxOrphans bounds the list that a person is shown.
const maxOrphans = 20

func (d *doctor) orphans(ctx context.Context, root string) (orphans []string, err error) {
	entries, err := filesIn(root)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		key := strings.TrimPrefix(e.Name, filesDir+"/")
		known, err := d.store.StorageKeyKnown(ctx, key)
		if err != nil {
			return nil, err
		}
		uploading, err := d.store.Uploading(ctx, key)
		if err != nil {
			return nil, err
		}
		if !known && !uploading && len(orphans) < maxOrphans {
			orphans = append(orphans, e.Path)
		}
	}
	return orphans, nil
}
