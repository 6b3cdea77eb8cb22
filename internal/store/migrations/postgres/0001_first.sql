-- +goose Up
-- Every table has seq, a small key that never leaves the store and the wire
-- door, and id, a UUIDv7 made in Go. Instants are microseconds UTC.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE product (
    seq               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    environment       TEXT NOT NULL CHECK (environment IN ('production', 'staging', 'development')),
    name              TEXT NOT NULL,
    name_folded       TEXT COLLATE "C" NOT NULL,
    slug              TEXT NOT NULL,
    active            BOOLEAN NOT NULL,
    killed_at         BIGINT,
    high_security     BOOLEAN NOT NULL,
    accepts_hardware  BOOLEAN NOT NULL,
    accepts_domain    BOOLEAN NOT NULL,
    device_required   BOOLEAN NOT NULL,
    self_deactivation BOOLEAN NOT NULL,
    offline_allowed   BOOLEAN NOT NULL,
    renewal_url       TEXT NOT NULL,
    lease_for         BIGINT NOT NULL, -- microseconds a signed answer may be relied on
    max_skew          BIGINT NOT NULL, -- microseconds; 0 is unchecked
    features          TEXT NOT NULL, -- JSON, in order
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    UNIQUE (environment, slug)
);

CREATE TABLE signing_key (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    product_seq    BIGINT NOT NULL REFERENCES product (seq),
    kid            TEXT NOT NULL UNIQUE,
    algorithm      TEXT NOT NULL,
    public_key     BYTEA NOT NULL,
    private_sealed BYTEA NOT NULL,
    created_at     BIGINT NOT NULL,
    retired_at     BIGINT -- set: verifies, no longer signs
);
CREATE INDEX signing_key_product ON signing_key (product_seq, created_at);

CREATE TABLE generator (
    seq              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    product_seq      BIGINT NOT NULL REFERENCES product (seq),
    name             TEXT NOT NULL,
    pattern          TEXT NOT NULL,
    activation_limit BIGINT CHECK (activation_limit > 0), -- null is unlimited
    validity_days    BIGINT NOT NULL,                     -- 0 is perpetual
    max_version      TEXT NOT NULL,
    features         TEXT NOT NULL,                     -- JSON, over the product's
    active           BOOLEAN NOT NULL,
    generated        BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    UNIQUE (product_seq, name)
);

CREATE TABLE release (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    product_seq BIGINT NOT NULL REFERENCES product (seq),
    version     TEXT NOT NULL,
    released_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (product_seq, version)
);

CREATE TABLE customer (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- People sign in; their personal values can be erased without touching
-- customers, licenses or events.
CREATE TABLE person (
    seq               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    email             TEXT NOT NULL UNIQUE,
    name              TEXT NOT NULL,
    password_hash     TEXT NOT NULL, -- empty: never set
    status            TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    email_verified_at BIGINT,
    time_zone         TEXT NOT NULL, -- empty: the browser's
    theme             TEXT NOT NULL CHECK (theme IN ('system', 'light', 'dark')),
    last_sign_in_at   BIGINT,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);

CREATE TABLE membership (
    person_seq   BIGINT NOT NULL REFERENCES person (seq),
    customer_seq BIGINT NOT NULL REFERENCES customer (seq),
    role         TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'viewer')),
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (person_seq, customer_seq)
);
CREATE INDEX membership_customer ON membership (customer_seq);

CREATE TABLE administrator (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE session (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    token_hash   BYTEA NOT NULL UNIQUE,
    person_seq   BIGINT NOT NULL REFERENCES person (seq),
    customer_seq BIGINT NOT NULL REFERENCES customer (seq),
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    address      TEXT NOT NULL,
    user_agent   TEXT NOT NULL
);
CREATE INDEX session_person ON session (person_seq);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE one_time_link (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    token_hash BYTEA NOT NULL UNIQUE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    person_seq BIGINT NOT NULL REFERENCES person (seq),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX one_time_link_person ON one_time_link (person_seq, purpose);

CREATE TABLE api_token (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL CHECK (kind IN ('client', 'secret')),
    name         TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    token_hash   BYTEA NOT NULL UNIQUE,
    environment  TEXT NOT NULL,
    product_seq  BIGINT REFERENCES product (seq), -- client tokens have one
    permissions  TEXT NOT NULL,                 -- space separated
    networks     TEXT NOT NULL,                 -- space separated; empty is anywhere
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_token_product ON api_token (product_seq);

CREATE TABLE license (
    seq                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                 TEXT NOT NULL UNIQUE,
    environment        TEXT NOT NULL,
    product_seq        BIGINT NOT NULL REFERENCES product (seq),
    generator_seq      BIGINT REFERENCES generator (seq),
    customer_seq       BIGINT REFERENCES customer (seq),
    plan               TEXT NOT NULL,
    key_hash           BYTEA NOT NULL, -- HMAC of the folded key, scoped by environment
    key_text           TEXT,           -- as issued; null when sealed or not on record
    key_folded         TEXT COLLATE "C",        -- for fragment search; null when sealed
    key_sealed         BYTEA,          -- high-security products
    key_mask           TEXT NOT NULL,
    activation_limit   BIGINT CHECK (activation_limit > 0), -- null is unlimited
    validity_days      BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    assigned_at        BIGINT,
    starts_at          BIGINT,
    first_activated_at BIGINT,
    expires_at         BIGINT,
    grace              BIGINT NOT NULL,
    suspended_at       BIGINT,
    suspend_reason     TEXT NOT NULL,
    revoked_at         BIGINT,
    revoke_reason      TEXT NOT NULL,
    note               TEXT NOT NULL,
    max_version        TEXT NOT NULL,
    updates_until      BIGINT,
    features           TEXT NOT NULL, -- JSON copy, in order
    version            BIGINT NOT NULL, -- orders its events
    -- What the clock decides, as one number: never null, far away is perpetual.
    ends_at BIGINT GENERATED ALWAYS AS (COALESCE(expires_at + grace, 253402214400000000)) STORED,
    -- What the clock does not decide; license.License.Phase is the same rule.
    phase TEXT GENERATED ALWAYS AS (
        CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
             WHEN suspended_at IS NOT NULL THEN 'suspended'
             WHEN customer_seq IS NULL THEN 'available'
             WHEN first_activated_at IS NOT NULL THEN 'active'
             ELSE 'assigned' END) STORED,
    UNIQUE (environment, key_hash)
);
CREATE INDEX license_owner_phase ON license (customer_seq, phase, ends_at);
CREATE INDEX license_owner_assigned ON license (customer_seq, assigned_at, seq);
CREATE INDEX license_owner_ends ON license (customer_seq, ends_at, seq);
CREATE INDEX license_owner_key ON license (customer_seq, key_folded, seq);
CREATE INDEX license_owner_product ON license (customer_seq, product_seq, seq);
CREATE INDEX license_product ON license (product_seq, seq);

-- A device on a license, from activation to its end. Coming back makes a new row.
CREATE TABLE activation (
    seq               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    license_seq       BIGINT NOT NULL REFERENCES license (seq),
    customer_seq      BIGINT NOT NULL REFERENCES customer (seq),
    kind              TEXT NOT NULL CHECK (kind IN ('hardware', 'domain')),
    identifier        TEXT NOT NULL,
    identifier_folded TEXT COLLATE "C" NOT NULL,
    name              TEXT NOT NULL,
    name_folded       TEXT COLLATE "C" NOT NULL,
    platform          TEXT NOT NULL,
    app_version       TEXT NOT NULL,
    activated_at      BIGINT NOT NULL,
    last_seen_at      BIGINT,
    hold_until        BIGINT, -- null: a fixed seat, held until it is given back
    ended_at          BIGINT,
    end_reason        TEXT NOT NULL
);
CREATE UNIQUE INDEX activation_seat ON activation (license_seq, kind, identifier_folded) WHERE ended_at IS NULL;
CREATE INDEX activation_license ON activation (license_seq, activated_at);
CREATE INDEX activation_owner ON activation (customer_seq, activated_at, seq);
CREATE INDEX activation_owner_open ON activation (customer_seq, license_seq) WHERE ended_at IS NULL;

-- Refused activations, capped per license and purgeable.
CREATE TABLE attempt (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    license_seq BIGINT NOT NULL REFERENCES license (seq),
    at          BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    identifier  TEXT NOT NULL,
    name        TEXT NOT NULL,
    code        TEXT NOT NULL
);
CREATE INDEX attempt_license ON attempt (license_seq, at);

-- Audit trail, history and outbox in one: append-only, no personal data.
CREATE TABLE event (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    at              BIGINT NOT NULL,
    type            TEXT NOT NULL,
    actor_kind      TEXT NOT NULL,
    actor_id        TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    environment     TEXT NOT NULL,
    product_seq     BIGINT,
    license_seq     BIGINT,
    license_version BIGINT NOT NULL,
    customer_seq    BIGINT,
    activation_id   TEXT NOT NULL,
    person_id       TEXT NOT NULL,
    reason          TEXT NOT NULL,
    data            TEXT NOT NULL -- JSON payload of its type
);
CREATE INDEX event_license ON event (license_seq, seq);
CREATE INDEX event_customer ON event (customer_seq, seq);

-- Where an event came from: personal, so it can be erased, and is no part of
-- the chain.
CREATE TABLE event_origin (
    event_seq BIGINT PRIMARY KEY REFERENCES event (seq),
    address   TEXT NOT NULL
);

-- Committed events in the order in which they are sealed: ids made before
-- commit do not come out in commit order, so consumers read this number.
CREATE TABLE event_pending (
    event_seq BIGINT PRIMARY KEY REFERENCES event (seq)
);
CREATE TABLE event_seal (
    number    BIGINT PRIMARY KEY,
    event_seq BIGINT NOT NULL UNIQUE REFERENCES event (seq),
    hash      BYTEA NOT NULL -- of the previous hash and this event
);
CREATE TABLE event_head (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    number    BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    signed_at BIGINT NOT NULL
);

-- How often licenses were validated, by product and hour.
CREATE TABLE validation_hour (
    product_seq BIGINT NOT NULL REFERENCES product (seq),
    hour        BIGINT NOT NULL, -- first microsecond of the hour
    code        TEXT NOT NULL,
    total       BIGINT NOT NULL,
    PRIMARY KEY (product_seq, hour, code)
);

CREATE TABLE idempotency (
    scope        TEXT NOT NULL, -- token, route, license and device
    key          TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    result_id    TEXT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE job (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    payload     TEXT NOT NULL, -- JSON: ids only
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    unique_key  TEXT,          -- at most one waiting or running job has it
    run_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    claimed_at  BIGINT,
    last_error  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX job_due ON job (run_at, seq) WHERE state = 'waiting';
CREATE INDEX job_running ON job (claimed_at) WHERE state = 'running';
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE state IN ('waiting', 'running');
CREATE INDEX job_finished ON job (finished_at) WHERE state IN ('done', 'failed');
