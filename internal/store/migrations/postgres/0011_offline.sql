-- +goose Up
-- How offline files of a product are issued; without a row as the program
-- proposes.
CREATE TABLE offline_policy (
    product_seq BIGINT PRIMARY KEY REFERENCES product (seq),
    valid_for   BIGINT NOT NULL, -- microseconds
    files       INTEGER NOT NULL CHECK (files > 0), -- of one license at a time
    updated_at  BIGINT NOT NULL
);

-- A license in a file for a device that never connects, from issue to return.
CREATE TABLE offline_file (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    license_seq   BIGINT NOT NULL REFERENCES license (seq),
    activation_id TEXT NOT NULL,
    nonce         TEXT NOT NULL, -- of the request: one file answers it
    claims_sealed BYTEA NOT NULL, -- what is signed at each download; its return key is a secret
    issued_at     BIGINT NOT NULL,
    valid_until   BIGINT NOT NULL,
    returned_at   BIGINT,
    return_reason TEXT NOT NULL,
    UNIQUE (license_seq, nonce)
);
CREATE INDEX offline_file_license ON offline_file (license_seq, seq);
CREATE INDEX offline_file_open ON offline_file (license_seq, valid_until) WHERE returned_at IS NULL OR return_reason = 'lost';
