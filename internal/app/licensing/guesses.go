package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ratelimit"
)

// guesses limits wrong claim codes by license and network, on all servers
// together. That those of all networks stay few is kept with the reservation. A
// right code costs nothing.
type guesses struct{ wrong *attempt.Limit }

func newGuesses(c *attempt.Counter) guesses {
	return guesses{c.Limit("claim", license.ReservedFor/license.MaxGuesses, license.MaxGuesses)}
}

func guesser(actor account.Actor, l id.ID) string {
	return ratelimit.Bucket(actor.Address).String() + " " + string(l)
}

// spent reports whether no code of this network is looked at now, not even a
// right one.
func (g guesses) spent(ctx context.Context, actor account.Actor, l id.ID, now time.Time) (bool, error) {
	wait, err := g.wrong.Wait(ctx, guesser(actor, l), now)
	return wait > 0, err
}

// count counts a wrong code.
func (g guesses) count(ctx context.Context, actor account.Actor, l id.ID, now time.Time) error {
	_, err := g.wrong.Take(ctx, guesser(actor, l), now)
	return err
}
