-- +goose Up
-- What people prove who they are with besides a password, and what is asked of
-- them meanwhile.

ALTER TABLE session ADD COLUMN proved_at INTEGER; -- null: not since it began

CREATE TABLE authenticator_app (
    seq           INTEGER PRIMARY KEY,
    person_seq    INTEGER NOT NULL UNIQUE REFERENCES person (seq),
    secret_sealed BLOB NOT NULL,
    last_step     INTEGER NOT NULL, -- the newest code that was accepted
    created_at    INTEGER NOT NULL,
    confirmed_at  INTEGER           -- null: being set up, asks nobody for anything
) STRICT;

CREATE TABLE recovery_code (
    seq        INTEGER PRIMARY KEY,
    person_seq INTEGER NOT NULL REFERENCES person (seq),
    code_hash  BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX recovery_code_person ON recovery_code (person_seq);

CREATE TABLE passkey (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    person_seq    INTEGER NOT NULL REFERENCES person (seq),
    credential_id BLOB NOT NULL UNIQUE, -- the authenticator's own name for it
    public_key    BLOB NOT NULL,
    sign_count    INTEGER NOT NULL,
    flags         INTEGER NOT NULL, -- as the authenticator reported them
    transports    TEXT NOT NULL,   -- separated by spaces
    name          TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER
) STRICT;
CREATE INDEX passkey_person ON passkey (person_seq);

-- What a browser has to answer next. Rows are removed with the answer.
CREATE TABLE challenge (
    seq        INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('second_step', 'passkey_sign_in', 'passkey_add', 'passkey_confirm')),
    person_seq INTEGER REFERENCES person (seq), -- null: nobody has said who they are
    data       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX challenge_person ON challenge (person_seq);
CREATE INDEX challenge_expiry ON challenge (expires_at);
