-- +goose Up
-- Which process does what one does for all, until when. The fence rises with
-- each change of holder. One row, made by the first who asks.
CREATE TABLE leader (
    seq    INTEGER PRIMARY KEY CHECK (seq = 1),
    holder TEXT NOT NULL,
    fence  INTEGER NOT NULL,
    until  INTEGER NOT NULL
) STRICT;
