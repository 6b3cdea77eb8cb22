package store

import (
	"runtime"
	"sync"
)

// yield lets other goroutines run.
func yield() { runtime.Gosched() }

// goexit ends the goroutine as t.FailNow does.
func goexit() { runtime.Goexit() }

// parallel runs n calls of f at once and waits for them.
func parallel(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}
