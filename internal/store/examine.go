package store

import (
	"context"
	"fmt"
	"time"
)

// maxDamages bounds what an examination lists.
const maxDamages = 10

// Damages lists what is wrong with the database itself, in the database's
// words. On SQLite it reads all of it; on PostgreSQL it looks for indexes and
// constraints that do not hold, as its own checks guard the rest.
func (r Reader) Damages(ctx context.Context) ([]string, error) {
	if r.d.name == postgresName {
		rs, err := r.query(ctx, `SELECT 'index ' || indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace
			UNION ALL SELECT 'constraint ' || conname FROM pg_constraint
			WHERE NOT convalidated AND connamespace = current_schema()::regnamespace LIMIT $1`, maxDamages)
		return collect(rs, err, value[string])
	}
	rs, err := r.query(ctx, `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok' LIMIT $1`, maxDamages)
	damages, err := collect(rs, err, value[string])
	if err != nil || len(damages) > 0 {
		return damages, err
	}
	rs, err = r.query(ctx, `SELECT 'a row of ' || "table" || ' refers to one of ' || "parent" || ' that is missing'
		FROM pragma_foreign_key_check LIMIT $1`, maxDamages)
	return collect(rs, err, value[string])
}

// Size is how many bytes the database takes.
func (r Reader) Size(ctx context.Context) (int64, error) {
	text := `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`
	if r.d.name == postgresName {
		text = `SELECT pg_database_size(current_database())`
	}
	n, err := first(r.queryRow(ctx, text), value[int64])
	if err != nil {
		return 0, fmt.Errorf("store: size: %w", err)
	}
	return n, nil
}

// LastEventAt is when the latest event happened, or ErrNotFound.
func (r Reader) LastEventAt(ctx context.Context) (time.Time, error) {
	var last time.Time
	err := r.queryRow(ctx, `SELECT at FROM event ORDER BY seq DESC LIMIT 1`).Scan(scanAt(&last))
	return last, err
}

// StorageKeys lists where the files of all releases are kept.
func (r Reader) StorageKeys(ctx context.Context) ([]string, error) {
	rs, err := r.query(ctx, `SELECT storage_key FROM asset ORDER BY seq`)
	return collect(rs, err, value[string])
}

// QueueLengths counts what waits, by the name of its queue.
func (r Reader) QueueLengths(ctx context.Context) (map[string]int64, error) {
	var jobs, running, deliveries, events int64
	err := r.queryRow(ctx, `SELECT
		(SELECT COUNT(*) FROM job WHERE state = 'waiting'),
		(SELECT COUNT(*) FROM job WHERE state = 'running'),
		(SELECT COUNT(*) FROM webhook_delivery WHERE state = 'waiting'),
		(SELECT COUNT(*) FROM event_pending)`).Scan(&jobs, &running, &deliveries, &events)
	if err != nil {
		return nil, err
	}
	return map[string]int64{"jobs_waiting": jobs, "jobs_running": running, "webhook_deliveries": deliveries, "events_unsealed": events}, nil
}
