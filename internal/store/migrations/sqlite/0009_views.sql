-- +goose Up
-- Filters of lists that people keep under a name, each for themselves. They are
-- addresses, so they never hold a whole key.
CREATE TABLE saved_view (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    person_seq   INTEGER NOT NULL REFERENCES person (seq),
    customer_seq INTEGER NOT NULL REFERENCES customer (seq),
    list         TEXT NOT NULL,
    name         TEXT NOT NULL,
    query        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (person_seq, customer_seq, list, name)
) STRICT;
