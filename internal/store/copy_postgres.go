package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/keyward/keyward/internal/fault"
)

const (
	// tablesFile lists the tables of a copy in the order in which they can be
	// filled.
	tablesFile = "tables.json"
	// copySuffix ends the name of a table's file: its rows in the text format of
	// COPY, which every version of PostgreSQL reads.
	copySuffix = ".copy"
	// maxTables bounds what is read of a list of tables.
	maxTables = 1 << 20
)

// copiedTable is a table of a copy.
type copiedTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Last    int64    `json:"last"` // number given out last; 0: none, or it has no numbers
}

func (t copiedTable) ident() string { return pgx.Identifier{t.Name}.Sanitize() }

// columns are those that are written, quoted; generated ones come by themselves.
func (t copiedTable) columns() string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}

// copyPostgres reads all tables in one transaction that sees one moment.
func copyPostgres(ctx context.Context, config *pgx.ConnConfig, dir string, tell Progress) (names []string, err error) {
	err = alone(ctx, config, func(conn *pgx.Conn) error {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has nothing to commit
		tables, err := tablesOf(ctx, tx)
		if err != nil {
			return err
		}
		for i, t := range tables {
			name := t.Name + copySuffix
			if err := copyTable(ctx, conn, t, filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			names = append(names, name)
			tell(int64(i+1), int64(len(tables)))
		}
		list, err := json.Marshal(tables)
		if err != nil {
			return err
		}
		names = append([]string{tablesFile}, names...)
		return os.WriteFile(filepath.Join(dir, tablesFile), list, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("store: copy: %w", err)
	}
	return names, nil
}

// alone works on a connection of its own, whose statements may take their time.
func alone(ctx context.Context, config *pgx.ConnConfig, work func(*pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, unlimited(config))
	if err != nil {
		return classifyPostgres(err)
	}
	err = work(conn)
	if closing := conn.Close(context.WithoutCancel(ctx)); err == nil {
		err = closing
	}
	if err != nil {
		return classifyPostgres(err)
	}
	return nil
}

func copyTable(ctx context.Context, conn *pgx.Conn, t copiedTable, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = conn.PgConn().CopyTo(ctx, f, `COPY `+t.ident()+` (`+t.columns()+`) TO STDOUT`)
	return errors.Join(err, f.Close())
}

// tablesOf lists the tables, each behind those that it refers to.
func tablesOf(ctx context.Context, tx pgx.Tx) ([]copiedTable, error) {
	rows, err := tx.Query(ctx, `SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> $1
		GROUP BY c.relname ORDER BY c.relname`, versionTable)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t copiedTable, err error) {
		return t, row.Scan(&t.Name, &t.Columns)
	})
	if err != nil {
		return nil, err
	}
	for i, t := range tables {
		if slices.Contains(t.Columns, "seq") {
			if tables[i].Last, err = lastNumber(ctx, tx, t); err != nil {
				return nil, err
			}
		}
	}
	refers, err := references(ctx, tx)
	if err != nil {
		return nil, err
	}
	return inOrder(tables, refers)
}

// lastNumber is the last one that a table gave out, even if its row is gone: a
// number is never given twice.
func lastNumber(ctx context.Context, tx pgx.Tx, t copiedTable) (last int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence($1, 'seq')::regclass), 0)`, t.ident()).Scan(&last)
	return last, err
}

// references maps a table to those that it refers to.
func references(ctx context.Context, tx pgx.Tx) (map[string][]string, error) {
	rows, err := tx.Query(ctx, `SELECT f.relname, t.relname FROM pg_constraint k
		JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
		WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND f.oid <> t.oid`)
	if err != nil {
		return nil, err
	}
	refers := map[string][]string{}
	var from, to string
	_, err = pgx.ForEachRow(rows, []any{&from, &to}, func() error {
		refers[from] = append(refers[from], to)
		return nil
	})
	return refers, err
}

// inOrder puts tables behind those that they refer to.
func inOrder(tables []copiedTable, refers map[string][]string) ([]copiedTable, error) {
	var ordered []copiedTable
	placed := map[string]bool{}
	for len(ordered) < len(tables) {
		before := len(ordered)
		for _, t := range tables {
			ready := !slices.ContainsFunc(refers[t.Name], func(to string) bool { return !placed[to] })
			if !placed[t.Name] && ready {
				placed[t.Name], ordered = true, append(ordered, t)
			}
		}
		if len(ordered) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return ordered, nil
}

// loadPostgres makes the schema that the copy was made of and fills it in one
// transaction. After an error it removes what it made.
func (s *Store) loadPostgres(ctx context.Context, config *pgx.ConnConfig, dir string, version int64, tell Progress) error {
	tables, err := readTables(dir)
	if err != nil {
		return err
	}
	if err := s.migrateTo(ctx, version); err != nil {
		return errors.Join(err, dropTables(context.WithoutCancel(ctx), config))
	}
	err = alone(ctx, config, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return fill(ctx, tx, dir, tables, tell) })
	})
	if err != nil {
		return errors.Join(fmt.Errorf("store: load: %w", err), dropTables(context.WithoutCancel(ctx), config))
	}
	return nil
}

func readTables(dir string) (tables []copiedTable, err error) {
	f, err := os.Open(filepath.Join(dir, tablesFile))
	if err != nil {
		return nil, fmt.Errorf("store: load: %w", err)
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxTables)).Decode(&tables); err != nil {
		return nil, fmt.Errorf("store: load: list of tables: %w", err)
	}
	return tables, nil
}

// migrateTo brings an empty database to an earlier schema, or to this one.
func (s *Store) migrateTo(ctx context.Context, version int64) (err error) {
	m, err := s.migrator(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	p, err := m.provider(s.migrations, migrationFolder(s.d))
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// fill replaces the content of all tables. The copy has to be of exactly these.
func fill(ctx context.Context, tx pgx.Tx, dir string, tables []copiedTable, tell Progress) error {
	have, err := tablesOf(ctx, tx)
	if err != nil {
		return err
	}
	if err := sameTables(have, tables); err != nil {
		return err
	}
	var all []string
	for _, t := range tables {
		all = append(all, t.ident())
	}
	if _, err := tx.Exec(ctx, `TRUNCATE `+strings.Join(all, ", ")); err != nil {
		return err
	}
	for i, t := range tables {
		if err := fillTable(ctx, tx, dir, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		tell(int64(i+1), int64(len(tables)))
	}
	_, err = tx.Exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, '') ON CONFLICT DO NOTHING`, restoringName)
	return err
}

func sameTables(have, want []copiedTable) error {
	columns := map[string][]string{}
	for _, t := range have {
		columns[t.Name] = slices.Sorted(slices.Values(t.Columns))
	}
	for _, t := range want {
		if !slices.Equal(columns[t.Name], slices.Sorted(slices.Values(t.Columns))) {
			return fault.New(fault.Invalid, "backup_tables", "The backup has a table "+t.Name+" that is not like the one of its schema version.")
		}
		delete(columns, t.Name)
	}
	for name := range columns {
		return fault.New(fault.Invalid, "backup_tables", "The backup lacks the table "+name+".")
	}
	return nil
}

func fillTable(ctx context.Context, tx pgx.Tx, dir string, t copiedTable) error {
	f, err := os.Open(filepath.Join(dir, t.Name+copySuffix)) // a name that the schema has too
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, f, `COPY `+t.ident()+` (`+t.columns()+`) FROM STDIN`); err != nil {
		return err
	}
	if t.Last == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, 'seq')::regclass, $2)`, t.ident(), t.Last)
	return err
}

// dropTables empties a database that was empty before.
func dropTables(ctx context.Context, config *pgx.ConnConfig) error {
	return alone(ctx, config, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			tables, err := tablesOf(ctx, tx)
			if err != nil {
				return err
			}
			for _, t := range append(tables, copiedTable{Name: versionTable}) {
				if _, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+t.ident()+` CASCADE`); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
