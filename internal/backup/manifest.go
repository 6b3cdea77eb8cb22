package backup

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// Format is the version of the file's form that this program writes, and the
// highest it reads.
const Format = 1

// Names of entries that are always there.
const (
	manifestName = "keyward-backup.json"
	sumsName     = "SHA256SUMS"
)

// maxManifest and maxSums bound what is read into memory.
const (
	maxManifest = 1 << 16
	maxSums     = 64 << 20
)

// Manifest says what a backup is of. None of it is secret.
type Manifest struct {
	Format      int       `json:"format"`
	CreatedAt   time.Time `json:"created_at"`
	Database    string    `json:"database"` // "sqlite" or "postgres"
	Schema      int64     `json:"schema"`
	Epoch       int64     `json:"epoch"`
	MasterCheck string    `json:"master_check"` // of the master key that opens the records
	Files       bool      `json:"files"`
	MasterKey   bool      `json:"master_key"`
}

func readManifest(r io.Reader) (m Manifest, err error) {
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestName, err)
	}
	if m.Format > Format {
		return m, fault.New(fault.Conflict, "backup_newer", fmt.Sprintf("The backup has format %d, which is newer than this program (%d).", m.Format, Format)).
			WithNext("Restore it with the program that made it, or a newer one.")
	}
	if m.Format < 1 {
		return m, fmt.Errorf("%s: format %d", manifestName, m.Format)
	}
	return m, nil
}
