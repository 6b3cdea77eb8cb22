package store

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkInTx measures durable operations: one caller pays for a commit of
// its own, many share one.
func BenchmarkInTx(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openThings(b)
			var n atomic.Int64
			b.ResetTimer()
			parallel(callers, func() {
				for {
					i := n.Add(1)
					if i > int64(b.N) {
						return
					}
					if err := s.InTx(b.Context(), func(tx *Tx) error { return add(tx, int(i)) }); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	s := openThings(b)
	mustExec(b, s, `INSERT INTO thing (n) VALUES (1)`)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := first(s.queryRow(b.Context(), `SELECT n FROM thing WHERE n = $1`, 1), value[int64]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
