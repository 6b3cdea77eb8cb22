package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/verdict"
)

const (
	contenders    = 256
	floatingSeats = 10
	// vanishing is how many devices may be away with a seat at once: the others
	// go on contending for the rest.
	vanishing = 4
)

// 256 devices that contend for 10 floating seats never hold 11 at once, by what
// they were told and by what the server counts, while its nodes are killed; and
// nobody loses a seat before its time. With many rounds in
// KEYWARD_TEST_KILLS, seats lapse meanwhile.
func TestFloatingSeatsWithNodesKilled(t *testing.T) {
	on(t, func(t *testing.T, databaseURL string) {
		nodes := 1
		if databaseURL != "" {
			nodes = 3
		}
		s := setUpShop(t, databaseURL, "--floating", "1m")
		token := query[struct{ Token string }](t, s.with("token", "create", "watch", "--kind", "secret", "--environment", "production", "--permission", "licenses:read")...).Token
		c := newContest(t, openNodes(t, s, nodes), s.issue(t, "--limit", fmt.Sprint(floatingSeats)))
		c.run(killRounds(t), token)
		s.run(t, "audit", "verify")
		if found := s.run(t, "doctor"); strings.Contains(found, "problem") {
			t.Errorf("the doctor found\n%s", found)
		}
	})
}

// contest is devices that contend for the floating seats of a license.
type contest struct {
	*testing.T
	nodes   *Nodes
	license License

	seats ledger
	away  chan struct{} // a place for each that may vanish
	taken chan struct{} // a seat, just now

	took, refused, lapsed, watched atomic.Int32
}

func newContest(t *testing.T, nodes *Nodes, l License) *contest {
	return &contest{
		T: t, nodes: nodes, license: l,
		seats: ledger{open: map[int]*held{}},
		away:  make(chan struct{}, vanishing), taken: make(chan struct{}, contenders),
	}
}

// run kills a node once in each round, when seats have changed hands since the
// last one was killed.
func (c *contest) run(rounds int, token string) {
	c.Helper()
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	var contending sync.WaitGroup
	for i := range contenders {
		d := c.nodes.shop.device(c.T, c.license.Key, fmt.Sprint("device ", i), c.nodes.behind(i))
		contending.Go(func() { (&contender{c, i, d.client}).contend(ctx) })
	}
	contending.Go(func() { c.watch(ctx, token) })
	for round := range rounds {
		node := round % len(c.nodes.at)
		c.wait(floatingSeats)
		c.nodes.kill(c.T, node)
		c.nodes.start(c.T, node)
	}
	c.wait(floatingSeats)
	stop()
	contending.Wait()
	c.Logf("%d took a seat, %d were refused, %d seats lapsed, counted %d times", c.took.Load(), c.refused.Load(), c.lapsed.Load(), c.watched.Load())
	if most := c.seats.most(); most > floatingSeats {
		c.Errorf("%d seats were held at once", most)
	}
	if c.refused.Load() == 0 || c.watched.Load() == 0 {
		c.Error("nothing was contended for, or nobody watched")
	}
}

// watch asks again and again how many seats the server counts. It asks about
// an instant that is still to come when the count is made: one that has passed
// could count a seat that lapsed since, and the one that was taken for it.
func (c *contest) watch(ctx context.Context, token string) {
	for ; ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
		seats, err := c.count(ctx, token, time.Now().Add(10*time.Second))
		if err != nil {
			continue // the node was killed, or has too much to do
		}
		c.watched.Add(1)
		if seats.Observed.Number == nil || *seats.Observed.Number > floatingSeats {
			c.Errorf("the server counts %+v", seats)
		}
	}
}

// count asks for the check of the seats at an instant.
func (c *contest) count(ctx context.Context, token string, at time.Time) (verdict.Check, error) {
	node, err := c.nodes.next()
	if err != nil {
		return verdict.Check{}, err
	}
	body := fmt.Sprintf(`{"purpose":"add_device","at":%q}`, at.UTC().Format(time.RFC3339Nano))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, node.JoinPath("/api/v2/licenses", c.license.ID, "verdict").String(), strings.NewReader(body))
	if err != nil {
		return verdict.Check{}, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return verdict.Check{}, err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusInternalServerError {
		return verdict.Check{}, errors.New(response.Status)
	}
	var v verdict.Verdict
	if err := json.NewDecoder(response.Body).Decode(&v); err != nil {
		return verdict.Check{}, err
	}
	check, _ := v.Check(verdict.LimitReached)
	return check, nil
}

// wait waits until so many seats were taken.
func (c *contest) wait(seats int) {
	c.Helper()
	for range seats {
		select {
		case <-c.taken:
		case <-time.After(patience):
			c.Fatalf("for %v nobody took a seat", patience)
		}
	}
}

// contender is one of the devices.
type contender struct {
	*contest
	i      int
	client *client.Client
}

// contend takes a seat, works for a while, and gives it back or vanishes, again
// and again.
func (c *contender) contend(ctx context.Context) {
	for ctx.Err() == nil {
		switch a, err := c.client.Activate(ctx, c.license.Key); {
		case err != nil:
			c.unheard(ctx, err)
		case a.Verdict.Code == verdict.LimitReached:
			c.refused.Add(1)
		case !a.Valid():
			c.Errorf("device %d is answered %s", c.i, a.Verdict.Code)
			return
		default:
			c.use(ctx, a)
		}
		pause(ctx, time.Duration(200+rand.IntN(600))*time.Millisecond)
	}
}

// unheard is a call without an answer: the device knows of nothing it has.
func (c *contender) unheard(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, client.ErrAway) && !errors.Is(err, client.ErrNothingKept) {
		c.Errorf("device %d: %v", c.i, err)
	}
}

// use is what a device does with a seat.
func (c *contender) use(ctx context.Context, a *client.Answer) {
	c.took.Add(1)
	until := c.hold(a)
	select {
	case c.taken <- struct{}{}:
	default:
	}
	pause(ctx, time.Duration(rand.IntN(50))*time.Millisecond)
	a, err := c.client.CheckIn(ctx, c.license.Key)
	switch {
	case err != nil:
		c.unheard(ctx, err)
	case !a.Valid():
		c.Errorf("at %v device %d is answered %s, and held its seat until %v", a.Verdict.At, c.i, a.Verdict.Code, until)
		return
	default:
		until = c.hold(a)
	}
	select {
	case c.away <- struct{}{}:
		pause(ctx, time.Until(until))
		if ctx.Err() == nil {
			c.lapsed.Add(1)
		}
		<-c.away
		return
	default:
	}
	c.seats.release(c.i, time.Now())
	if _, err := c.client.Deactivate(ctx, c.license.Key); err != nil {
		c.unheard(ctx, err)
	}
}

// hold notes a seat, which the device knows of from now on.
func (c *contender) hold(a *client.Answer) time.Time {
	if a.Activation == nil || a.Activation.HoldUntil == nil {
		c.Errorf("device %d has no floating seat: %+v", c.i, a.Activation)
		return time.Time{}
	}
	until := *a.Activation.HoldUntil
	c.seats.hold(c.i, time.Now(), until)
	return until
}

// pause is the time that a device lets pass.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// ledger is who held a seat when, by the answers that were received: from the
// answer on, until the device gave it back or its hold was over.
type ledger struct {
	mu   sync.Mutex
	open map[int]*held // by device
	all  []*held
}

type held struct{ from, until time.Time }

func (l *ledger) hold(device int, from, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.open[device]; h != nil && from.Before(h.until) {
		h.until = until
		return
	}
	l.open[device] = &held{from, until}
	l.all = append(l.all, l.open[device])
}

func (l *ledger) release(device int, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.open[device]; h != nil && at.Before(h.until) {
		h.until = at
	}
	delete(l.open, device)
}

// most is how many seats were held at the same instant at most.
func (l *ledger) most() int {
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for _, h := range l.all {
		if h.from.Before(h.until) {
			changes = append(changes, change{h.from, 1}, change{h.until, -1})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(a.at.Compare(b.at), a.by-b.by) })
	now, most := 0, 0
	for _, c := range changes {
		now += c.by
		most = max(most, now)
	}
	return most
}
