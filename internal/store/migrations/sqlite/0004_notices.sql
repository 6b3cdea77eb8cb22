-- +goose Up
-- Which mails a person wants besides those that always come.
ALTER TABLE person ADD COLUMN notify_licenses INTEGER NOT NULL DEFAULT 1;
ALTER TABLE person ADD COLUMN notify_security INTEGER NOT NULL DEFAULT 1;

-- Ends of licenses that their event was appended for: one event per end.
CREATE TABLE license_end (
    license_seq INTEGER NOT NULL REFERENCES license (seq),
    ends_at     INTEGER NOT NULL,
    noted_at    INTEGER NOT NULL,
    PRIMARY KEY (license_seq, ends_at)
) STRICT;
CREATE INDEX license_ends ON license (ends_at, seq);

-- Notices about the end of a license that a person was sent: each once.
CREATE TABLE notice_sent (
    person_seq  INTEGER NOT NULL REFERENCES person (seq),
    license_seq INTEGER NOT NULL REFERENCES license (seq),
    ends_at     INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    PRIMARY KEY (person_seq, license_seq, ends_at, kind)
) STRICT;
CREATE INDEX notice_sent_license ON notice_sent (license_seq);

-- The latest mail of a topic to a person, which later news may join or have to
-- wait for.
CREATE TABLE notice_topic (
    person_seq INTEGER NOT NULL REFERENCES person (seq),
    topic      TEXT NOT NULL, -- kind of notice, and what it is about
    job_id     TEXT NOT NULL,
    run_at     INTEGER NOT NULL,
    PRIMARY KEY (person_seq, topic)
) STRICT;
CREATE INDEX notice_topic_age ON notice_topic (run_at);

-- Private addresses under which calendars read when licenses end.
CREATE TABLE calendar_feed (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    token_hash   BLOB NOT NULL UNIQUE,
    person_seq   INTEGER NOT NULL REFERENCES person (seq),
    customer_seq INTEGER NOT NULL REFERENCES customer (seq),
    created_at   INTEGER NOT NULL,
    UNIQUE (person_seq, customer_seq)
) STRICT;
CREATE INDEX calendar_feed_customer ON calendar_feed (customer_seq);
