-- +goose Up
-- How offline files of a product are issued; without a row as the program
-- proposes.
CREATE TABLE offline_policy (
    product_seq INTEGER PRIMARY KEY REFERENCES product (seq),
    valid_for   INTEGER NOT NULL, -- microseconds
    files       INTEGER NOT NULL CHECK (files > 0), -- of one license at a time
    updated_at  INTEGER NOT NULL
) STRICT;

-- A license in a file for a device that never connects, from issue to return.
CREATE TABLE offline_file (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    license_seq   INTEGER NOT NULL REFERENCES license (seq),
    activation_id TEXT NOT NULL,
    nonce         TEXT NOT NULL, -- of the request: one file answers it
    claims_sealed BLOB NOT NULL, -- what is signed at each download; its return key is a secret
    issued_at     INTEGER NOT NULL,
    valid_until   INTEGER NOT NULL,
    returned_at   INTEGER,
    return_reason TEXT NOT NULL,
    UNIQUE (license_seq, nonce)
) STRICT;
CREATE INDEX offline_file_license ON offline_file (license_seq, seq);
CREATE INDEX offline_file_open ON offline_file (license_seq, valid_until) WHERE returned_at IS NULL OR return_reason = 'lost';
