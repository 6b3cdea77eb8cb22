-- +goose Up
-- How long a check-in keeps a floating seat, in microseconds; 0 is that seats
-- are fixed. A license keeps what its product had when it was issued.
ALTER TABLE product ADD COLUMN hold_for INTEGER NOT NULL DEFAULT 0;
ALTER TABLE license ADD COLUMN hold_for INTEGER NOT NULL DEFAULT 0;
CREATE INDEX activation_held ON activation (hold_until) WHERE ended_at IS NULL AND hold_until IS NOT NULL;
