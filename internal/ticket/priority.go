package ticket

import "time"

// Priority is how urgent a ticket is.
type Priority string

// The priorities.
const (
	Low      Priority = "low"
	Normal   Priority = "normal"
	High     Priority = "high"
	Critical Priority = "critical"
)

// Priorities lists them, the least urgent first.
func Priorities() []Priority { return []Priority{Low, Normal, High, Critical} }

// Known reports whether p is one of the priorities.
func (p Priority) Known() bool {
	switch p {
	case Low, Normal, High, Critical:
		return true
	}
	return false
}

// Promise is what a priority is for and how soon it is answered (P-TIC-07).
type Promise struct {
	Guidance string        // when to choose it
	Target   string        // "4 hours, in business hours"
	Within   time.Duration // of the first response at the latest
	Business bool          // only business hours count
}

// Promise returns what the priority is for; an unknown one is Normal.
func (p Priority) Promise() Promise {
	switch p {
	case Low:
		return Promise{"A question or a wish that can wait.", "3–5 days", 5 * 24 * time.Hour, false}
	case High:
		return Promise{"Something important does not work, and there is no good way around it.", "4 hours, in business hours", 4 * time.Hour, true}
	case Critical:
		return Promise{"Nobody can work: the software is down for everybody.", "1 hour, around the clock", time.Hour, false}
	}
	return Promise{"Something does not work as it should, and you can go on meanwhile.", "24 hours", 24 * time.Hour, false}
}

// Due is until when a first response is owed.
func (p Priority) Due(created time.Time, h Hours) time.Time {
	promise := p.Promise()
	if promise.Business {
		return h.Add(created, promise.Within)
	}
	return created.Add(promise.Within)
}
