-- +goose Up
-- Which process does what one does for all, until when. The fence rises with
-- each change of holder. One row, made by the first who asks.
CREATE TABLE leader (
    seq    BIGINT PRIMARY KEY CHECK (seq = 1),
    holder TEXT NOT NULL,
    fence  BIGINT NOT NULL,
    until  BIGINT NOT NULL
);
