package license

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// SwapPolicy bounds how often customers may free seats of one license
// themselves (P-ACT-25). The zero policy bounds nothing.
type SwapPolicy struct {
	Allowed  int           // changes within Period; 0 is any number
	Period   time.Duration // what Allowed counts in
	CoolDown time.Duration // between two changes; 0 is none
}

// DefaultSwapPeriod is what changes are counted in unless the product says
// otherwise.
const DefaultSwapPeriod = 30 * day

// Limited reports whether the policy bounds anything.
func (p SwapPolicy) Limited() bool { return p.Allowed > 0 || p.CoolDown > 0 }

// Window is how far back changes matter.
func (p SwapPolicy) Window() time.Duration {
	if p.Allowed > 0 {
		return max(p.Period, p.CoolDown)
	}
	return p.CoolDown
}

// Relevant is how many of the latest changes matter.
func (p SwapPolicy) Relevant() int { return max(1, p.Allowed) }

// SelfService lists the reasons of the changes that count: those that people
// of the customer made. What software, staff or the end of a license frees is
// not counted.
func SelfService() []Reason { return []Reason{ByOwner, Lost, Swapped} }

// Swaps is how much of a policy a license has used up at an instant.
type Swaps struct {
	Policy SwapPolicy
	Left   int       // changes left now, where the policy counts them
	NextAt time.Time // when the next change is possible; zero: now
	BackAt time.Time // when one that is used up comes back; zero: none is
}

// Count applies the policy to a license whose devices were changed at these
// instants, the latest first.
func (p SwapPolicy) Count(changes []time.Time, now time.Time) Swaps {
	s := Swaps{Policy: p}
	if p.Allowed > 0 {
		s.count(changes, now)
	}
	if len(changes) == 0 {
		return s
	}
	if cool := changes[0].Add(p.CoolDown); cool.After(now) && cool.After(s.NextAt) {
		s.NextAt = cool
	}
	return s
}

// count is the part of the policy about the period: a change is used up until
// its period is over.
func (s *Swaps) count(changes []time.Time, now time.Time) {
	s.Left = s.Policy.Allowed
	for _, at := range changes {
		back := at.Add(s.Policy.Period)
		if !back.After(now) || s.Left == 0 {
			break
		}
		s.Left--
		s.BackAt = back
	}
	if s.Left == 0 {
		s.NextAt = s.BackAt
	}
}

// Refuse reports why n devices cannot be changed now, or nil.
func (s Swaps) Refuse(n int) *fault.Error {
	switch {
	case s.Policy.Allowed > 0 && s.Left == 0:
		return fault.New(fault.Conflict, "swaps_used_up", fmt.Sprintf("All %s of this license are used up for now.", changes(s.Policy.Allowed)))
	case !s.NextAt.IsZero():
		return fault.New(fault.Conflict, "swap_cooling_down", "A device of this license was changed a short while ago.")
	case s.Policy.Allowed > 0 && n > s.Left:
		return fault.New(fault.Conflict, "swaps_too_few", fmt.Sprintf("This would take %s, and there are %d left.", changes(n), s.Left)).
			WithNext("Deactivate devices one by one, or write to support.")
	}
	return nil
}

func changes(n int) string {
	if n == 1 {
		return "1 device change"
	}
	return fmt.Sprintf("%d device changes", n)
}
