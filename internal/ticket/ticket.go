package ticket

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// Status is where a ticket is.
type Status string

// The states of a ticket (P-TIC-03).
const (
	Open       Status = "open"
	InProgress Status = "in_progress"
	Waiting    Status = "waiting" // for the customer
	Resolved   Status = "resolved"
	Closed     Status = "closed"
)

// Statuses lists the states in order.
func Statuses() []Status { return []Status{Open, InProgress, Waiting, Resolved, Closed} }

// Known reports whether s is one of the states.
func (s Status) Known() bool {
	switch s {
	case Open, InProgress, Waiting, Resolved, Closed:
		return true
	}
	return false
}

// Ticket is one question of a customer and what became of it.
type Ticket struct {
	ID          id.ID
	Number      int64
	Environment license.Environment // of the license it was opened about; production without one
	CustomerID  id.ID
	PersonID    id.ID // who asked
	Subject     string
	Category    string // code of a Category
	Priority    Priority
	Status      Status
	AssigneeID  id.ID // administrator
	MergedInto  id.ID // the ticket that goes on in its place
	Rating      int   // 1 to 5; 0 is none

	CreatedAt       time.Time
	UpdatedAt       time.Time
	FirstResponseAt time.Time
	ResolvedAt      time.Time
	ClosedAt        time.Time
}

// numberPrefix begins the name of every ticket (P-TIC-02).
const numberPrefix = "TICK-"

// FirstNumber is the number of an installation's first ticket.
const FirstNumber = 1001

// Name is what people call the ticket: "TICK-1001".
func (t Ticket) Name() string { return Name(t.Number) }

// Name is what people call the ticket with this number.
func Name(number int64) string { return numberPrefix + strconv.FormatInt(number, 10) }

// ParseName reads the number out of "TICK-1001", "tick1001" or "1001".
func ParseName(s string) (number int64, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	s = strings.TrimPrefix(strings.TrimPrefix(s, strings.TrimSuffix(numberPrefix, "-")), "-")
	if s == "" || len(s) > 15 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	number, err := strconv.ParseInt(s, 10, 64)
	return number, err == nil && number > 0
}

// Category is what a ticket is about.
type Category struct{ Code, Label string }

// Categories are the ones of an installation that sets none of its own (E-33).
func Categories() []Category {
	return []Category{
		{"technical_support", "Technical Support"},
		{"billing", "Billing"},
		{"license_issues", "License Issues"},
		{"general_inquiry", "General Inquiry"},
		{"feature_request", "Feature Request"},
	}
}

// CategoryOf makes a category of its label.
func CategoryOf(label string) (Category, error) {
	label = strings.Join(strings.Fields(label), " ")
	code := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, strings.ToLower(label)), "_")
	if code == "" || len(label) > 60 {
		return Category{}, fmt.Errorf("%q is no name of a category: use 1 to 60 letters", label)
	}
	return Category{Code: code, Label: label}, nil
}

// Kind tells what everybody in a ticket reads from what staff keep to themselves.
type Kind string

// The kinds of messages.
const (
	Message Kind = "message"
	Note    Kind = "note" // staff only (P-TIC-21)
)

// Side is on which side of the counter somebody stands.
type Side string

// The sides.
const (
	CustomerSide Side = "customer"
	StaffSide    Side = "staff"
	SystemSide   Side = "system"
)

// Post is one message of a thread.
type Post struct {
	ID       id.ID
	Kind     Kind
	Side     Side
	AuthorID id.ID // person or administrator; empty is the system
	Author   string
	Body     string
	ByMail   bool
	At       time.Time
	Files    []File
}

// File is an attachment without its content.
type File struct {
	ID   id.ID
	Name string
	Type string // media type, found in the content
	Size int64
	At   time.Time
}

// EventType is an entry of a ticket's timeline (P-TIC-20).
type EventType string

// The entries of timelines.
const (
	Created        EventType = "created"
	FirstResponse  EventType = "first_response"
	Posted         EventType = "posted"
	StatusChanged  EventType = "status_changed"
	AssignedTo     EventType = "assigned"
	MergedTo       EventType = "merged"
	TookOver       EventType = "took_over" // another ticket was merged into this one
	Rated          EventType = "rated"
	PriorityChange EventType = "priority_changed"
)

// Event is one entry of a timeline.
type Event struct {
	ID      id.ID
	Type    EventType
	Side    Side
	ActorID id.ID
	From    Status
	To      Status
	Detail  string // code or number; nothing personal
	At      time.Time
}

// Standing is how a license stood when a ticket spoke of it. It stays as it was.
type Standing struct {
	At          time.Time           `json:"at"`
	Environment license.Environment `json:"environment,omitempty"` // tickets of earlier versions do not say
	Product     string              `json:"product"`
	Plan        string              `json:"plan"`
	Mask        string              `json:"mask"`
	Status      string              `json:"status"`
	Used        int                 `json:"used"`
	Limit       *int                `json:"limit,omitempty"` // absent: unlimited
	Use         verdict.Verdict     `json:"use"`
	AddDevice   verdict.Verdict     `json:"add_device"`
}

// Mention is a license of the customer that a ticket speaks of.
type Mention struct {
	LicenseID id.ID
	Standing  Standing
}

// NoticeJob is the kind of the job that sends a mail about a ticket.
const NoticeJob = "mail.ticket"

// Occasion is why a mail about a ticket is sent.
type Occasion string

// The occasions (P-TIC-19). The first ones are for the customer's people, those
// that begin with "desk" for staff.
const (
	Opened   Occasion = "opened"
	Assigned Occasion = "assigned"
	Replied  Occasion = "replied"
	Moved    Occasion = "moved" // another status
	Done     Occasion = "resolved"
	Ended    Occasion = "closed"
	Merged   Occasion = "merged"

	DeskOpened   Occasion = "desk_opened"
	DeskReplied  Occasion = "desk_replied"
	DeskAssigned Occasion = "desk_assigned"
)

// Notice is the payload of such a job: ids and codes only. Without a person it
// is for staff.
type Notice struct {
	Occasion Occasion `json:"occasion"`
	TicketID id.ID    `json:"ticket_id"`
	PersonID id.ID    `json:"person_id,omitempty"`
	PostID   id.ID    `json:"post_id,omitempty"`
	Status   Status   `json:"status,omitempty"` // at that moment
}
