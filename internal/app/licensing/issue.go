package licensing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Issue is the wish for a new license. What it leaves out comes from the
// generator, and what that leaves out from the product (C-PRD-01).
type Issue struct {
	ProductID    id.ID
	Generator    string // name of the plan; "" is the product's first
	Key          string // own key; "" generates one
	CustomerID   id.ID  // "" leaves it available
	Limit        *int   // nil: the generator's; Unlimited is a value too
	ValidityDays *int
	StartsAt     time.Time
	Grace        time.Duration
	MaxVersion   *string
	UpdatesUntil time.Time
	Features     map[string]any // over the copied values
	Plan         string         // over the generator's name
	DryRun       bool           // decide, and write nothing
}

// keyAttempts is how often a generated key that exists already is made anew
// (C-GEN-01).
const keyAttempts = 3

// minKey is the shortest own key, counted after folding.
const minKey = 8

// Issue makes a license and, if the wish names a customer, assigns it. It
// returns the license and its whole key, which is the caller's to keep.
func (s *Service) Issue(ctx context.Context, actor account.Actor, in Issue) (license.License, string, error) {
	if err := actor.Require(account.LicensesWrite); err != nil {
		return license.License{}, "", err
	}
	product, generator, err := s.template(ctx, actor, in)
	if err != nil {
		return license.License{}, "", err
	}
	l, err := fromTemplate(in, product, generator, s.clock())
	if err != nil {
		return license.License{}, "", err
	}
	for range keyAttempts {
		made, key, err := s.issue(ctx, actor, in, l, product, generator)
		switch {
		case err == nil:
			return made, key, nil
		case in.Key != "" || !store.IsUnique(err, "license.key_hash"):
			return license.License{}, "", taken(err)
		}
	}
	return license.License{}, "", fault.New(fault.Conflict, "keys_exhausted", "No unused key could be generated.").
		WithNext("Give the generator a longer pattern.")
}

func taken(err error) error {
	if !store.IsUnique(err, "license.key_hash") {
		return err
	}
	return fault.Wrap(fault.Conflict, "key_exists", "A license with this key exists already in this environment.", err).
		WithField("key", "Choose another key.")
}

// template reads what a new license is made from.
func (s *Service) template(ctx context.Context, actor account.Actor, in Issue) (license.Product, license.Generator, error) {
	var none license.Generator
	p, err := s.Store.Product(ctx, in.ProductID)
	if store.IsNotFound(err) || err == nil && !sees(actor, p.Environment) {
		return p, none, fault.Missing("product")
	}
	if err != nil {
		return p, none, err
	}
	if err := activeProduct(p); err != nil {
		return p, none, err
	}
	generators, err := s.Store.Generators(ctx, p.ID)
	if err != nil {
		return p, none, err
	}
	for _, g := range generators {
		if in.Generator == "" || strings.EqualFold(g.Name, in.Generator) {
			if !g.Active {
				return p, none, fault.New(fault.Conflict, "generator_inactive", "This plan is switched off.").WithNext("Name another plan, or switch it on first.")
			}
			return p, g, nil
		}
	}
	return p, none, fault.Missing("generator")
}

func fromTemplate(in Issue, p license.Product, g license.Generator, now time.Time) (license.License, error) {
	l := license.License{
		ID: id.New(), ProductID: p.ID, Environment: p.Environment, Plan: g.Name, CreatedAt: now, Version: 1,
		HoldFor: p.HoldFor, Limit: g.Limit, ValidityDays: g.ValidityDays, MaxVersion: g.MaxVersion,
		StartsAt: kept(in.StartsAt), Grace: in.Grace.Truncate(time.Microsecond), UpdatesUntil: kept(in.UpdatesUntil),
	}
	if in.Plan != "" {
		l.Plan = strings.Join(strings.Fields(in.Plan), " ")
	}
	if in.Limit != nil {
		l.Limit = *in.Limit
	}
	if in.ValidityDays != nil {
		l.ValidityDays = *in.ValidityDays
	}
	if in.MaxVersion != nil {
		l.MaxVersion = *in.MaxVersion
	}
	var problems fault.Problems
	l.Features = mergeFeatures(&problems, p.Features, g.Features, in.Features)
	checkIssue(&problems, in, l)
	return l, asError(problems.Err())
}

func checkIssue(p *fault.Problems, in Issue, l license.License) {
	if l.Limit < 0 || l.Limit > license.MaxLimit {
		p.Add("limit", "Use 1 to 10000 devices, or none for unlimited.")
	}
	if l.ValidityDays < 0 || l.ValidityDays > license.MaxValidityDays {
		p.Add("validity_days", "Use 1 to 36500 days, or 0 for perpetual.")
	}
	if l.Grace < 0 || l.Grace > 366*24*time.Hour {
		p.Add("grace", "Use at most 366 days.")
	}
	if l.MaxVersion != "" && !verdict.ValidVersion(l.MaxVersion) {
		p.Add("max_version", "Use a version such as 8.x or 8.4.")
	}
	if name, ok := account.CleanName(l.Plan); !ok || name == "" || !utf8.ValidString(name) {
		p.Add("plan", "Use a name of at most 255 characters.")
	}
	checkSpan(p, l)
	if in.Key != "" {
		checkKey(p, in)
	}
}

// checkSpan keeps the dates of a license between now and Forever, which every
// later change and every answer can write.
func checkSpan(p *fault.Problems, l license.License) {
	longest := time.Duration(min(max(l.ValidityDays, 0), license.MaxValidityDays)) * 24 * time.Hour
	if l.StartsAt.Year() < 0 || !l.StartsAt.Add(longest).Add(max(l.Grace, 0)).Before(license.Forever) {
		p.Add("starts_at", "Use an earlier start.")
	}
	if l.UpdatesUntil.Year() < 0 || !l.UpdatesUntil.Before(license.Forever) {
		p.Add("updates_until", "Use an earlier date, or none.")
	}
}

func checkKey(p *fault.Problems, in Issue) {
	if len(in.Key) > MaxKey || strings.ContainsFunc(in.Key, func(r rune) bool { return r < '!' || r > '~' }) {
		p.Add("key", "Use at most 255 printable ASCII characters without blanks.")
	} else if len(id.Fold(in.Key)) < minKey {
		p.Add("key", "Use at least 8 letters and digits.")
	}
}

// mergeFeatures copies the product's features with the generator's and then
// the wish's values over them.
func mergeFeatures(p *fault.Problems, product, generator []license.Feature, over map[string]any) []license.Feature {
	merged := make([]license.Feature, 0, len(product))
	left := len(over)
	for _, f := range product {
		for _, g := range generator {
			if g.Key == f.Key {
				f.Value = g.Value
			}
		}
		if v, ok := over[f.Key]; ok {
			f.Value, left = v, left-1
		}
		if !f.ValidValue() {
			p.Add("features", "The value of "+f.Key+" does not fit its type "+string(f.Type)+".")
		}
		merged = append(merged, f)
	}
	if left > 0 {
		p.Add("features", "The product defines no feature of that name.")
	}
	if !license.FeaturesFit(merged) {
		p.Add("features", "Shorten the values: all features together are too large for a lease.")
	}
	return merged
}

// issued is what one try of Issue makes.
type issued struct {
	license license.License
	key     string
}

// issue makes one try: key, license, assignment and events in one transaction.
func (s *Service) issue(ctx context.Context, actor account.Actor, in Issue, l license.License, p license.Product, g license.Generator) (license.License, string, error) {
	pattern, err := id.Compile(id.Spec{Type: id.TypeCustom, Pattern: g.Pattern})
	if err != nil {
		return l, "", fmt.Errorf("generator %s: %w", g.ID, err)
	}
	now := s.clock()
	var made issued
	err = once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		made = issued{license: l}
		key, err := s.newKey(ctx, tx, in, pattern, g, &made.license, now)
		if err != nil {
			return "", err
		}
		made.key = key
		if err := s.addIssued(ctx, tx, actor, &made, p, g, in.CustomerID, now); err != nil {
			return "", err
		}
		if in.DryRun {
			return "", errDryRun
		}
		return made.license.ID, nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return made.license, made.key, err
}

func (s *Service) addIssued(ctx context.Context, tx *store.Tx, actor account.Actor, made *issued, p license.Product, g license.Generator, owner id.ID, now time.Time) error {
	key, err := s.storedKey(made.license, p, made.key)
	if err != nil {
		return err
	}
	if err := tx.AddLicense(ctx, made.license, key, g.ID); err != nil {
		return err
	}
	e := event.New(event.LicenseCreated, actor, now).About(made.license)
	e.Data = event.Data{After: event.FactsOf(made.license, now)}
	if err := tx.AppendEvent(ctx, e); err != nil {
		return err
	}
	made.license, err = s.assignNew(ctx, tx, actor, made.license, owner, now)
	return err
}

func (s *Service) newKey(ctx context.Context, tx *store.Tx, in Issue, pattern *id.Pattern, g license.Generator, l *license.License, now time.Time) (string, error) {
	if in.Key != "" {
		l.Mask = id.Mask(in.Key)
		return in.Key, nil
	}
	number, err := tx.TakeNumbers(ctx, g.ID, 1)
	if err != nil {
		return "", err
	}
	key, err := pattern.Generate(s.Random, now, number)
	if errors.Is(err, id.ErrSequence) {
		err = fault.Wrap(fault.Conflict, "keys_exhausted", "The plan's key pattern has no numbers left.", err)
	}
	l.Mask = key.Mask
	return key.Text, err
}

func (s *Service) assignNew(ctx context.Context, tx *store.Tx, actor account.Actor, l license.License, customer id.ID, now time.Time) (license.License, error) {
	if customer == "" {
		return l, nil
	}
	c := license.Change{Trigger: license.Assign, CustomerID: customer}
	after, _, refused := license.Apply(l, c, now)
	if refused != nil {
		return l, refused
	}
	refused, err := assignable(ctx, tx, l, customer)
	if err == nil {
		err = asError(refused)
	}
	if err != nil {
		return l, err
	}
	return after, s.save(ctx, tx, actor, l, after, c, now)
}

// inviteOwners asks for an invitation to everybody who can sign in for the
// customer and never set a password: the account exists from the first
// license on (P-AUTH-06).
func inviteOwners(ctx context.Context, tx *store.Tx, customer id.ID, now time.Time) error {
	members, err := tx.Members(ctx, customer)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Person.PasswordHash != "" || m.Person.Status != account.Active {
			continue
		}
		_, err := tx.EnqueueNotice(ctx, account.InvitationNotice, m.Person.ID, now)
		if err != nil {
			return err
		}
	}
	return nil
}
