-- +goose Up
-- How else a person can be reached, as they say themselves, and the time zone
-- that their browser named last.
ALTER TABLE person ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN company TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN browser_zone TEXT NOT NULL DEFAULT '';

-- Who signed in to an account, and who tried: personal, bounded per person and
-- purgeable, and no part of the chain of events.
CREATE TABLE sign_in (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_seq  BIGINT NOT NULL REFERENCES person (seq),
    at          BIGINT NOT NULL,
    refused     BOOLEAN NOT NULL,
    way         TEXT NOT NULL, -- how they proved who they are
    new_browser BOOLEAN NOT NULL,
    address     TEXT NOT NULL,
    user_agent  TEXT NOT NULL
);
CREATE INDEX sign_in_person ON sign_in (person_seq, refused, seq);
CREATE INDEX sign_in_at ON sign_in (at);

-- One-time links may sign in, too.
ALTER TABLE one_time_link DROP CONSTRAINT one_time_link_purpose_check;
ALTER TABLE one_time_link ADD CONSTRAINT one_time_link_purpose_check CHECK (purpose IN ('invitation', 'reset', 'sign_in'));
