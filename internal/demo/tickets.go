package demo

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/ticket"
)

// talk is a ticket of the main customer and what became of it.
type talk struct {
	ago      time.Duration
	subject  string
	category string
	priority ticket.Priority
	text     string
	about    string // case of the license it is about
	file     support.NewFile
	answers  []remark
	status   ticket.Status // set at the end
}

// remark is one answer to it; staff unless the customer says it.
type remark struct {
	after    time.Duration
	customer bool
	text     string
}

// talks are tickets in every state, the oldest first.
func talks() []talk {
	const hour, day = time.Hour, 24 * time.Hour
	return []talk{
		{
			ago: 74 * day, subject: "Invoice with our purchase number", category: "billing", priority: ticket.Low,
			text:    "Could you add our purchase number 4711 to the last invoice?",
			answers: []remark{{26 * hour, false, "The corrected invoice is on its way to you by mail."}}, status: ticket.Closed,
		},
		{
			ago: 12 * day, subject: "Dark map tiles on the second screen", category: "technical_support", priority: ticket.Normal,
			text: "Since the last update tiles stay dark on the second screen until the window is resized.\n\nThe log is attached.", about: "active",
			file: support.NewFile{Name: "render.log", Content: []byte("09:12:44 WARN tile cache: surface lost, retry 3\n09:12:45 WARN tile cache: surface lost, retry 4\n")},
			answers: []remark{
				{5 * hour, false, "Thank you for the log. Does it stop when hardware acceleration is switched off in Preferences, Display?"},
				{8 * hour, true, "Yes, then everything is fine."},
				{30 * hour, false, "The driver loses its surface there. Version 8.4.2 works around it; it is in your downloads."},
			},
			status: ticket.Closed,
		},
		{
			ago: 5 * day, subject: "Renewal for another year", category: "license_issues", priority: ticket.Normal, about: "expired",
			text:    "One of our licenses has expired. Can we keep its activations when we renew it?",
			answers: []remark{{7 * hour, false, "Yes: the license stays the same and its devices keep their seats. It works again as soon as it is renewed."}},
			status:  ticket.Resolved,
		},
		{
			ago: 2 * day, subject: "Activation limit reached", category: "license_issues", priority: ticket.High, about: "limit_reached",
			text:    "All seats are in use, but one of the devices was given away last year. How do we get the seat back?",
			answers: []remark{{2 * hour, false, "Open Activations from the panel beside this thread, choose the device and press Deactivate. Can you tell us whether that worked?"}},
		},
		{
			ago: 20 * time.Hour, subject: "Export loses the projection", category: "technical_support", priority: ticket.Normal,
			text:    "GeoTIFF files we export open without a projection in other programs. It worked in 8.3.",
			answers: []remark{{3 * hour, false, "Which export profile do you use?"}, {4 * hour, true, "“Print, 300 dpi”, without changes."}},
		},
		{
			ago: 40 * time.Minute, subject: "A shared palette for the team", category: "feature_request", priority: ticket.Low,
			text: "It would help us to keep one palette for everybody instead of copying the file to each machine.",
		},
	}
}

// askSupport tells the talks, by the use cases that customers and staff use.
func askSupport(ctx context.Context, uses *server.Services, c *clock, main *author) error {
	for _, t := range talks() {
		if err := t.tell(ctx, uses, c, main); err != nil {
			return err
		}
	}
	return nil
}

func (t talk) tell(ctx context.Context, uses *server.Services, c *clock, main *author) error {
	begun := main.now.Add(-t.ago)
	c.set(begun)
	q := support.Question{Subject: t.subject, Category: t.category, Priority: t.priority, Description: t.text}
	for _, s := range main.stories {
		if s.case_ == t.about && t.about != "" {
			q.LicenseID = s.license.ID
		}
	}
	if t.file.Name != "" {
		q.Files = []support.NewFile{t.file}
	}
	made, err := uses.Support.Create(ctx, main.owner, q)
	if err != nil {
		return err
	}
	staff := account.System("")
	for _, a := range t.answers {
		c.set(begun.Add(a.after))
		if a.customer {
			_, err = uses.Support.Reply(ctx, main.owner, made.ID, support.Message{Body: a.text})
		} else {
			_, err = uses.Support.Answer(ctx, staff, made.Number, support.Message{Body: a.text}, "")
		}
		if err != nil {
			return err
		}
	}
	if t.status == "" {
		return nil
	}
	_, err = uses.Support.SetStatus(ctx, staff, made.Number, t.status)
	return err
}
