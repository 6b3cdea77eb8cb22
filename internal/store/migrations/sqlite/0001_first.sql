-- +goose Up
-- Every table has seq, a small key that never leaves the store and the wire
-- door, and id, a UUIDv7 made in Go. Instants are microseconds UTC.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE product (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    environment       TEXT NOT NULL CHECK (environment IN ('production', 'staging', 'development')),
    name              TEXT NOT NULL,
    name_folded       TEXT NOT NULL,
    slug              TEXT NOT NULL,
    active            INTEGER NOT NULL,
    killed_at         INTEGER,
    high_security     INTEGER NOT NULL,
    accepts_hardware  INTEGER NOT NULL,
    accepts_domain    INTEGER NOT NULL,
    device_required   INTEGER NOT NULL,
    self_deactivation INTEGER NOT NULL,
    offline_allowed   INTEGER NOT NULL,
    renewal_url       TEXT NOT NULL,
    lease_for         INTEGER NOT NULL, -- microseconds a signed answer may be relied on
    max_skew          INTEGER NOT NULL, -- microseconds; 0 is unchecked
    features          TEXT NOT NULL, -- JSON, in order
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    UNIQUE (environment, slug)
) STRICT;

CREATE TABLE signing_key (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    product_seq    INTEGER NOT NULL REFERENCES product (seq),
    kid            TEXT NOT NULL UNIQUE,
    algorithm      TEXT NOT NULL,
    public_key     BLOB NOT NULL,
    private_sealed BLOB NOT NULL,
    created_at     INTEGER NOT NULL,
    retired_at     INTEGER -- set: verifies, no longer signs
) STRICT;
CREATE INDEX signing_key_product ON signing_key (product_seq, created_at);

CREATE TABLE generator (
    seq              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    product_seq      INTEGER NOT NULL REFERENCES product (seq),
    name             TEXT NOT NULL,
    pattern          TEXT NOT NULL,
    activation_limit INTEGER CHECK (activation_limit > 0), -- null is unlimited
    validity_days    INTEGER NOT NULL,                     -- 0 is perpetual
    max_version      TEXT NOT NULL,
    features         TEXT NOT NULL,                     -- JSON, over the product's
    active           INTEGER NOT NULL,
    generated        INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    UNIQUE (product_seq, name)
) STRICT;

CREATE TABLE release (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    product_seq INTEGER NOT NULL REFERENCES product (seq),
    version     TEXT NOT NULL,
    released_at INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (product_seq, version)
) STRICT;

CREATE TABLE customer (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- People sign in; their personal values can be erased without touching
-- customers, licenses or events.
CREATE TABLE person (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    email             TEXT NOT NULL UNIQUE,
    name              TEXT NOT NULL,
    password_hash     TEXT NOT NULL, -- empty: never set
    status            TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    email_verified_at INTEGER,
    time_zone         TEXT NOT NULL, -- empty: the browser's
    theme             TEXT NOT NULL CHECK (theme IN ('system', 'light', 'dark')),
    last_sign_in_at   INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

CREATE TABLE membership (
    person_seq   INTEGER NOT NULL REFERENCES person (seq),
    customer_seq INTEGER NOT NULL REFERENCES customer (seq),
    role         TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'viewer')),
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (person_seq, customer_seq)
) STRICT;
CREATE INDEX membership_customer ON membership (customer_seq);

CREATE TABLE administrator (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    token_hash   BLOB NOT NULL UNIQUE,
    person_seq   INTEGER NOT NULL REFERENCES person (seq),
    customer_seq INTEGER NOT NULL REFERENCES customer (seq),
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    address      TEXT NOT NULL,
    user_agent   TEXT NOT NULL
) STRICT;
CREATE INDEX session_person ON session (person_seq);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE one_time_link (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    token_hash BLOB NOT NULL UNIQUE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    person_seq INTEGER NOT NULL REFERENCES person (seq),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX one_time_link_person ON one_time_link (person_seq, purpose);

CREATE TABLE api_token (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL CHECK (kind IN ('client', 'secret')),
    name         TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    token_hash   BLOB NOT NULL UNIQUE,
    environment  TEXT NOT NULL,
    product_seq  INTEGER REFERENCES product (seq), -- client tokens have one
    permissions  TEXT NOT NULL,                 -- space separated
    networks     TEXT NOT NULL,                 -- space separated; empty is anywhere
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_token_product ON api_token (product_seq);

CREATE TABLE license (
    seq                INTEGER PRIMARY KEY,
    id                 TEXT NOT NULL UNIQUE,
    environment        TEXT NOT NULL,
    product_seq        INTEGER NOT NULL REFERENCES product (seq),
    generator_seq      INTEGER REFERENCES generator (seq),
    customer_seq       INTEGER REFERENCES customer (seq),
    plan               TEXT NOT NULL,
    key_hash           BLOB NOT NULL, -- HMAC of the folded key, scoped by environment
    key_text           TEXT,           -- as issued; null when sealed or not on record
    key_folded         TEXT,        -- for fragment search; null when sealed
    key_sealed         BLOB,          -- high-security products
    key_mask           TEXT NOT NULL,
    activation_limit   INTEGER CHECK (activation_limit > 0), -- null is unlimited
    validity_days      INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    assigned_at        INTEGER,
    starts_at          INTEGER,
    first_activated_at INTEGER,
    expires_at         INTEGER,
    grace              INTEGER NOT NULL,
    suspended_at       INTEGER,
    suspend_reason     TEXT NOT NULL,
    revoked_at         INTEGER,
    revoke_reason      TEXT NOT NULL,
    note               TEXT NOT NULL,
    max_version        TEXT NOT NULL,
    updates_until      INTEGER,
    features           TEXT NOT NULL, -- JSON copy, in order
    version            INTEGER NOT NULL, -- orders its events
    -- What the clock decides, as one number: never null, far away is perpetual.
    ends_at INTEGER GENERATED ALWAYS AS (COALESCE(expires_at + grace, 253402214400000000)) STORED,
    -- What the clock does not decide; license.License.Phase is the same rule.
    phase TEXT GENERATED ALWAYS AS (
        CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
             WHEN suspended_at IS NOT NULL THEN 'suspended'
             WHEN customer_seq IS NULL THEN 'available'
             WHEN first_activated_at IS NOT NULL THEN 'active'
             ELSE 'assigned' END) STORED,
    UNIQUE (environment, key_hash)
) STRICT;
CREATE INDEX license_owner_phase ON license (customer_seq, phase, ends_at);
CREATE INDEX license_owner_assigned ON license (customer_seq, assigned_at, seq);
CREATE INDEX license_owner_ends ON license (customer_seq, ends_at, seq);
CREATE INDEX license_owner_key ON license (customer_seq, key_folded, seq);
CREATE INDEX license_owner_product ON license (customer_seq, product_seq, seq);
CREATE INDEX license_product ON license (product_seq, seq);

-- A device on a license, from activation to its end. Coming back makes a new row.
CREATE TABLE activation (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    license_seq       INTEGER NOT NULL REFERENCES license (seq),
    customer_seq      INTEGER NOT NULL REFERENCES customer (seq),
    kind              TEXT NOT NULL CHECK (kind IN ('hardware', 'domain')),
    identifier        TEXT NOT NULL,
    identifier_folded TEXT NOT NULL,
    name              TEXT NOT NULL,
    name_folded       TEXT NOT NULL,
    platform          TEXT NOT NULL,
    app_version       TEXT NOT NULL,
    activated_at      INTEGER NOT NULL,
    last_seen_at      INTEGER,
    hold_until        INTEGER, -- null: a fixed seat, held until it is given back
    ended_at          INTEGER,
    end_reason        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX activation_seat ON activation (license_seq, kind, identifier_folded) WHERE ended_at IS NULL;
CREATE INDEX activation_license ON activation (license_seq, activated_at);
CREATE INDEX activation_owner ON activation (customer_seq, activated_at, seq);
CREATE INDEX activation_owner_open ON activation (customer_seq, license_seq) WHERE ended_at IS NULL;

-- Refused activations, capped per license and purgeable.
CREATE TABLE attempt (
    seq         INTEGER PRIMARY KEY,
    license_seq INTEGER NOT NULL REFERENCES license (seq),
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    identifier  TEXT NOT NULL,
    name        TEXT NOT NULL,
    code        TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_license ON attempt (license_seq, at);

-- Audit trail, history and outbox in one: append-only, no personal data.
CREATE TABLE event (
    seq             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    at              INTEGER NOT NULL,
    type            TEXT NOT NULL,
    actor_kind      TEXT NOT NULL,
    actor_id        TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    environment     TEXT NOT NULL,
    product_seq     INTEGER,
    license_seq     INTEGER,
    license_version INTEGER NOT NULL,
    customer_seq    INTEGER,
    activation_id   TEXT NOT NULL,
    person_id       TEXT NOT NULL,
    reason          TEXT NOT NULL,
    data            TEXT NOT NULL -- JSON payload of its type
) STRICT;
CREATE INDEX event_license ON event (license_seq, seq);
CREATE INDEX event_customer ON event (customer_seq, seq);

-- Where an event came from: personal, so it can be erased, and is no part of
-- the chain.
CREATE TABLE event_origin (
    event_seq INTEGER PRIMARY KEY REFERENCES event (seq),
    address   TEXT NOT NULL
) STRICT;

-- Committed events in the order in which they are sealed: ids made before
-- commit do not come out in commit order, so consumers read this number.
CREATE TABLE event_pending (
    event_seq INTEGER PRIMARY KEY REFERENCES event (seq)
) STRICT;
CREATE TABLE event_seal (
    number    INTEGER PRIMARY KEY,
    event_seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    hash      BLOB NOT NULL -- of the previous hash and this event
) STRICT;
CREATE TABLE event_head (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    number    INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    signature BLOB NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;

-- How often licenses were validated, by product and hour.
CREATE TABLE validation_hour (
    product_seq INTEGER NOT NULL REFERENCES product (seq),
    hour        INTEGER NOT NULL, -- first microsecond of the hour
    code        TEXT NOT NULL,
    total       INTEGER NOT NULL,
    PRIMARY KEY (product_seq, hour, code)
) STRICT;

CREATE TABLE idempotency (
    scope        TEXT NOT NULL, -- token, route, license and device
    key          TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    result_id    TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE job (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    payload     TEXT NOT NULL, -- JSON: ids only
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    unique_key  TEXT,          -- at most one waiting or running job has it
    run_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    claimed_at  INTEGER,
    last_error  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX job_due ON job (run_at, seq) WHERE state = 'waiting';
CREATE INDEX job_running ON job (claimed_at) WHERE state = 'running';
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE state IN ('waiting', 'running');
CREATE INDEX job_finished ON job (finished_at) WHERE state IN ('done', 'failed');
