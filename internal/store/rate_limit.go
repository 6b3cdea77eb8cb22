package store

import (
	"context"
	"time"
)

// TakeAttempt spends one attempt of a key, of burst at once and one more per
// interval, and returns 0; or it spends none and returns how long to wait. All
// servers count together. The key is a hash: it may be kept.
func (tx *Tx) TakeAttempt(ctx context.Context, key []byte, interval time.Duration, burst int, now time.Time) (time.Duration, error) {
	step := interval.Microseconds()
	most := now.UnixMicro() + int64(burst-1)*step
	n, err := tx.exec(ctx, `INSERT INTO rate_limit (key, spent_until) VALUES ($1, $4) ON CONFLICT (key) DO UPDATE
		SET spent_until = CASE WHEN rate_limit.spent_until > $2 THEN rate_limit.spent_until + $3 ELSE $4 END
		WHERE rate_limit.spent_until <= $5`, key, now.UnixMicro(), step, now.UnixMicro()+step, most)
	if err != nil || n == 1 {
		return 0, err
	}
	return tx.AttemptWait(ctx, key, interval, burst, now)
}

// AttemptWait returns how long it is until a key has an attempt left, 0 when it
// has one. It spends none.
func (r Reader) AttemptWait(ctx context.Context, key []byte, interval time.Duration, burst int, now time.Time) (time.Duration, error) {
	spent, err := first(r.queryRow(ctx, `SELECT spent_until FROM rate_limit WHERE key = $1`, key), value[int64])
	if IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	most := now.UnixMicro() + int64(burst-1)*interval.Microseconds()
	return time.Duration(max(spent-most, 0)) * time.Microsecond, nil
}

// ForgetAttempts removes up to limit keys of which nothing is spent any more,
// and says how many.
func (tx *Tx) ForgetAttempts(ctx context.Context, now time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM rate_limit WHERE seq IN (SELECT seq FROM rate_limit
		WHERE spent_until <= $1 ORDER BY spent_until LIMIT $2)`, at(now), limit)
}
