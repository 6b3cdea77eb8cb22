package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

func aTicket(t *testing.T, s *store.Store, c account.Customer, p account.Person, changes ...func(*ticket.Ticket)) ticket.Ticket {
	t.Helper()
	x := ticket.Ticket{
		ID: id.New(), Environment: license.Production, CustomerID: c.ID, PersonID: p.ID, Subject: "It does not start", Category: "billing",
		Priority: ticket.Normal, Status: ticket.Open, CreatedAt: noon, UpdatedAt: noon,
	}
	for _, change := range changes {
		change(&x)
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if x.Number, err = tx.NextTicketNumber(ctx); err != nil {
			return err
		}
		if err := tx.AddTicket(ctx, x, ""); err != nil {
			return err
		}
		return tx.SaveTicket(ctx, x)
	})
	return x
}

func aPost(t *testing.T, s *store.Store, of ticket.Ticket, changes ...func(*ticket.Post)) ticket.Post {
	t.Helper()
	p := ticket.Post{ID: id.New(), Kind: ticket.Message, Side: ticket.CustomerSide, AuthorID: of.PersonID, Body: "Hello", At: noon}
	for _, change := range changes {
		change(&p)
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPost(ctx, of.ID, p, "") })
	return p
}

// P-TIC-02: numbers follow each other, whoever comes at the same time.
func ticketNumbers(t *testing.T, s *store.Store) {
	p, c := aMember(t, s, "ada@example.com")
	const writers = 16
	numbers := make([]int64, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			err := s.InTx(context.Background(), func(tx *store.Tx) error {
				n, err := tx.NextTicketNumber(t.Context())
				if err != nil {
					return err
				}
				numbers[i] = n
				return tx.AddTicket(t.Context(), ticket.Ticket{
					ID: id.New(), Number: n, Environment: license.Production, CustomerID: c.ID, PersonID: p.ID, Category: "billing", Priority: ticket.Low,
					Status: ticket.Open, CreatedAt: noon, UpdatedAt: noon,
				}, "")
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != ticket.FirstNumber+int64(i) {
			t.Fatalf("numbers %v", numbers)
		}
	}
	undone := s.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.NextTicketNumber(t.Context()); err != nil {
			return err
		}
		return fmt.Errorf("undone")
	})
	if undone == nil || aTicket(t, s, c, p).Number != ticket.FirstNumber+writers {
		t.Error("a number was lost")
	}
}

// P-TIC-30
func tickets(t *testing.T, s *store.Store) {
	p, c := aMember(t, s, "ada@example.com")
	_, other := aMember(t, s, "eve@example.com")
	admin := account.Administrator{ID: id.New(), Email: "staff@example.com", Role: account.SupportAgent, Status: account.Active, CreatedAt: noon}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddAdministrator(ctx, admin) })
	primary := aTicket(t, s, c, p)
	x := aTicket(t, s, c, p)
	got, err := s.OwnedTicket(t.Context(), c.ID, x.ID)
	same(t, x, got, err)
	_, err = s.OwnedTicket(t.Context(), other.ID, x.ID)
	absent(t, err)
	got, err = s.TicketByNumber(t.Context(), x.Number)
	same(t, x, got, err)

	x.Status, x.AssigneeID, x.MergedInto, x.Rating, x.Priority = ticket.Closed, admin.ID, primary.ID, 4, ticket.High
	x.FirstResponseAt, x.ResolvedAt, x.ClosedAt, x.UpdatedAt = noon.Add(1), noon.Add(2*time.Hour), noon.Add(3*time.Hour), noon.Add(3*time.Hour)
	x.FirstResponseAt = noon.Add(time.Hour)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockTicket(ctx, x.ID); err != nil {
			return err
		}
		return tx.SaveTicket(ctx, x)
	})
	got, err = s.Ticket(t.Context(), x.ID)
	same(t, x, got, err)

	once := func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.NextTicketNumber(ctx)
		if err != nil {
			return err
		}
		y := primary
		y.ID, y.Number = id.New(), n
		return tx.AddTicket(ctx, y, "form-1")
	}
	must(t, s, once)
	if err := try(t, s, once); !store.IsUnique(err, "ticket.form") {
		t.Errorf("the same form again: %v", err)
	}
	if _, err := s.TicketByForm(t.Context(), c.ID, "form-1"); err != nil {
		t.Error(err)
	}
	_, err = s.TicketByForm(t.Context(), other.ID, "form-1")
	absent(t, err)
}

// P-TIC-21, P-TIC-30
func ticketThreads(t *testing.T, s *store.Store) {
	p, c := aMember(t, s, "ada@example.com")
	_, other := aMember(t, s, "eve@example.com")
	x := aTicket(t, s, c, p)
	asked := aPost(t, s, x)
	asked.Author = "ada@example.com"
	note := aPost(t, s, x, func(p *ticket.Post) { p.Kind, p.Side, p.AuthorID, p.Body = ticket.Note, ticket.StaffSide, "", "secret" })
	got, err := s.Posts(t.Context(), x.ID, false)
	same(t, []ticket.Post{asked}, got, err)
	got, err = s.Posts(t.Context(), x.ID, true)
	same(t, []ticket.Post{asked, note}, got, err)

	mineAlone := asked
	mineAlone.Author = ""
	got, err = s.Written(t.Context(), x.ID, p.ID, "", 10)
	same(t, []ticket.Post{mineAlone}, got, err)
	got, err = s.Written(t.Context(), x.ID, p.ID, asked.ID, 10)
	same(t, nil, got, err)
	got, err = s.Written(t.Context(), x.ID, id.New(), "", 10)
	same(t, nil, got, err)

	file := func(of ticket.Post, name string) store.Upload {
		u := store.Upload{File: ticket.File{ID: id.New(), Name: name, Type: "text/plain", Size: 3, At: noon}, Content: []byte("abc")}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddFile(ctx, of.ID, u) })
		return u
	}
	mine, hidden := file(asked, "mine.txt"), file(note, "hidden.txt")
	read, err := s.OwnedFile(t.Context(), c.ID, mine.ID)
	if err != nil || !bytes.Equal(read.Content, mine.Content) || read.File != mine.File {
		t.Errorf("file %+v, %v", read, err)
	}
	_, err = s.OwnedFile(t.Context(), other.ID, mine.ID)
	absent(t, err)
	_, err = s.OwnedFile(t.Context(), c.ID, hidden.ID)
	absent(t, err)
	_, err = s.File(t.Context(), x.ID, hidden.ID)
	found(t, err)
	_, err = s.File(t.Context(), aTicket(t, s, c, p).ID, mine.ID)
	absent(t, err)
	found(t, s.FileExists(t.Context(), mine.ID))
	absent(t, s.FileExists(t.Context(), id.New()))
	files, err := s.Files(t.Context(), x.ID, false)
	same(t, []store.PostFile{{PostID: asked.ID, File: mine.File}}, files, err)
	files, err = s.Files(t.Context(), x.ID, true)
	if len(files) != 2 || err != nil {
		t.Errorf("%d files for staff, %v", len(files), err)
	}

	e := ticket.Event{ID: id.New(), Type: ticket.StatusChanged, Side: ticket.StaffSide, From: ticket.Open, To: ticket.Waiting, At: noon}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddTicketEvent(ctx, x.ID, e) })
	events, err := s.TicketEvents(t.Context(), x.ID)
	same(t, []ticket.Event{e}, events, err)

	colleague := aPerson(t, s, "bob@example.com")
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddMembership(ctx, colleague.ID, c.ID, account.Manager, noon)
	})
	people, err := s.TicketPeople(t.Context(), x.ID)
	same(t, []account.Person{p}, people, err)
	aPost(t, s, x, func(p *ticket.Post) { p.AuthorID = colleague.ID })
	people, err = s.TicketPeople(t.Context(), x.ID)
	same(t, []account.Person{p, colleague}, people, err)
}

// P-TIC-28, P-TIC-29: a license of somebody else is never mentioned.
func ticketMentions(t *testing.T, s *store.Store) {
	p, c := aMember(t, s, "ada@example.com")
	_, other := aMember(t, s, "eve@example.com")
	product := aProduct(t, s, "editor")
	mine, theirs := aLicense(product, c.ID), aLicense(product, other.ID)
	add(t, s, mine, theirs)
	x := aTicket(t, s, c, p)
	for _, l := range []id.ID{theirs.ID, mine.ID, mine.ID} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddMention(ctx, x.ID, ticket.Mention{LicenseID: l, Standing: ticket.Standing{At: noon, Product: "Editor"}}, noon)
		})
	}
	got, err := s.Mentions(t.Context(), x.ID)
	same(t, []ticket.Mention{{LicenseID: mine.ID, Standing: ticket.Standing{At: noon, Product: "Editor"}}}, got, err)
}

// P-TIC-26, P-TIC-27, C-ENV-02
func ticketLists(t *testing.T, s *store.Store) {
	p, c := aMember(t, s, "ada@example.com")
	q, other := aMember(t, s, "eve@example.com")
	aTicket(t, s, other, q)
	var all []ticket.Ticket
	for i := range 5 {
		x := aTicket(t, s, c, p, func(x *ticket.Ticket) {
			x.Subject = fmt.Sprintf("Subject %d%%", i)
			x.CreatedAt = noon.Add(time.Duration(i) * time.Hour)
			x.UpdatedAt = noon.Add(time.Duration(10-i%2) * time.Hour)
			if i > 2 {
				x.Status, x.Category = ticket.Waiting, "feature_request"
			}
			if i == 3 {
				x.Environment = license.Staging
			}
		})
		aPost(t, s, x, func(p *ticket.Post) { p.Body = fmt.Sprintf("Body ÄÖ%d", i) })
		aPost(t, s, x, func(p *ticket.Post) { p.Kind, p.Side, p.Body = ticket.Note, ticket.StaffSide, "hidden" })
		all = append(all, x)
	}
	order := []int{4, 2, 0, 3, 1}
	names := func(list []ticket.Ticket, err error) []int64 {
		if err != nil {
			t.Error(err)
		}
		var n []int64
		for _, x := range list {
			n = append(n, x.Number)
		}
		return n
	}
	want := func(which ...int) []int64 {
		var n []int64
		for _, i := range which {
			n = append(n, all[i].Number)
		}
		return n
	}
	mine := store.TicketFilter{Customer: c.ID}
	with := func(change func(*store.TicketFilter)) store.TicketFilter { f := mine; change(&f); return f }
	for name, tt := range map[string]struct {
		f    store.TicketFilter
		page store.Page
		want []int64
	}{
		"all":               {mine, store.Page{Size: 9}, want(order...)},
		"one page":          {mine, store.Page{Size: 2}, want(4, 2, 0)},
		"after":             {mine, store.Page{Size: 2, After: all[2].ID}, want(0, 3, 1)},
		"before":            {mine, store.Page{Size: 2, Before: all[3].ID}, want(4, 2, 0)},
		"status":            {with(func(f *store.TicketFilter) { f.Status = ticket.Waiting }), store.Page{Size: 9}, want(4, 3)},
		"category":          {with(func(f *store.TicketFilter) { f.Category = "billing" }), store.Page{Size: 9}, want(2, 0, 1)},
		"range":             {with(func(f *store.TicketFilter) { f.From, f.To = noon.Add(time.Hour), noon.Add(3*time.Hour) }), store.Page{Size: 9}, want(2, 1)},
		"subject":           {with(func(f *store.TicketFilter) { f.Search = "subject 3%" }), store.Page{Size: 9}, want(3)},
		"message":           {with(func(f *store.TicketFilter) { f.Search = "äö2" }), store.Page{Size: 9}, want(2)},
		"note":              {with(func(f *store.TicketFilter) { f.Search = "hidden" }), store.Page{Size: 9}, nil},
		"number":            {with(func(f *store.TicketFilter) { f.Search, f.Number = "tick-x", fmt.Sprint(all[1].Number) }), store.Page{Size: 9}, want(1)},
		"for staff, all":    {store.TicketFilter{Status: ticket.Waiting}, store.Page{Size: 9}, want(4, 3)},
		"of an environment": {store.TicketFilter{Environment: license.Staging}, store.Page{Size: 9}, want(3)},
		"for staff, paged":  {store.TicketFilter{}, store.Page{Size: 9, After: all[0].ID}, append(want(3, 1), all[0].Number-1)},
	} {
		if diff := cmp.Diff(tt.want, names(s.Tickets(t.Context(), tt.f, ticket.ByUpdated, tt.page))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for order, which := range map[ticket.Order][]int{ticket.ByAge: {1, 3, 0, 2, 4}, ticket.ByNeed: {4, 3, 2, 0, 1}} {
		var wanted []id.ID
		for _, i := range which {
			wanted = append(wanted, all[i].ID)
		}
		visits(t, wanted, func(page store.Page) (found []id.ID, err error) {
			list, err := s.Tickets(t.Context(), mine, order, page)
			for _, x := range list {
				found = append(found, x.ID)
			}
			return found, err
		})
	}
	closed := all[0]
	closed.Status = ticket.Closed
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveTicket(ctx, closed) })
	open := with(func(f *store.TicketFilter) { f.Open = true })
	if diff := cmp.Diff(want(4, 3, 2, 1), names(s.Tickets(t.Context(), open, ticket.ByNeed, store.Page{Size: 9}))); diff != "" {
		t.Errorf("without closed ones (-want +got):\n%s", diff)
	}
	counts, err := s.CountTickets(t.Context(), open)
	same(t, map[ticket.Status]int{ticket.Open: 2, ticket.Waiting: 2, ticket.Closed: 1}, counts, err)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveTicket(ctx, all[0]) })
	counts, err = s.CountTickets(t.Context(), with(func(f *store.TicketFilter) { f.Status = ticket.Open }))
	same(t, map[ticket.Status]int{ticket.Open: 3, ticket.Waiting: 2}, counts, err)
}

// C-JOB-01, P-TIC-22
func ticketSweeps(t *testing.T, s *store.Store) {
	p, c := aMember(t, s, "ada@example.com")
	resolved := func(d time.Duration) func(*ticket.Ticket) {
		return func(x *ticket.Ticket) { x.Status, x.ResolvedAt = ticket.Resolved, noon.Add(d) }
	}
	late, early := aTicket(t, s, c, p, resolved(time.Hour)), aTicket(t, s, c, p, resolved(0))
	aTicket(t, s, c, p, resolved(3*time.Hour))
	aTicket(t, s, c, p)
	got, err := s.ResolvedTickets(t.Context(), noon.Add(time.Hour), 10)
	same(t, []id.ID{early.ID, late.ID}, got, err)
}
