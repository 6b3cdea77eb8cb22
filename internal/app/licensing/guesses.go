package licensing

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ratelimit"
)

// guesses limits wrong claim codes by license and network. It is in memory, and
// each server has its own: that all guesses together stay few is kept with the
// reservation. A right code costs nothing.
type guesses struct{ wrong *ratelimit.Limit }

// maxGuessers bounds how many licenses and networks are remembered.
const maxGuessers = 10_000

func newGuesses() guesses {
	return guesses{ratelimit.New(license.ReservedFor/license.MaxGuesses, license.MaxGuesses, maxGuessers)}
}

func guesser(actor account.Actor, l id.ID) string {
	return ratelimit.Bucket(actor.Address).String() + " " + string(l)
}

// spent reports whether no code of this network is looked at now, not even a
// right one.
func (g guesses) spent(actor account.Actor, l id.ID, now time.Time) bool {
	return g.wrong.Wait(guesser(actor, l), now) > 0
}

// count counts a wrong code.
func (g guesses) count(actor account.Actor, l id.ID, now time.Time) {
	g.wrong.Take(guesser(actor, l), now)
}
