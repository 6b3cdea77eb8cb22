-- +goose Up
-- Who was asked to act for a customer and has not answered yet.
CREATE TABLE team_invitation (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    customer_seq INTEGER NOT NULL REFERENCES customer (seq),
    person_seq   INTEGER NOT NULL REFERENCES person (seq),
    role         TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'viewer')),
    token_hash   BLOB UNIQUE, -- null until its mail was written
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    UNIQUE (customer_seq, person_seq)
) STRICT;
