package licensing

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// PageSize is how many rows a list shows at once.
const PageSize = 25

// MinFragment is the shortest part of a key that is searched for, in folded
// characters; shorter texts find product names only.
const MinFragment = 3

// MaxFragment is the longest folded text that may stand in an address. Longer
// ones could be a key.
const MaxFragment = 12

// MaxSearch bounds the text of a search, in bytes; the rest is ignored.
const MaxSearch = 255

// ListQuery is what a customer asks of the list of licenses.
type ListQuery struct {
	Search string
	Status license.Status
	Within time.Duration
	Living bool          // leave expired and revoked ones out, unless Status asks for them
	Sort   license.Order // "" is ByAssigned
	Desc   bool
	After  id.ID
	Before id.ID
	At     time.Time // instant the list was first taken at; zero is now
}

// List is one page of a customer's licenses, all of one moment.
type List struct {
	Rows     []license.Owned
	Counts   map[license.Status]int // with the search, without the status
	Total    int                    // rows of all pages with search and status
	Ended    int                    // expired and revoked ones with the search, shown or left out
	Owned    int                    // licenses of the customer at all
	At       time.Time
	HasNext  bool
	HasPrior bool
	Urgent   *Urgent // the most urgent license of all, or nil
	Soon     int     // how many end within the warning window
}

// List returns a page of the customer's licenses (P-LIC-01..16).
func (s *Service) List(ctx context.Context, actor account.Actor, q ListQuery) (List, error) {
	if err := customerOnly(actor); err != nil {
		return List{}, err
	}
	l := List{At: q.At}
	if l.At.IsZero() {
		l.At = s.clock()
	}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		f, err := s.filter(ctx, r, actor, q, l.At)
		if err != nil {
			return err
		}
		if err := readPage(ctx, r, q, f, &l); err != nil {
			return err
		}
		return readTotals(ctx, r, q, f, &l)
	})
	return l, err
}

// filter turns a search into what the store compares. Sealed keys are opened
// and searched here.
func (s *Service) filter(ctx context.Context, r store.Reader, actor account.Actor, q ListQuery, now time.Time) (store.LicenseFilter, error) {
	f := store.LicenseFilter{Customer: actor.CustomerID, Now: now, Status: q.Status, Within: q.Within, Living: q.Living && !q.Status.Ended()}
	text := searchText(q.Search)
	if text == "" {
		return f, nil
	}
	f.Product = license.FoldName(text)
	fragment := id.Fold(text)
	if utf8.RuneCountInString(fragment) < MinFragment {
		return f, nil
	}
	f.Key = fragment
	var err error
	f.Licenses, err = s.sealedMatches(ctx, r, actor.CustomerID, fragment)
	return f, err
}

// searchText is what is searched for: blanks collapsed, bounded.
func searchText(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "")
	if len(s) > MaxSearch {
		s = strings.ToValidUTF8(s[:MaxSearch], "")
	}
	return s
}

func readPage(ctx context.Context, r store.Reader, q ListQuery, f store.LicenseFilter, l *List) error {
	sort := q.Sort
	if sort == "" {
		sort = license.ByAssigned
	}
	rows, err := r.OwnedLicenses(ctx, f, sort, q.Desc, store.Page{After: q.After, Before: q.Before, Size: PageSize})
	if err != nil {
		return err
	}
	l.Rows, l.HasPrior, l.HasNext = cut(rows, q.After, q.Before)
	return nil
}

// cut drops the one row read beyond the page and says on which sides there
// are more. Reading backward, that row is the first.
func cut[T any](rows []T, after, before id.ID) (page []T, prior, next bool) {
	more := len(rows) > PageSize
	switch {
	case before != "" && more:
		return rows[1:], true, true
	case before != "":
		return rows, false, true
	case more:
		return rows[:PageSize], after != "", true
	}
	return rows, after != "", false
}

// readTotals counts: what each status would show, what this list holds, and
// what ends soon.
func readTotals(ctx context.Context, r store.Reader, q ListQuery, f store.LicenseFilter, l *List) error {
	var err error
	if l.Counts, err = r.CountOwned(ctx, f); err != nil {
		return err
	}
	for status, n := range l.Counts {
		if f.Status == "" && !(f.Living && status.Ended()) || f.Status == status {
			l.Total += n
		}
	}
	l.Ended = l.Counts[license.Expired] + l.Counts[license.Revoked]
	mine := store.LicenseFilter{Customer: f.Customer, Now: f.Now}
	if f.Product == "" && f.Within == 0 { // the counts are of all there is
		l.Owned = sum(l.Counts)
	} else if l.Owned, err = countAll(ctx, r, mine); err != nil {
		return err
	}
	if l.Urgent, err = urgent(ctx, r, mine); err != nil || l.Urgent == nil {
		return err
	}
	mine.Within = soonWindow
	l.Soon, err = countAll(ctx, r, mine)
	return err
}

func countAll(ctx context.Context, r store.Reader, f store.LicenseFilter) (int, error) {
	counts, err := r.CountOwned(ctx, f)
	return sum(counts), err
}

// sum is how many there are in all states together.
func sum[S comparable](counts map[S]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}

// Jump returns the customer's license whose whole key is the text, or "" when
// the text is no key of theirs. Somebody else's key is no key (P-TIC-29).
func (s *Service) Jump(ctx context.Context, actor account.Actor, text string) (id.ID, error) {
	if err := customerOnly(actor); err != nil {
		return "", err
	}
	text = searchText(text)
	if utf8.RuneCountInString(id.Fold(text)) < minKey {
		return "", nil
	}
	hashes := make(map[license.Environment][]byte)
	for _, env := range license.Environments() {
		hashes[env] = s.keyHash(env, text)
	}
	found, err := s.Store.OwnedByKey(ctx, actor.CustomerID, hashes)
	if store.IsNotFound(err) {
		return "", nil
	}
	return found, err
}

// InAddress reports whether a search text may stand in an address: a key, or
// most of one, never does.
func InAddress(text string) bool {
	return utf8.RuneCountInString(id.Fold(text)) <= MaxFragment
}
