-- +goose Up
-- Support tickets. Texts and files are what a customer and staff tell each
-- other; tickets are kept forever, and files go with their ticket.

CREATE TABLE ticket_number (
    one  SMALLINT PRIMARY KEY CHECK (one = 1),
    last BIGINT NOT NULL
);
INSERT INTO ticket_number (one, last) VALUES (1, 1000);

CREATE TABLE ticket (
    seq               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    number            BIGINT NOT NULL UNIQUE,
    customer_seq      BIGINT NOT NULL REFERENCES customer (seq),
    person_seq        BIGINT NOT NULL REFERENCES person (seq),
    administrator_seq BIGINT REFERENCES administrator (seq), -- assignee
    merged_seq        BIGINT REFERENCES ticket (seq),
    subject           TEXT NOT NULL,
    subject_folded    TEXT COLLATE "C" NOT NULL,
    category          TEXT NOT NULL,
    priority          TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'critical')),
    status            TEXT NOT NULL CHECK (status IN ('open', 'in_progress', 'waiting', 'resolved', 'closed')),
    rating            BIGINT NOT NULL DEFAULT 0,
    form              TEXT, -- of the form it came with, so that it comes once
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    first_response_at BIGINT,
    resolved_at       BIGINT,
    closed_at         BIGINT,
    UNIQUE (customer_seq, form)
);
CREATE INDEX ticket_customer ON ticket (customer_seq, updated_at);
CREATE INDEX ticket_status ON ticket (status, updated_at);
CREATE INDEX ticket_resolved ON ticket (resolved_at) WHERE status = 'resolved';

CREATE TABLE ticket_message (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    ticket_seq  BIGINT NOT NULL REFERENCES ticket (seq),
    kind        TEXT NOT NULL CHECK (kind IN ('message', 'note')),
    side        TEXT NOT NULL CHECK (side IN ('customer', 'staff', 'system')),
    author_id   TEXT NOT NULL, -- person or administrator; empty: the system
    body        TEXT NOT NULL,
    body_folded TEXT COLLATE "C" NOT NULL,
    by_mail     BOOLEAN NOT NULL,
    form        TEXT,
    created_at  BIGINT NOT NULL,
    UNIQUE (ticket_seq, form)
);
CREATE INDEX ticket_message_ticket ON ticket_message (ticket_seq, seq);

CREATE TABLE ticket_file (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    message_seq BIGINT NOT NULL REFERENCES ticket_message (seq),
    ticket_seq  BIGINT NOT NULL REFERENCES ticket (seq),
    name        TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    size        BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX ticket_file_ticket ON ticket_file (ticket_seq, seq);
CREATE INDEX ticket_file_message ON ticket_file (message_seq);

-- Apart, so that reading a list of files does not read the files.
CREATE TABLE ticket_content (
    file_seq BIGINT PRIMARY KEY REFERENCES ticket_file (seq),
    content  BYTEA NOT NULL
);

CREATE TABLE ticket_event (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    ticket_seq BIGINT NOT NULL REFERENCES ticket (seq),
    type       TEXT NOT NULL,
    side       TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    was        TEXT NOT NULL, -- status before, or empty
    became     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX ticket_event_ticket ON ticket_event (ticket_seq, seq);

-- Licenses that a ticket speaks of, and how each stood at that moment (JSON).
CREATE TABLE ticket_license (
    ticket_seq  BIGINT NOT NULL REFERENCES ticket (seq),
    license_seq BIGINT NOT NULL REFERENCES license (seq),
    standing    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (ticket_seq, license_seq)
);
CREATE INDEX ticket_license_license ON ticket_license (license_seq);
