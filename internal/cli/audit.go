package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/server"
)

type auditCommands struct {
	Verify auditVerify `cmd:"" help:"Compute the chain of events again and compare it with what is stored and signed."`
}

type auditVerify struct{ storage }

// Run fails when the chain does not hold, so that a script notices.
func (c *auditVerify) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		report, err := uses.Sealer.Verify(ctx)
		if err != nil {
			return err
		}
		if !report.Intact() {
			return broken(report)
		}
		return c.show(on, auditResultOf(report))
	})
}

func broken(r audit.Report) error {
	message := "The chain of events does not hold: " + r.Problem + "."
	if r.Broken > 0 {
		message = fmt.Sprintf("The chain of events does not hold from number %d on: %s.", r.Broken, r.Problem)
	}
	return fault.New(fault.Conflict, "chain_broken", message).WithNext("Compare with a backup before you go on.")
}

type auditResult struct {
	Events   int64      `json:"events"`
	Hash     string     `json:"hash"`
	SealedAt *time.Time `json:"sealed_at"`
}

func auditResultOf(r audit.Report) auditResult {
	result := auditResult{Events: r.Events, Hash: hex.EncodeToString(r.Hash)}
	if !r.SealedAt.IsZero() {
		result.SealedAt = &r.SealedAt
	}
	return result
}

func (r auditResult) text() string {
	sealed := "never"
	if r.SealedAt != nil {
		sealed = instant(*r.SealedAt)
	}
	return pairs([2]string{"Events", fmt.Sprint(r.Events)}, [2]string{"Last hash", r.Hash}, [2]string{"Sealed", sealed},
		[2]string{"", "The chain holds. Note the hash elsewhere to prove it later."})
}
