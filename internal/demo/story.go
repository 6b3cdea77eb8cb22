package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// A step is something that happened at an instant.
type step struct {
	at time.Time
	do func(context.Context) error
}

// A story is what happened to one license: it is issued, and then its steps
// follow. Instants are given as how long ago they were.
type story struct {
	case_   string // name of the case it shows, or ""
	product *product
	now     time.Time
	owner   account.Actor
	uses    *server.Services

	license license.License // once issued
	key     string
	version string // that its devices run
	steps   []step
	seats   []machine // that keep checking in
	callers []machine // that keep asking for a seat
}

func (s *story) ago(d time.Duration) time.Time { return s.now.Add(-d) }

func (s *story) then(ago time.Duration, do func(context.Context) error) *story {
	s.steps = append(s.steps, step{s.ago(ago), do})
	return s
}

// issue is the beginning: made and assigned at once.
func (s *story) issue(ago time.Duration, in licensing.Issue) *story {
	in.ProductID, in.CustomerID = s.product.ID, s.owner.CustomerID
	return s.then(ago, func(ctx context.Context) (err error) {
		s.license, s.key, err = s.uses.Licensing.Issue(ctx, account.System(""), in)
		return err
	})
}

// taken is the beginning of a license that was issued before Keyward came.
func (s *story) taken(ago time.Duration, in intake.License) *story {
	in.ProductID, in.CustomerID, in.AssignedAt = s.product.ID, s.owner.CustomerID, s.ago(ago+2*day)
	return s.then(ago, func(ctx context.Context) error {
		taken, err := s.uses.Intake.Take(ctx, account.System(""), []intake.License{in})
		if err == nil {
			s.license, s.key = taken[0], in.Key
		}
		return err
	})
}

// device is one that was activated, and then heard of again.
func (s *story) device(d machine, activated time.Duration, seen ...time.Duration) *story {
	s.then(activated, func(ctx context.Context) error {
		answer, err := s.uses.Licensing.Activate(ctx, s.product.actor, s.call(d))
		if err == nil && !answer.Verdict.Valid {
			err = fmt.Errorf("activate %s: %s", d.Name, answer.Verdict.Code)
		}
		return err
	})
	for _, ago := range seen {
		s.checkIn(d, ago)
	}
	return s
}

func (s *story) checkIn(d machine, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		_, err := s.uses.Licensing.CheckIn(ctx, s.product.actor, s.call(d))
		return err
	})
}

// running says which version the devices of this license run.
func (s *story) running(version string) *story {
	s.version = version
	return s
}

// live lets devices keep checking in while the demo runs.
func (s *story) live(machines ...machine) *story {
	s.seats = append(s.seats, machines...)
	return s
}

// besieged lets devices that have no seat keep asking for one.
func (s *story) besieged(machines ...machine) *story {
	s.callers = append(s.callers, machines...)
	return s
}

// refused is a device that asked for a seat and got none.
func (s *story) refused(d machine, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		answer, err := s.uses.Licensing.Activate(ctx, s.product.actor, s.call(d))
		if err == nil && answer.Verdict.Valid {
			err = errors.New("a device got a seat that it should not get")
		}
		return err
	})
}

// tidied ends the floating seats that had lapsed long before.
func (s *story) tidied(ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error { return s.uses.Licensing.TidySeats(ctx) })
}

// freed is a device that its owner deactivated in the portal.
func (s *story) freed(d machine, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		a, err := s.activation(ctx, d)
		if err == nil {
			_, err = s.uses.Licensing.Free(ctx, s.owner, a)
		}
		return err
	})
}

// named is a device that its owner gave a name.
func (s *story) named(d machine, label string, ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		a, err := s.activation(ctx, d)
		if err == nil {
			_, err = s.uses.Licensing.Rename(ctx, s.owner, a, label)
		}
		return err
	})
}

// activation is the one of a device, as its owner sees it.
func (s *story) activation(ctx context.Context, d machine) (id.ID, error) {
	list, err := s.uses.Licensing.Detail(ctx, s.owner, s.license.ID)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list.Devices, func(a license.Activation) bool { return a.Identifier == d.ID })
	if i < 0 {
		return "", fmt.Errorf("there is no device %s", d.Name)
	}
	return list.Devices[i].ID, nil
}

func (s *story) suspended(ago time.Duration, why license.Reason, note string) *story {
	return s.then(ago, func(ctx context.Context) error {
		_, err := s.uses.Licensing.Suspend(ctx, account.System(""), s.license.ID, why, note)
		return err
	})
}

func (s *story) reinstated(ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		_, err := s.uses.Licensing.Reinstate(ctx, account.System(""), s.license.ID)
		return err
	})
}

func (s *story) renewed(ago time.Duration, days int) *story {
	return s.then(ago, func(ctx context.Context) error {
		_, err := s.uses.Licensing.Renew(ctx, account.System(""), s.license.ID, days, time.Time{})
		return err
	})
}

func (s *story) revoked(ago time.Duration, why license.Reason, note string) *story {
	return s.then(ago, func(ctx context.Context) error {
		_, err := s.uses.Licensing.Revoke(ctx, account.System(""), s.license.ID, why, note)
		return err
	})
}

// copied is the owner who copies the key.
func (s *story) copied(ago time.Duration) *story {
	return s.then(ago, func(ctx context.Context) error {
		_, err := s.uses.Licensing.Reveal(ctx, s.owner, s.license.ID)
		return err
	})
}

func (s *story) call(m machine) licensing.Call {
	return licensing.Call{
		Key: s.key, Version: s.version,
		Device: &license.Device{Identifier: m.ID, Kind: m.Kind, Name: m.Name, Platform: m.Platform},
	}
}

// tell runs the steps of all stories in the order in which they happened.
func tell(ctx context.Context, c *clock, stories []*story) error {
	type scene struct {
		step
		story *story
	}
	var scenes []scene
	for _, s := range stories {
		for _, step := range s.steps {
			scenes = append(scenes, scene{step, s})
		}
	}
	slices.SortStableFunc(scenes, func(a, b scene) int { return a.at.Compare(b.at) })
	for _, next := range scenes {
		c.set(next.at)
		if err := next.do(ctx); err != nil {
			return fmt.Errorf("%s, %s: %w", next.story.product.Name, next.story.case_, err)
		}
	}
	return nil
}
