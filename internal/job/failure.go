package job

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	"unicode"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

const (
	firstPause = 15 * time.Second
	longPause  = time.Hour
	// maxAttempts of an hour between most of them are about three days: long
	// enough for somebody to come back from a weekend and repair what is wrong.
	maxAttempts = 75

	maxReason = 500 // characters
)

// Permanent marks an error that trying again cannot repair: the job is given up
// at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

func isPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

// pause is how long to wait after an attempt failed: twice as long each time,
// up to an hour, and a fifth more or less so that jobs that failed together do
// not come back together. The same job and attempt give the same pause.
func pause(job id.ID, attempt int) time.Duration {
	base := longPause
	if doublings := attempt - 1; doublings < 8 {
		base = min(firstPause<<doublings, longPause)
	}
	spread := base / 5
	return base - spread + time.Duration(draw(job, attempt)%uint64(2*spread))
}

// draw is a number that looks random and depends on the attempt alone.
func draw(job id.ID, attempt int) uint64 {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64([]byte(job), uint64(attempt)))
	return h.Sum64() ^ h.Sum64()>>32
}

// reason is what an operator reads about a failure: for a fault its sentences,
// which are safe to show, for anything else its text.
func reason(err error) string {
	text := err.Error()
	if f, ok := errors.AsType[*fault.Error](err); ok {
		text = strings.TrimSpace(f.Message + " " + f.Next)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > maxReason {
		text = string(runes[:maxReason])
	}
	return text
}

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }
