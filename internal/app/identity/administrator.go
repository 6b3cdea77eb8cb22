package identity

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// NewAdministrator describes an administrator.
type NewAdministrator struct {
	Email    string
	Name     string // may be empty
	Role     account.StaffRole
	Password string // "": one is made
}

// CreateAdministrator makes an administrator and returns the password that it
// made for them, if it did. Nobody can make one who may do more than they.
func (s *Service) CreateAdministrator(ctx context.Context, actor account.Actor, in NewAdministrator) (account.Administrator, string, error) {
	if err := actor.Require(account.StaffWrite); err != nil {
		return account.Administrator{}, "", err
	}
	a, err := s.newAdministrator(actor, in)
	if err != nil {
		return account.Administrator{}, "", err
	}
	password, made := in.Password, ""
	if password == "" {
		made = rand.Text()
		password = made
	}
	if err := usablePassword(password, a.Email, account.MinAdministratorPassword); err != nil {
		return account.Administrator{}, "", err
	}
	hash, err := s.Hasher.Hash(ctx, password, s.AdministratorCost)
	if err != nil {
		return account.Administrator{}, "", err
	}
	e := event.New(event.AdministratorCreated, actor, a.CreatedAt)
	e.Data.Subject = a.ID
	e.Data.Role = string(a.Role)
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		kept := a
		kept.PasswordHash = hash
		if err := tx.AddAdministrator(ctx, kept); err != nil {
			return taken(err, "administrator.email")
		}
		return tx.AppendEvent(ctx, e)
	})
	if err != nil {
		return account.Administrator{}, "", err
	}
	return a, made, nil
}

func (s *Service) newAdministrator(actor account.Actor, in NewAdministrator) (account.Administrator, error) {
	var problems fault.Problems
	a := account.Administrator{
		ID: id.New(), Email: email(&problems, in.Email), Name: name(&problems, "name", in.Name, false),
		Role: in.Role, Status: account.Active, CreatedAt: s.clock(),
	}
	if !slices.Contains(account.StaffRoles(), in.Role) {
		problems.Add("role", "Choose one of the roles.")
	}
	if err := problems.Err(); err != nil {
		return a, err
	}
	return a, mayGrant(actor, in.Role.Permissions())
}

// mayGrant refuses to hand out a permission that the actor does not hold.
func mayGrant(actor account.Actor, permissions []account.Permission) error {
	for _, p := range permissions {
		if err := actor.Require(p); err != nil {
			return err
		}
	}
	return nil
}
