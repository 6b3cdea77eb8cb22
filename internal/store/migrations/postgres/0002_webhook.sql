-- +goose Up
-- How far each consumer of sealed events has come. The row named '' is where a
-- consumer begins that has none: behind what happened before there were any.
CREATE TABLE event_cursor (
    name   TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO event_cursor (name, number) SELECT '', COALESCE(MAX(number), 0) FROM event_seal;

CREATE TABLE webhook (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    environment   TEXT NOT NULL CHECK (environment IN ('production', 'staging', 'development')),
    url           TEXT NOT NULL,
    events        TEXT NOT NULL, -- space separated types; empty is all
    secret_sealed BYTEA NOT NULL,
    delivered     BIGINT NOT NULL, -- totals, which outlive the deliveries
    failed        BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    removed_at    BIGINT
);
CREATE INDEX webhook_active ON webhook (environment, seq) WHERE removed_at IS NULL;

-- One event on its way to one webhook. A retry by hand is a new delivery.
CREATE TABLE webhook_delivery (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    webhook_seq   BIGINT NOT NULL REFERENCES webhook (seq),
    event_type    TEXT NOT NULL,
    body          TEXT NOT NULL, -- as it is sent, each time
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts      INTEGER NOT NULL,
    next_at       BIGINT,
    retry_of      TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    finished_at   BIGINT
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_seq, next_at, seq) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_hook ON webhook_delivery (webhook_seq, seq);
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at);

CREATE TABLE webhook_attempt (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_seq    BIGINT NOT NULL REFERENCES webhook_delivery (seq) ON DELETE CASCADE,
    at              BIGINT NOT NULL,
    took            BIGINT NOT NULL, -- microseconds
    request_headers TEXT NOT NULL,    -- JSON, without the signature
    status          INTEGER NOT NULL, -- 0: no answer
    answer_headers  TEXT NOT NULL,    -- JSON
    answer          TEXT NOT NULL,    -- its beginning
    error           TEXT NOT NULL
);
CREATE INDEX webhook_attempt_delivery ON webhook_attempt (delivery_seq, seq);
