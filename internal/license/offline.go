package license

import (
	"time"

	"github.com/keyward/keyward/internal/id"
)

// OfflinePolicy is how a product's offline files are issued.
type OfflinePolicy struct {
	ValidFor time.Duration // how long a file may be used, never beyond its license's end
	Files    int           // how many of one license may be out at a time
}

// DefaultOffline is the policy of a product that has none of its own.
func DefaultOffline() OfflinePolicy { return OfflinePolicy{ValidFor: 90 * day, Files: 5} }

// Bounds of an offline policy.
const (
	MinOfflineFor   = day
	MaxOfflineFor   = 3660 * day
	MaxOfflineFiles = 10_000
)

// OfflineSkew is how far the clock of a device that never connects may be
// behind, where its product sets nothing else (C-OFF-01).
const OfflineSkew = day

// OfflineEnd is when a file issued now ends: with its policy, or with its
// license if that is sooner. Files count whole seconds.
func OfflineEnd(l License, p OfflinePolicy, now time.Time) time.Time {
	until := now.Add(p.ValidFor)
	if l.EndsAt().Before(until) {
		until = l.EndsAt()
	}
	return until.Truncate(time.Second)
}

// Why an offline file is no longer out.
const (
	FileReturned   Reason = "returned"   // with the code its device shows
	FileLost       Reason = Lost         // its owner cannot get at it any more
	FileSuperseded Reason = "superseded" // its device has a newer one
)

// OfflineFile is a license in a file, from issue to return.
type OfflineFile struct {
	ID           id.ID
	LicenseID    id.ID
	Activation   Activation // of the device it is for
	Nonce        string
	IssuedAt     time.Time
	ValidUntil   time.Time
	ReturnedAt   time.Time
	ReturnReason Reason
}

// FileState is what an offline file is at an instant.
type FileState string

// The states of offline files.
const (
	FileOut   FileState = "out"   // on its device
	FileEnded FileState = "ended" // its time is over
	FileGone  FileState = "lost"  // given up as lost, and good until its end
	FileBack  FileState = "returned"
)

// State is what the file is at now.
func (f OfflineFile) State(now time.Time) FileState {
	switch {
	case f.ReturnReason == FileReturned, f.ReturnReason == FileSuperseded:
		return FileBack
	case !now.Before(f.ValidUntil):
		return FileEnded
	case f.ReturnReason == FileLost:
		return FileGone
	}
	return FileOut
}
