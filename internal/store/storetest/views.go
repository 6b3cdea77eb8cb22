package storetest

import (
	"context"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// views proves that what people keep of lists is theirs alone.
func views(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ada, customer := aMember(t, s, "ada@views.example")
	eve, other := aMember(t, s, "eve@views.example")
	view := func(list, name string) account.View {
		return account.View{ID: id.New(), List: list, Name: name, Query: "q=edi&sort=expiry", CreatedAt: noon}
	}
	keep := func(person, customer id.ID, v account.View) account.View {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddView(ctx, person, customer, v) })
		return v
	}
	b, a := keep(ada.ID, customer.ID, view("licenses", "b")), keep(ada.ID, customer.ID, view("licenses", "A"))
	elsewhere := keep(ada.ID, other.ID, view("licenses", "b"))
	device := keep(ada.ID, customer.ID, view("activations", "b"))
	theirs := keep(eve.ID, customer.ID, view("licenses", "b"))

	got, err := s.Views(ctx, ada.ID, customer.ID, "licenses", 20)
	same(t, []account.View{a, b}, got, err)
	got, err = s.Views(ctx, ada.ID, customer.ID, "licenses", 1)
	same(t, []account.View{a}, got, err)
	got, err = s.Views(ctx, ada.ID, customer.ID, "activations", 20)
	same(t, []account.View{device}, got, err)
	got, err = s.AllViews(ctx, ada.ID, customer.ID, 20)
	same(t, []account.View{device, a, b}, got, err)
	got, err = s.AllViews(ctx, ada.ID, customer.ID, 1)
	same(t, []account.View{device}, got, err)
	one, err := s.View(ctx, ada.ID, customer.ID, b.ID)
	same(t, b, one, err)
	for foreign, known := range map[id.ID]bool{elsewhere.ID: true, theirs.ID: true, id.New(): false} {
		_, err = s.View(ctx, ada.ID, customer.ID, foreign)
		absent(t, err)
		exists, err := s.Exists(ctx, store.ViewRecord, foreign)
		same(t, known, exists, err)
	}
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddView(ctx, ada.ID, customer.ID, view("licenses", "b"))
	})
	if !store.IsUnique(err, "saved_view.name") {
		t.Errorf("a second view of the same name: %v", err)
	}
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RenameView(ctx, a.ID, "b") })
	if !store.IsUnique(err, "saved_view.name") {
		t.Errorf("a name that is taken: %v", err)
	}
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddView(ctx, id.New(), customer.ID, view("x", "x"))
	}))
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RenameView(ctx, a.ID, "c"); err != nil {
			return err
		}
		return tx.DeleteView(ctx, b.ID)
	})
	a.Name = "c"
	got, err = s.Views(ctx, ada.ID, customer.ID, "licenses", 20)
	same(t, []account.View{a}, got, err)
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteView(ctx, b.ID) }))
}
