-- +goose Up
-- Rises with every change of a record: what somebody decided on is told by it
-- from what became of it since.
ALTER TABLE generator ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE customer ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE membership ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

CREATE INDEX customer_status ON customer (status, id);
