package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

const generatorColumns = `g.id, p.id, g.name, g.pattern, g.activation_limit, g.validity_days, g.max_version,
	g.features, g.active, g.generated, g.created_at, g.version`

const generatorTables = `generator g JOIN product p ON p.seq = g.product_seq`

func scanGenerator(s scanner) (license.Generator, error) {
	var g license.Generator
	err := s.Scan(&g.ID, &g.ProductID, &g.Name, &g.Pattern, scanOr(&g.Limit), &g.ValidityDays, &g.MaxVersion,
		scanJSON(&g.Features), scanBool(&g.Active), &g.Generated, scanAt(&g.CreatedAt), &g.Version)
	return g, err
}

// AddGenerator keeps a new generator. ErrNotFound means that its product does
// not exist. A name that the product has already is a conflict: see IsUnique
// with "generator.name".
func (tx *Tx) AddGenerator(ctx context.Context, g license.Generator) error {
	features, err := jsonText(g.Features)
	if err != nil {
		return err
	}
	return tx.change(ctx, `INSERT INTO generator (id, product_seq, name, pattern, activation_limit, validity_days,
			max_version, features, active, generated, created_at)
		SELECT $2, seq, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM product WHERE id = $1`,
		g.ProductID, g.ID, g.Name, g.Pattern, orNull(g.Limit), g.ValidityDays,
		g.MaxVersion, features, g.Active, g.Generated, at(g.CreatedAt))
}

// SaveGenerator writes what changes of a generator; its version rises, and that
// of its product, whose first generator says what keys look like. A name
// that the product has already is a conflict: see IsUnique with
// "generator.name".
func (tx *Tx) SaveGenerator(ctx context.Context, g license.Generator, now time.Time) error {
	features, err := jsonText(g.Features)
	if err != nil {
		return err
	}
	if err := tx.change(ctx, `UPDATE product SET updated_at = $2, version = version + 1 WHERE id = $1`, g.ProductID, at(now)); err != nil {
		return err
	}
	return tx.change(ctx, `UPDATE generator SET name = $2, pattern = $3, activation_limit = $4, validity_days = $5,
			max_version = $6, features = $7, active = $8, version = version + 1 WHERE id = $1`,
		g.ID, g.Name, g.Pattern, orNull(g.Limit), g.ValidityDays, g.MaxVersion, features, g.Active)
}

// Generator returns a generator.
func (r Reader) Generator(ctx context.Context, generator id.ID) (license.Generator, error) {
	return first(r.queryRow(ctx,
		`SELECT `+generatorColumns+` FROM `+generatorTables+` WHERE g.id = $1`, generator), scanGenerator)
}

// GeneratorByName returns the generator a product has under a name.
func (r Reader) GeneratorByName(ctx context.Context, product id.ID, name string) (license.Generator, error) {
	return first(r.queryRow(ctx,
		`SELECT `+generatorColumns+` FROM `+generatorTables+` WHERE p.id = $1 AND g.name = $2`, product, name), scanGenerator)
}

// Generators lists a product's generators, the one it was made with first.
func (r Reader) Generators(ctx context.Context, product id.ID) ([]license.Generator, error) {
	rs, err := r.query(ctx,
		`SELECT `+generatorColumns+` FROM `+generatorTables+` WHERE p.id = $1 ORDER BY g.seq`, product)
	return collect(rs, err, scanGenerator)
}

// TakeNumbers counts n more keys of a generator and returns the number of the
// first of them. Numbers begin with 1 and none is given out twice.
func (tx *Tx) TakeNumbers(ctx context.Context, generator id.ID, n int64) (int64, error) {
	last, err := first(tx.queryRow(ctx,
		`UPDATE generator SET generated = generated + $2 WHERE id = $1 RETURNING generated`, generator, n), value[int64])
	return last - n + 1, err
}
