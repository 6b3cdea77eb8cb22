-- +goose Up
-- A ticket belongs to the environment of the license that it is about; about
-- none it belongs to production.
ALTER TABLE ticket ADD COLUMN environment TEXT NOT NULL DEFAULT 'production'
    CHECK (environment IN ('production', 'staging', 'development'));
UPDATE ticket SET environment = COALESCE(
    (SELECT l.environment FROM ticket_license k JOIN license l ON l.seq = k.license_seq
     WHERE k.ticket_seq = ticket.seq ORDER BY k.created_at, k.license_seq LIMIT 1), 'production');

-- Staff list the latest changed first, of one environment or of all.
CREATE INDEX ticket_environment ON ticket (environment, updated_at, seq);
CREATE INDEX ticket_updated ON ticket (updated_at, seq);

-- Who refers to a ticket is looked up whenever one is added.
CREATE INDEX ticket_merged ON ticket (merged_seq) WHERE merged_seq IS NOT NULL;
