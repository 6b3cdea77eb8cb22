-- +goose Up
-- Rises with every change of a product or of its signing keys.
ALTER TABLE product ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
