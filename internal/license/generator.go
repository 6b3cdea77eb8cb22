package license

import (
	"time"

	"github.com/keyward/keyward/internal/id"
)

// Generator makes the keys of a product's licenses and says what a license of
// its plan starts with. A license copies these values when it is made, so that
// a change here reaches new licenses only (C-PRD-01).
type Generator struct {
	ID           id.ID
	ProductID    id.ID
	Name         string // of the plan, unique within the product
	Pattern      string // custom pattern of package id (C-GEN-06)
	Limit        int    // devices of a license, or Unlimited
	ValidityDays int    // from assignment; 0 is perpetual
	MaxVersion   string // "" allows every version
	Features     []Feature
	Active       bool  // off: makes no further keys
	Generated    int64 // keys made so far, which is what {SEQ} counts
	CreatedAt    time.Time
	Version      int64 // rises with every change of the generator
}
