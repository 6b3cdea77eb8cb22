-- +goose Up
-- Filters of lists that people keep under a name, each for themselves. They are
-- addresses, so they never hold a whole key.
CREATE TABLE saved_view (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    person_seq   BIGINT NOT NULL REFERENCES person (seq),
    customer_seq BIGINT NOT NULL REFERENCES customer (seq),
    list         TEXT NOT NULL,
    name         TEXT NOT NULL,
    query        TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (person_seq, customer_seq, list, name)
);
