package cli

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/server"
)

type doctorCommand struct{ storage }

// Run fails when there is a problem, so that a script notices; a warning alone
// is no failure.
func (c *doctorCommand) Run(on *call) error {
	findings, err := server.Examine(on.ctx, c.Database, time.Now, on.log("text", slog.LevelError))
	if err != nil {
		return stopped(on.ctx, err, "Stopped before the end.")
	}
	if err := c.show(on, examined{findings}); err != nil {
		return err
	}
	problems := 0
	for _, f := range findings {
		if f.Health == server.Sick {
			problems++
		}
	}
	if problems > 0 {
		return fault.New(fault.Conflict, "problems_found", fmt.Sprintf("There are problems: %d.", problems)).WithNext("Do what is said above.")
	}
	return nil
}

type examined struct {
	Findings []server.Finding `json:"findings"`
}

func (e examined) text() string {
	var rows [][]string
	for _, f := range e.Findings {
		rows = append(rows, []string{string(f.Health), f.Check, f.Says})
		if f.Next != "" {
			rows = append(rows, []string{"", "", f.Next})
		}
	}
	return table(rows)
}
