package api

import (
	"strconv"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/audit"
)

// Events is a part of everything that happens, in order.
type Events struct {
	Items []EventRecord `json:"items" nullable:"false"`
	Next  string        `json:"next" doc:"Keep it and send it as after to go on, also when there were no items."`
	More  bool          `json:"more" doc:"Whether to go on at once."`
}

func eventEndpoints() []endpoint {
	return []endpoint{fetch(endpoint{
		id: "list-events", path: "/api/v2/events", tag: "events", permission: account.EventsRead, summary: "Read what happens",
		description: "Answers events of the environment, and with customers:read those about customers, each at least once and in order. " +
			"Keep next once the events were worked on: whoever breaks off before meets them again, and tells them by their id. A part can have no items while more says to go on.",
		params: []param{
			{name: "after", doc: "The next of the part before. Without it, from the beginning.", cursor: true},
			{name: "limit", doc: "How many events to look at, 1 to 100. Without it, 50.", number: audit.MaxEvents},
		},
	}, listEvents)}
}

func listEvents(a *API, q *asked) (Events, error) {
	after, _ := strconv.ParseInt(q.query["after"], 10, 64) // empty, or checked
	limit := q.number("limit", usualRows)
	rows, next, err := a.Trail.Events(q.ctx, q.actor, after, limit)
	out := Events{Items: make([]EventRecord, 0, len(rows)), Next: strconv.FormatInt(next, 10), More: next > after}
	for _, row := range rows {
		one := eventRecordOf(row.Event)
		one.Number = row.Number
		out.Items = append(out.Items, one)
	}
	return out, err
}
