-- +goose Up
-- How much of a limit somebody has spent, for limits that all servers count
-- together. Whoever it is stands there as a keyed hash. From spent_until on, in
-- microseconds, nothing is spent and the row says nothing.
CREATE TABLE rate_limit (
    seq         INTEGER PRIMARY KEY,
    key         BLOB    NOT NULL UNIQUE,
    spent_until INTEGER NOT NULL
) STRICT;
CREATE INDEX rate_limit_spent ON rate_limit (spent_until);
