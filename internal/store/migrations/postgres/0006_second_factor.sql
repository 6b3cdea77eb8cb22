-- +goose Up
-- What people prove who they are with besides a password, and what is asked of
-- them meanwhile.

ALTER TABLE session ADD COLUMN proved_at BIGINT; -- null: not since it began

CREATE TABLE authenticator_app (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_seq    BIGINT NOT NULL UNIQUE REFERENCES person (seq),
    secret_sealed BYTEA NOT NULL,
    last_step     BIGINT NOT NULL, -- the newest code that was accepted
    created_at    BIGINT NOT NULL,
    confirmed_at  BIGINT           -- null: being set up, asks nobody for anything
);

CREATE TABLE recovery_code (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_seq BIGINT NOT NULL REFERENCES person (seq),
    code_hash  BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX recovery_code_person ON recovery_code (person_seq);

CREATE TABLE passkey (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    person_seq    BIGINT NOT NULL REFERENCES person (seq),
    credential_id BYTEA NOT NULL UNIQUE, -- the authenticator's own name for it
    public_key    BYTEA NOT NULL,
    sign_count    BIGINT NOT NULL,
    flags         BIGINT NOT NULL, -- as the authenticator reported them
    transports    TEXT NOT NULL,   -- separated by spaces
    name          TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT
);
CREATE INDEX passkey_person ON passkey (person_seq);

-- What a browser has to answer next. Rows are removed with the answer.
CREATE TABLE challenge (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('second_step', 'passkey_sign_in', 'passkey_add', 'passkey_confirm')),
    person_seq BIGINT REFERENCES person (seq), -- null: nobody has said who they are
    data       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX challenge_person ON challenge (person_seq);
CREATE INDEX challenge_expiry ON challenge (expires_at);
