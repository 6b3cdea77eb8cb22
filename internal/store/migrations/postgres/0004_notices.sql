-- +goose Up
-- Which mails a person wants besides those that always come.
ALTER TABLE person ADD COLUMN notify_licenses BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE person ADD COLUMN notify_security BOOLEAN NOT NULL DEFAULT TRUE;

-- Ends of licenses that their event was appended for: one event per end.
CREATE TABLE license_end (
    license_seq BIGINT NOT NULL REFERENCES license (seq),
    ends_at     BIGINT NOT NULL,
    noted_at    BIGINT NOT NULL,
    PRIMARY KEY (license_seq, ends_at)
);
CREATE INDEX license_ends ON license (ends_at, seq);

-- Notices about the end of a license that a person was sent: each once.
CREATE TABLE notice_sent (
    person_seq  BIGINT NOT NULL REFERENCES person (seq),
    license_seq BIGINT NOT NULL REFERENCES license (seq),
    ends_at     BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    sent_at     BIGINT NOT NULL,
    PRIMARY KEY (person_seq, license_seq, ends_at, kind)
);
CREATE INDEX notice_sent_license ON notice_sent (license_seq);

-- The latest mail of a topic to a person, which later news may join or have to
-- wait for.
CREATE TABLE notice_topic (
    person_seq BIGINT NOT NULL REFERENCES person (seq),
    topic      TEXT NOT NULL, -- kind of notice, and what it is about
    job_id     TEXT NOT NULL,
    run_at     BIGINT NOT NULL,
    PRIMARY KEY (person_seq, topic)
);
CREATE INDEX notice_topic_age ON notice_topic (run_at);

-- Private addresses under which calendars read when licenses end.
CREATE TABLE calendar_feed (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    token_hash   BYTEA NOT NULL UNIQUE,
    person_seq   BIGINT NOT NULL REFERENCES person (seq),
    customer_seq BIGINT NOT NULL REFERENCES customer (seq),
    created_at   BIGINT NOT NULL,
    UNIQUE (person_seq, customer_seq)
);
CREATE INDEX calendar_feed_customer ON calendar_feed (customer_seq);
