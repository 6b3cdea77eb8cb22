-- +goose Up
-- Content on its way into storage. A row goes when its release is on record, or
-- when what it left in storage is removed.
CREATE TABLE upload (
    seq         INTEGER PRIMARY KEY,
    release_id  TEXT NOT NULL, -- of a release that is not on record yet
    storage_key TEXT NOT NULL UNIQUE,
    seen_at     INTEGER NOT NULL, -- when it was last known to be going on
    given_up_at INTEGER -- from then on it cannot become a release
) STRICT;
CREATE INDEX upload_release ON upload (release_id);
CREATE INDEX upload_open ON upload (seen_at) WHERE given_up_at IS NULL;
CREATE INDEX upload_given_up ON upload (given_up_at, seq);
