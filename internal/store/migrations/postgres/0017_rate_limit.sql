-- +goose Up
-- How much of a limit somebody has spent, for limits that all servers count
-- together. Whoever it is stands there as a keyed hash. From spent_until on, in
-- microseconds, nothing is spent and the row says nothing.
CREATE TABLE rate_limit (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         BYTEA  NOT NULL UNIQUE,
    spent_until BIGINT NOT NULL
);
CREATE INDEX rate_limit_spent ON rate_limit (spent_until);
