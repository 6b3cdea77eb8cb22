package licensing

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Tally collects in memory what a power failure may lose: when devices were
// last seen, coalesced per device, and how often products were validated. A
// validation thereby costs no durable write.
type Tally struct {
	store  *store.Store
	listen func(verdict.Code)

	mu     sync.Mutex
	seen   map[id.ID]store.Seen
	counts map[validationKey]int64
}

type validationKey struct {
	product id.ID
	hour    time.Time
	code    verdict.Code
}

func newTally(s *store.Store, listen func(verdict.Code)) *Tally {
	if listen == nil {
		listen = func(verdict.Code) {}
	}
	return &Tally{store: s, listen: listen, seen: map[id.ID]store.Seen{}, counts: map[validationKey]int64{}}
}

func (t *Tally) saw(s store.Seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[s.ActivationID] = newer(t.seen[s.ActivationID], s)
}

// newer is two pieces of news about one device as one: the later instant, and
// the later of the versions it told.
func newer(a, b store.Seen) store.Seen {
	if b.At.Before(a.At) {
		a, b = b, a
	}
	if b.AppVersion == "" {
		b.AppVersion = a.AppVersion
	}
	return b
}

func (t *Tally) validated(product id.ID, code verdict.Code, now time.Time) {
	t.listen(code)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[validationKey{product, now.Truncate(time.Hour), code}]++
}

// flushed bounds the devices of one transaction, for which others wait.
const flushed = 500

// Flush writes what was collected. What could not be written is kept for the
// next time.
func (t *Tally) Flush(ctx context.Context) error {
	seen, counts := t.take()
	for part := range slices.Chunk(sortedSeen(seen), flushed) {
		err := t.store.InTx(ctx, func(tx *store.Tx) error { return tx.MarkSeen(ctx, part) })
		if err != nil {
			t.putBack(seen, counts) // to note it twice changes nothing
			return err
		}
	}
	if len(counts) == 0 {
		return nil
	}
	err := t.store.InTx(ctx, func(tx *store.Tx) error { return tx.AddValidations(ctx, validations(counts)) })
	if err != nil {
		t.putBack(nil, counts)
	}
	return err
}

func (t *Tally) take() (map[id.ID]store.Seen, map[validationKey]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen, counts := t.seen, t.counts
	t.seen, t.counts = map[id.ID]store.Seen{}, map[validationKey]int64{}
	return seen, counts
}

func (t *Tally) putBack(seen map[id.ID]store.Seen, counts map[validationKey]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for activation, s := range seen {
		t.seen[activation] = newer(s, t.seen[activation])
	}
	for k, n := range counts {
		t.counts[k] += n
	}
}

// sortedSeen puts rows in one order, so that two servers never wait for each
// other's rows crosswise.
func sortedSeen(seen map[id.ID]store.Seen) []store.Seen {
	list := make([]store.Seen, 0, len(seen))
	for _, activation := range slices.Sorted(maps.Keys(seen)) {
		list = append(list, seen[activation])
	}
	return list
}

// validations puts counters in one order too.
func validations(counts map[validationKey]int64) []store.Validations {
	list := make([]store.Validations, 0, len(counts))
	for k, n := range counts {
		list = append(list, store.Validations{ProductID: k.product, Hour: k.hour, Code: k.code, Total: n})
	}
	slices.SortFunc(list, func(a, b store.Validations) int {
		return cmp.Or(cmp.Compare(a.ProductID, b.ProductID), a.Hour.Compare(b.Hour), cmp.Compare(a.Code, b.Code))
	})
	return list
}
