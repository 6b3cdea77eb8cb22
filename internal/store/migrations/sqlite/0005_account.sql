-- +goose Up
-- How else a person can be reached, as they say themselves, and the time zone
-- that their browser named last.
ALTER TABLE person ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN company TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN browser_zone TEXT NOT NULL DEFAULT '';

-- Who signed in to an account, and who tried: personal, bounded per person and
-- purgeable, and no part of the chain of events.
CREATE TABLE sign_in (
    seq         INTEGER PRIMARY KEY,
    person_seq  INTEGER NOT NULL REFERENCES person (seq),
    at          INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    way         TEXT NOT NULL, -- how they proved who they are
    new_browser INTEGER NOT NULL,
    address     TEXT NOT NULL,
    user_agent  TEXT NOT NULL
) STRICT;
CREATE INDEX sign_in_person ON sign_in (person_seq, refused, seq);
CREATE INDEX sign_in_at ON sign_in (at);

-- One-time links may sign in, too.
CREATE TABLE one_time_link_next (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    token_hash BLOB NOT NULL UNIQUE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('invitation', 'reset', 'sign_in')),
    person_seq INTEGER NOT NULL REFERENCES person (seq),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
INSERT INTO one_time_link_next (seq, id, token_hash, purpose, person_seq, created_at, expires_at, used_at)
    SELECT seq, id, token_hash, purpose, person_seq, created_at, expires_at, used_at FROM one_time_link;
DROP TABLE one_time_link;
ALTER TABLE one_time_link_next RENAME TO one_time_link;
CREATE INDEX one_time_link_person ON one_time_link (person_seq, purpose);
