package demo_test

import (
	"io"
	"testing"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/demo"
	"github.com/keyward/keyward/internal/server"
)

// BenchmarkSeed adds licenses, 200 to a customer, one of them an operation.
func BenchmarkSeed(b *testing.B) {
	uses, err := server.Assemble(b.Context(), config.Database{Data: b.TempDir()}, server.Options{Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer uses.Store.Close()
	b.ResetTimer()
	if _, err := demo.Seed(b.Context(), uses, demo.Amount{Customers: b.N/200 + 1, Licenses: b.N}, io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "licenses/s")
}
