package store

import (
	"context"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
)

// Record is a kind of record that belongs to somebody.
type Record string

// The records that people name by id and must not reach of each other.
const (
	PersonRecord   Record = "person"
	CustomerRecord Record = "customer"
	SessionRecord  Record = "session"
	PasskeyRecord  Record = "passkey"
	ViewRecord     Record = "saved_view"
)

// Exists reports whether there is a record with this id, whoever's it is. It
// tells another's from none at all, for the log alone (P-ISO-03).
func (r Reader) Exists(ctx context.Context, kind Record, wanted id.ID) (bool, error) {
	n, err := first(r.queryRow(ctx, `SELECT COUNT(*) FROM `+string(kind)+` WHERE id = $1`, wanted), value[int])
	return n > 0, err
}

// LatestEvents lists the latest events of a type of a customer, newest first.
func (r Reader) LatestEvents(ctx context.Context, customer id.ID, t event.Type, limit int) ([]event.Event, error) {
	rs, err := r.query(ctx, `SELECT `+eventColumns+` FROM event e`+eventJoins+`
		WHERE e.customer_seq = (SELECT seq FROM customer WHERE id = $1) AND e.type = $2
		ORDER BY e.seq DESC LIMIT $3`, customer, t, limit)
	return collect(rs, err, scanEvent)
}
