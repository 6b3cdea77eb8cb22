package once_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

var noon = time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)

func TestOnce(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { run(t, storetest.Open(t, store.Options{Dir: storetest.Dir(t)})) })
	t.Run("PostgreSQL", func(t *testing.T) {
		run(t, storetest.Open(t, store.Options{Database: storetest.Postgres(t), Dir: storetest.Dir(t)}))
	})
}

func run(t *testing.T, s *store.Store) {
	made := func(what id.ID) func(*store.Tx) (id.ID, error) {
		return func(*store.Tx) (id.ID, error) { return what, nil }
	}
	with := func(key, print string) context.Context {
		return once.With(t.Context(), once.Request{Scope: "token|POST|/x", Key: key, Print: []byte(print)})
	}
	result := func(t *testing.T, err error, want id.ID) {
		t.Helper()
		if got, again := once.Result(err); !again || got != want {
			t.Errorf("got %q, %v from %v, want %q", got, again, err, want)
		}
	}
	t.Run("one of many at once does it, the others learn what it made", func(t *testing.T) {
		var done, again atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				err := once.InTx(with("storm", "same"), s, noon, func(*store.Tx) (id.ID, error) { return "made", nil })
				if got, is := once.Result(err); is && got == "made" {
					again.Add(1)
				} else if err == nil {
					done.Add(1)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 || again.Load() != 15 {
			t.Errorf("done %d times, told of it %d times", done.Load(), again.Load())
		}
	})
	t.Run("the key of another request is a conflict", func(t *testing.T) {
		if err := once.InTx(with("k", "one"), s, noon, made("a")); err != nil {
			t.Fatal(err)
		}
		err := once.InTx(with("k", "two"), s, noon, made("b"))
		if f := fault.From(err); f == nil || f.Code != "idempotency_conflict" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a refusal and a failure are not remembered", func(t *testing.T) {
		ctx := with("r", "one")
		if err := once.InTx(ctx, s, noon, made("")); err != nil {
			t.Fatal(err)
		}
		if err := once.InTx(ctx, s, noon, func(*store.Tx) (id.ID, error) { return "", fault.Missing("thing") }); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		if err := once.InTx(ctx, s, noon, made("a")); err != nil {
			t.Fatal(err)
		}
		result(t, once.InTx(ctx, s, noon, made("b")), "a")
	})
	t.Run("parts are told apart, and a key is free after a day", func(t *testing.T) {
		ctx := with("p", "one")
		for i, want := range []id.ID{"a", "b"} {
			if err := once.InTx(once.Part(ctx, i), s, noon, made(want)); err != nil {
				t.Fatal(err)
			}
			result(t, once.InTx(once.Part(ctx, i), s, noon.Add(23*time.Hour), made("c")), want)
		}
		if err := once.InTx(once.Part(ctx, 0), s, noon.Add(25*time.Hour), made("c")); err != nil {
			t.Error(err)
		}
	})
	t.Run("without a key everything is done", func(t *testing.T) {
		for range 2 {
			if err := once.InTx(t.Context(), s, noon, made("a")); err != nil {
				t.Error(err)
			}
		}
	})
}
