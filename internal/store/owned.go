package store

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// LicenseFilter selects among a customer's licenses.
type LicenseFilter struct {
	Customer id.ID
	Now      time.Time      // instant at which status is read
	Status   license.Status // "" is any
	Within   time.Duration  // > 0: still valid and ending within this time
	Living   bool           // neither expired nor revoked

	// A license matches the search when one of these does; all empty is no search.
	Product  string  // fragment of the product's name, folded
	Key      string  // fragment of the folded key
	Licenses []id.ID // found by opening sealed keys
}

// Page says which part of a list to read: after or before an entry, in the
// list's order.
type Page struct {
	After  id.ID // entries behind this one
	Before id.ID // or entries in front of this one
	Size   int
}

// OwnedLicenses lists a customer's licenses. It reads one more than the page
// size, so that the caller knows whether there are more; entries in front of
// Before come in list order too.
func (r Reader) OwnedLicenses(ctx context.Context, f LicenseFilter, sort license.Order, desc bool, page Page) ([]license.Owned, error) {
	w := ownedWhere(r.d, f)
	keys := append(sortKeys(sort, w, f.Now), `l.seq`)
	backward := page.Before != ""
	if edge := edgeOf(page); edge != "" {
		key := strings.Join(keys, `, `)
		w.add(`(` + key + `) ` + comparison(desc != backward) + ` (SELECT ` + key + licenseFrom +
			` WHERE l.id = ` + w.arg(edge) + ` AND l.customer_seq = ` + w.owner + `)`)
	}
	direction := ` ASC`
	if desc != backward {
		direction = ` DESC`
	}
	now := w.arg(at(f.Now))
	text := `SELECT ` + licenseColumns + `, p.name, ` + seatsHeld(now) + `, ` + seatsReserved(now) + licenseFrom + w.text() +
		` ORDER BY ` + strings.Join(keys, direction+`, `) + direction + ` LIMIT ` + w.arg(page.Size+1)
	rs, err := r.query(ctx, text, w.args...)
	list, err := collect(rs, err, scanOwned)
	if backward {
		slices.Reverse(list)
	}
	return list, err
}

// seatsHeld counts the seats of license l at an instant.
func seatsHeld(now string) string {
	return `(SELECT COUNT(*) FROM activation a WHERE a.license_seq = l.seq AND a.ended_at IS NULL
		AND (a.hold_until IS NULL OR a.hold_until > ` + now + `))`
}

func scanOwned(s scanner) (license.Owned, error) {
	var o license.Owned
	var grace int64
	err := s.Scan(append(licenseTargets(&o.License, &grace), &o.ProductName, &o.Used, &o.Reserved)...)
	o.License.Grace = fromMicros(grace)
	return o, err
}

// sortKeys are the expressions a list is ordered by.
func sortKeys(sort license.Order, w *where, now time.Time) []string {
	switch sort {
	case license.ByProduct:
		return []string{`p.name_folded`}
	case license.ByExpiry:
		return []string{`l.ends_at`}
	case license.ByStatus:
		return []string{`CASE WHEN l.phase = 'revoked' THEN 5 WHEN l.ends_at <= ` + w.arg(at(now)) + ` THEN 4
			WHEN l.phase = 'suspended' THEN 3 WHEN l.phase = 'active' THEN 1 ELSE 2 END`}
	case license.ByNeed:
		return []string{attention(w, now), `l.ends_at`}
	}
	return []string{`l.assigned_at`}
}

// attention is license.Owned.Attention as an expression. A test proves that
// both agree.
func attention(w *where, now time.Time) string {
	instant, recent, soon := w.arg(at(now)), w.arg(at(now.Add(-license.RecentlyEnded))), w.arg(at(now.Add(verdict.SoonWindow)))
	rank := func(a license.Attention) string { return strconv.Itoa(int(a)) }
	return `CASE WHEN l.phase = 'revoked' OR l.ends_at <= ` + recent + ` THEN ` + rank(license.AttentionNone) + `
		WHEN l.ends_at <= ` + instant + ` THEN ` + rank(license.AttentionEnded) + `
		WHEN l.expires_at <= ` + instant + ` THEN ` + rank(license.AttentionGrace) + `
		WHEN l.ends_at <= ` + soon + ` THEN ` + rank(license.AttentionEnding) + `
		WHEN l.phase = 'suspended' THEN ` + rank(license.AttentionSuspended) + `
		WHEN l.activation_limit <= ` + seatsHeld(instant) + ` + ` + seatsReserved(instant) + ` THEN ` + rank(license.AttentionFull) + `
		ELSE ` + rank(license.AttentionNone) + ` END`
}

func edgeOf(p Page) id.ID {
	if p.Before != "" {
		return p.Before
	}
	return p.After
}

func comparison(descending bool) string {
	if descending {
		return `<`
	}
	return `>`
}

// where collects conditions and their arguments.
type where struct {
	d          *dialect
	conditions []string
	args       []any
	owner      string // placeholder expression of the owner's seq
}

func (w *where) add(condition string) { w.conditions = append(w.conditions, condition) }

// arg adds an argument and returns its placeholder.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) text() string { return ` WHERE ` + strings.Join(w.conditions, ` AND `) }

// ownedWhere is everything a filter asks for, the owner first.
func ownedWhere(d *dialect, f LicenseFilter) *where {
	w := &where{d: d}
	w.owner = `(SELECT seq FROM customer WHERE id = ` + w.arg(f.Customer) + `)`
	w.add(`l.customer_seq = ` + w.owner)
	w.standing(f.Status, f.Within, f.Now)
	if f.Living {
		w.add(`l.phase <> 'revoked' AND l.ends_at > ` + w.arg(at(f.Now)))
	}
	if f.Product != "" || f.Key != "" || len(f.Licenses) > 0 {
		w.add(`(` + strings.Join(searchConditions(f, w), ` OR `) + `)`)
	}
	return w
}

// standing selects by status, and by an end within a time from now.
func (w *where) standing(status license.Status, within time.Duration, now time.Time) {
	if status != "" {
		w.add(statusIs(status, w, now))
	}
	if within > 0 {
		w.add(`l.phase <> 'revoked' AND l.ends_at > ` + w.arg(at(now)) + ` AND l.ends_at <= ` + w.arg(at(now.Add(within))))
	}
}

func searchConditions(f LicenseFilter, w *where) []string {
	var any []string
	if f.Product != "" {
		any = append(any, `l.product_seq IN (SELECT n.seq FROM product n WHERE n.name_folded LIKE `+w.arg(like(f.Product))+` ESCAPE '\')`)
	}
	if f.Key != "" {
		any = append(any, `l.key_folded LIKE `+w.arg(like(f.Key))+` ESCAPE '\'`)
	}
	if len(f.Licenses) > 0 {
		any = append(any, `l.id IN `+w.d.listed(w.arg(idList(f.Licenses))))
	}
	return any
}

// idList binds ids as one argument, a JSON array: a search can find thousands of
// licenses, and that many arguments take SQLite seconds.
func idList(ids []id.ID) string {
	b, _ := json.Marshal(ids) // texts always encode
	return string(b)
}

// statusIs is license.License.Status as a condition. A test proves that both
// agree.
func statusIs(s license.Status, w *where, now time.Time) string {
	switch s {
	case license.Revoked: // whatever the time is
		return `l.phase = 'revoked'`
	case license.Expired:
		return `l.phase <> 'revoked' AND l.ends_at <= ` + w.arg(at(now))
	}
	return `l.phase = ` + w.arg(s) + ` AND l.ends_at > ` + w.arg(at(now))
}

// CountOwned counts a customer's licenses by status. The filter's own status,
// and whether ended ones show, are left aside: the counts are what choosing
// another would show.
func (r Reader) CountOwned(ctx context.Context, f LicenseFilter) (map[license.Status]int, error) {
	f.Status, f.Living = "", false
	w := ownedWhere(r.d, f)
	text := `SELECT l.phase, COUNT(*), SUM(CASE WHEN l.ends_at <= ` + w.arg(at(f.Now)) + ` THEN 1 ELSE 0 END)
		FROM license l` + w.text() + ` GROUP BY l.phase`
	rs, err := r.query(ctx, text, w.args...)
	groups, err := collect(rs, err, scanGroup)
	counts := make(map[license.Status]int)
	for _, g := range groups {
		g.addTo(counts)
	}
	return counts, err
}

// phaseGroup is how many licenses are in a phase, and how many of them ended.
type phaseGroup struct {
	phase    license.Status
	n, ended int
}

func scanGroup(s scanner) (phaseGroup, error) {
	var g phaseGroup
	err := s.Scan(&g.phase, &g.n, &g.ended)
	return g, err
}

func (g phaseGroup) addTo(counts map[license.Status]int) {
	if g.phase == license.Revoked {
		g.ended = 0
	}
	if g.ended > 0 {
		counts[license.Expired] += g.ended
	}
	if g.n > g.ended {
		counts[g.phase] += g.n - g.ended
	}
}
