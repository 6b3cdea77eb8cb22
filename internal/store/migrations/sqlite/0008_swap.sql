-- +goose Up
-- How often customers may free seats of a product's licenses themselves.
ALTER TABLE product ADD COLUMN swaps_allowed INTEGER CHECK (swaps_allowed > 0); -- null is any number
ALTER TABLE product ADD COLUMN swap_period INTEGER NOT NULL DEFAULT 0; -- microseconds that they are counted in
ALTER TABLE product ADD COLUMN swap_cool_down INTEGER NOT NULL DEFAULT 0; -- microseconds between two of them

-- What the owner of a device calls it, on every one of its rows of a license.
ALTER TABLE activation ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE activation ADD COLUMN label_folded TEXT NOT NULL DEFAULT '';
CREATE INDEX activation_labeled ON activation (license_seq, kind, identifier_folded) WHERE label <> '';
CREATE INDEX activation_ended ON activation (license_seq, ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE attempt ADD COLUMN id TEXT;
CREATE UNIQUE INDEX attempt_id ON attempt (id);

-- The seat of a device that was replaced, kept for the next one until its
-- deadline.
CREATE TABLE reservation (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    license_seq       INTEGER NOT NULL REFERENCES license (seq),
    retired_seq       INTEGER NOT NULL UNIQUE REFERENCES activation (seq),
    kind              TEXT NOT NULL, -- of the device it is kept for; empty with a claim code
    identifier        TEXT NOT NULL,
    identifier_folded TEXT NOT NULL,
    name              TEXT NOT NULL,
    claim_hash        BLOB, -- null for a device
    claim_sealed      BLOB, -- to be shown again; null once it is of no use
    claims            INTEGER NOT NULL, -- wrong codes
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    used_at           INTEGER,
    used_seq          INTEGER REFERENCES activation (seq),
    released_at       INTEGER
) STRICT;
CREATE INDEX reservation_open ON reservation (license_seq, expires_at) WHERE used_at IS NULL AND released_at IS NULL;
CREATE INDEX reservation_license ON reservation (license_seq, created_at);
CREATE INDEX reservation_used ON reservation (used_seq);
