-- +goose Up
-- How a product's releases reach those who hold a license.
ALTER TABLE product ADD COLUMN activation_first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE product ADD COLUMN after_expiry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE product ADD COLUMN latest_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE product ADD COLUMN changelog INTEGER NOT NULL DEFAULT 0;

ALTER TABLE release ADD COLUMN channel TEXT NOT NULL DEFAULT 'stable' CHECK (channel IN ('stable', 'beta', 'hotfix'));
ALTER TABLE release ADD COLUMN state TEXT NOT NULL DEFAULT 'published' CHECK (state IN ('draft', 'published', 'withdrawn'));
ALTER TABLE release ADD COLUMN summary TEXT NOT NULL DEFAULT '';
ALTER TABLE release ADD COLUMN notes TEXT NOT NULL DEFAULT ''; -- Markdown
ALTER TABLE release ADD COLUMN access TEXT NOT NULL DEFAULT '{}'; -- JSON
CREATE INDEX release_product_released ON release (product_seq, released_at, seq);

CREATE TABLE asset (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    release_seq  INTEGER NOT NULL REFERENCES release (seq),
    file_name    TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('package', 'image', 'video', 'documentation')),
    platform     TEXT NOT NULL,
    architecture TEXT NOT NULL,
    size         INTEGER NOT NULL,
    sha256       BLOB NOT NULL,
    content_type TEXT NOT NULL,
    storage_key  TEXT NOT NULL UNIQUE,
    downloads    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (release_seq, file_name)
) STRICT;

-- Slugs that products had: public addresses go on leading to them.
CREATE TABLE former_slug (
    environment TEXT NOT NULL,
    slug        TEXT NOT NULL,
    product_seq INTEGER NOT NULL REFERENCES product (seq),
    PRIMARY KEY (environment, slug)
) STRICT;
