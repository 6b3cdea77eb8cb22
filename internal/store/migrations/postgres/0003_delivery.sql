-- +goose Up
-- How a product's releases reach those who hold a license.
ALTER TABLE product ADD COLUMN activation_first BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN after_expiry BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN latest_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE product ADD COLUMN changelog BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE release ADD COLUMN channel TEXT NOT NULL DEFAULT 'stable' CHECK (channel IN ('stable', 'beta', 'hotfix'));
ALTER TABLE release ADD COLUMN state TEXT NOT NULL DEFAULT 'published' CHECK (state IN ('draft', 'published', 'withdrawn'));
ALTER TABLE release ADD COLUMN summary TEXT NOT NULL DEFAULT '';
ALTER TABLE release ADD COLUMN notes TEXT NOT NULL DEFAULT ''; -- Markdown
ALTER TABLE release ADD COLUMN access TEXT NOT NULL DEFAULT '{}'; -- JSON
CREATE INDEX release_product_released ON release (product_seq, released_at, seq);

CREATE TABLE asset (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    release_seq  BIGINT NOT NULL REFERENCES release (seq),
    file_name    TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('package', 'image', 'video', 'documentation')),
    platform     TEXT NOT NULL,
    architecture TEXT NOT NULL,
    size         BIGINT NOT NULL,
    sha256       BYTEA NOT NULL,
    content_type TEXT NOT NULL,
    storage_key  TEXT NOT NULL UNIQUE,
    downloads    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (release_seq, file_name)
);

-- Slugs that products had: public addresses go on leading to them.
CREATE TABLE former_slug (
    environment TEXT NOT NULL,
    slug        TEXT NOT NULL,
    product_seq BIGINT NOT NULL REFERENCES product (seq),
    PRIMARY KEY (environment, slug)
);
