package identity

import (
	"context"
	"slices"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// Views lists what the actor keeps of a list.
func (s *Service) Views(ctx context.Context, actor account.Actor, list string) ([]account.View, error) {
	if err := personOnly(actor); err != nil {
		return nil, err
	}
	return s.Store.Views(ctx, actor.ID, actor.CustomerID, list, account.MaxViews)
}

// SaveView keeps a list under a name, for the actor alone. Doing it twice keeps
// one. It is theirs to arrange, like the theme, and leaves no event.
func (s *Service) SaveView(ctx context.Context, actor account.Actor, v account.View) (account.View, error) {
	if err := personOnly(actor); err != nil {
		return v, err
	}
	v, refused := v.Check()
	if refused != nil {
		return v, refused
	}
	v.ID, v.CreatedAt = id.New(), s.clock()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockPerson(ctx, actor.ID); err != nil {
			return err
		}
		kept, err := tx.Views(ctx, actor.ID, actor.CustomerID, v.List, account.MaxViews)
		if err != nil {
			return err
		}
		same := slices.IndexFunc(kept, func(k account.View) bool { return k.Name == v.Name })
		switch {
		case same >= 0 && kept[same].Query == v.Query:
			v = kept[same]
			return nil
		case same >= 0:
			return nameTaken()
		case len(kept) >= account.MaxViews:
			return fault.New(fault.Conflict, "views_full", "You keep 20 views of this list, which is the most.").WithNext("Delete one you no longer need.")
		}
		return tx.AddView(ctx, actor.ID, actor.CustomerID, v)
	})
	return v, err
}

func nameTaken() *fault.Error {
	return fault.New(fault.Conflict, "view_name_taken", "You have a view of this name.").WithField("name", "Choose another name.")
}

// RenameView gives one of the actor's views another name.
func (s *Service) RenameView(ctx context.Context, actor account.Actor, wanted id.ID, name string) (account.View, error) {
	return s.ownView(ctx, actor, wanted, func(tx *store.Tx, v *account.View) error {
		named := *v
		named.Name = name
		named, refused := named.Check()
		if refused != nil {
			return refused
		}
		err := tx.RenameView(ctx, v.ID, named.Name)
		if store.IsUnique(err, "saved_view.name") {
			return nameTaken()
		}
		v.Name = named.Name
		return err
	})
}

// DeleteView forgets one of the actor's views. A second click is normal: one
// that is gone already comes back empty, without an error.
func (s *Service) DeleteView(ctx context.Context, actor account.Actor, wanted id.ID) (account.View, error) {
	v, err := s.ownView(ctx, actor, wanted, func(tx *store.Tx, v *account.View) error { return tx.DeleteView(ctx, v.ID) })
	if fault.Is(err, fault.NotFound) {
		return account.View{}, nil
	}
	return v, err
}

// ownView changes a view that the actor keeps; another's is not found. The view
// comes back even where the change was refused.
func (s *Service) ownView(ctx context.Context, actor account.Actor, wanted id.ID, change func(*store.Tx, *account.View) error) (account.View, error) {
	if err := personOnly(actor); err != nil {
		return account.View{}, err
	}
	var v account.View
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if v, err = tx.View(ctx, actor.ID, actor.CustomerID, wanted); err != nil {
			return err
		}
		return change(tx, &v)
	})
	if store.IsNotFound(err) {
		return v, s.foreign(ctx, s.Store.Reader, actor, store.ViewRecord, "view", wanted)
	}
	return v, err
}
