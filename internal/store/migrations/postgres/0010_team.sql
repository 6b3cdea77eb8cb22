-- +goose Up
-- Who was asked to act for a customer and has not answered yet.
CREATE TABLE team_invitation (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    customer_seq BIGINT NOT NULL REFERENCES customer (seq),
    person_seq   BIGINT NOT NULL REFERENCES person (seq),
    role         TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'viewer')),
    token_hash   BYTEA UNIQUE, -- null until its mail was written
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    UNIQUE (customer_seq, person_seq)
);
