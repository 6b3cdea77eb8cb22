-- +goose Up
-- Support tickets. Texts and files are what a customer and staff tell each
-- other; tickets are kept forever, and files go with their ticket.

CREATE TABLE ticket_number (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO ticket_number (one, last) VALUES (1, 1000);

CREATE TABLE ticket (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    number            INTEGER NOT NULL UNIQUE,
    customer_seq      INTEGER NOT NULL REFERENCES customer (seq),
    person_seq        INTEGER NOT NULL REFERENCES person (seq),
    administrator_seq INTEGER REFERENCES administrator (seq), -- assignee
    merged_seq        INTEGER REFERENCES ticket (seq),
    subject           TEXT NOT NULL,
    subject_folded    TEXT NOT NULL,
    category          TEXT NOT NULL,
    priority          TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'critical')),
    status            TEXT NOT NULL CHECK (status IN ('open', 'in_progress', 'waiting', 'resolved', 'closed')),
    rating            INTEGER NOT NULL DEFAULT 0,
    form              TEXT, -- of the form it came with, so that it comes once
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    first_response_at INTEGER,
    resolved_at       INTEGER,
    closed_at         INTEGER,
    UNIQUE (customer_seq, form)
) STRICT;
CREATE INDEX ticket_customer ON ticket (customer_seq, updated_at);
CREATE INDEX ticket_status ON ticket (status, updated_at);
CREATE INDEX ticket_resolved ON ticket (resolved_at) WHERE status = 'resolved';

CREATE TABLE ticket_message (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    ticket_seq  INTEGER NOT NULL REFERENCES ticket (seq),
    kind        TEXT NOT NULL CHECK (kind IN ('message', 'note')),
    side        TEXT NOT NULL CHECK (side IN ('customer', 'staff', 'system')),
    author_id   TEXT NOT NULL, -- person or administrator; empty: the system
    body        TEXT NOT NULL,
    body_folded TEXT NOT NULL,
    by_mail     INTEGER NOT NULL,
    form        TEXT,
    created_at  INTEGER NOT NULL,
    UNIQUE (ticket_seq, form)
) STRICT;
CREATE INDEX ticket_message_ticket ON ticket_message (ticket_seq, seq);

CREATE TABLE ticket_file (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    message_seq INTEGER NOT NULL REFERENCES ticket_message (seq),
    ticket_seq  INTEGER NOT NULL REFERENCES ticket (seq),
    name        TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    size        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_file_ticket ON ticket_file (ticket_seq, seq);
CREATE INDEX ticket_file_message ON ticket_file (message_seq);

-- Apart, so that reading a list of files does not read the files.
CREATE TABLE ticket_content (
    file_seq INTEGER PRIMARY KEY REFERENCES ticket_file (seq),
    content  BLOB NOT NULL
) STRICT;

CREATE TABLE ticket_event (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    ticket_seq INTEGER NOT NULL REFERENCES ticket (seq),
    type       TEXT NOT NULL,
    side       TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    was        TEXT NOT NULL, -- status before, or empty
    became     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_event_ticket ON ticket_event (ticket_seq, seq);

-- Licenses that a ticket speaks of, and how each stood at that moment (JSON).
CREATE TABLE ticket_license (
    ticket_seq  INTEGER NOT NULL REFERENCES ticket (seq),
    license_seq INTEGER NOT NULL REFERENCES license (seq),
    standing    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (ticket_seq, license_seq)
) STRICT;
CREATE INDEX ticket_license_license ON ticket_license (license_seq);
