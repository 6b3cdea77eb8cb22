package account

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestHasherWaitsForAFreeSlotUntilTheCallerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hasher{slots: make(chan struct{}, 1)}
		h.slots <- struct{}{}
		cost := Cost{Memory: 8, Passes: 1, Threads: 1}
		leaving, leave := context.WithCancel(t.Context())
		gone, served := make(chan error, 1), make(chan error, 1)
		go func() { gone <- h.VerifyNone(leaving, cost) }()
		go func() { served <- h.VerifyNone(t.Context(), cost) }()
		synctest.Wait()
		if len(gone)+len(served) != 0 {
			t.Fatal("a hash was computed without a free slot")
		}
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("caller that left: %v", err)
		}
		<-h.slots
		if err := <-served; err != nil {
			t.Errorf("caller that stayed: %v", err)
		}
	})
}
