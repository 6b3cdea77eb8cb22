package license

import (
	"time"

	"github.com/keyward/keyward/verdict"
)

// RecentlyEnded is how long an expired license is worth its owner's attention:
// afterwards it was let go on purpose.
const RecentlyEnded = 30 * 24 * time.Hour

// Attention is why a license needs its owner before others do, the most
// pressing first. The store orders by the same rule, and a test proves that
// both agree.
type Attention int

// The reasons: what does not work comes before what will not work for long,
// and that before what only cannot grow.
const (
	AttentionEnded     Attention = iota // ended within RecentlyEnded
	AttentionGrace                      // past its date, working until its grace is over
	AttentionEnding                     // ends within verdict.SoonWindow
	AttentionSuspended                  // paused by the vendor
	AttentionFull                       // every seat is taken
	AttentionNone
)

// Attention is what the license needs at now.
func (o Owned) Attention(now time.Time) Attention {
	l := o.License
	switch status := l.Status(now); {
	case status == Revoked:
		return AttentionNone
	case status == Expired && now.Sub(l.EndsAt()) < RecentlyEnded:
		return AttentionEnded
	case status == Expired:
		return AttentionNone
	case l.InGrace(now):
		return AttentionGrace
	case l.EndsSoon(now, verdict.SoonWindow):
		return AttentionEnding
	case status == Suspended:
		return AttentionSuspended
	case l.Limit != Unlimited && o.Taken() >= l.Limit:
		return AttentionFull
	}
	return AttentionNone
}
