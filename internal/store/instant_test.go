package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/pgtest"
)

// eachDatabase runs the test on a new, empty database of each kind.
func eachDatabase(t *testing.T, test func(*testing.T, *Store)) {
	for name, options := range map[string]func(*testing.T) Options{
		sqliteName:   func(t *testing.T) Options { return Options{Dir: t.TempDir()} },
		postgresName: func(t *testing.T) Options { return Options{Database: pgtest.URL(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), options(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			test(t, s)
		})
	}
}

func TestInstantsComeBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		mustExec(t, s, `CREATE TABLE moment (at BIGINT)`)
		zone := time.FixedZone("east", 5*3600)
		for _, c := range []struct{ in, want time.Time }{
			{time.Time{}, time.Time{}},
			{time.Unix(0, 0), time.Unix(0, 0).UTC()},
			{time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)},
			{time.Date(2027, 3, 12, 8, 0, 0, 123_456_789, zone), time.Date(2027, 3, 12, 3, 0, 0, 123_456_000, time.UTC)},
			{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		} {
			mustExec(t, s, `DELETE FROM moment`)
			mustExec(t, s, `INSERT INTO moment (at) VALUES ($1)`, at(c.in))
			got := time.Unix(1, 0)
			if err := s.queryRow(t.Context(), `SELECT at FROM moment`).Scan(scanAt(&got)); err != nil {
				t.Fatal(err)
			}
			if got != c.want { // the location counts as well
				t.Errorf("%v came back as %v, want %v", c.in, got, c.want)
			}
		}
	})
}

func TestOptionalValuesComeBack(t *testing.T) {
	type name string
	type row struct {
		Text  string
		Name  name
		Limit int
		Yes   bool
		List  []string
		Bytes []byte
	}
	scan := func(s scanner) (row, error) {
		var r row
		err := s.Scan(scanOr(&r.Text), scanOr(&r.Name), scanOr(&r.Limit), scanBool(&r.Yes), scanJSON(&r.List), &r.Bytes)
		return r, err
	}
	eachDatabase(t, func(t *testing.T, s *Store) {
		kinds := map[string]string{sqliteName: "INTEGER, b BLOB", postgresName: "BOOLEAN, b BYTEA"}
		mustExec(t, s, `CREATE TABLE kept (seq BIGINT, t TEXT, n TEXT, l BIGINT, j TEXT, y `+kinds[s.d.name]+`)`)
		full := row{"é", "someone", 7, true, []string{"a", "b"}, []byte{0, 255}}
		for i, r := range []row{{}, full} {
			list, err := jsonText(r.List)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, s, `INSERT INTO kept (seq, t, n, l, y, j, b) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				i, orNull(r.Text), orNull(r.Name), orNull(r.Limit), r.Yes, list, r.Bytes)
			got, err := first(s.queryRow(t.Context(), `SELECT t, n, l, y, j, b FROM kept WHERE seq = $1`, i), scan)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, got); diff != "" {
				t.Error(diff)
			}
		}
		mustExec(t, s, `INSERT INTO kept (seq) VALUES (2)`)
		got, err := first(s.queryRow(t.Context(), `SELECT t, n, l, y, j, b FROM kept WHERE seq = 2`), scan)
		if diff := cmp.Diff(row{}, got); err != nil || diff != "" {
			t.Errorf("nulls: %v %s", err, diff)
		}
	})
}

func TestScannersRefuseWhatTheyDoNotRead(t *testing.T) {
	var (
		when time.Time
		yes  bool
		list []string
	)
	for name, c := range map[string]struct {
		to  sql.Scanner
		src any
	}{
		"instant from text":  {scanAt(&when), "2027-03-12"},
		"instant from time":  {scanAt(&when), time.Unix(1, 0)},
		"boolean from text":  {scanBool(&yes), "true"},
		"JSON from a number": {scanJSON(&list), int64(1)},
		"JSON that is none":  {scanJSON(&list), "[1,"},
		"JSON of another":    {scanJSON(&list), "{}"},
	} {
		if err := c.to.Scan(c.src); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestIn(t *testing.T) {
	for _, c := range []struct {
		n, start int
		want     string
	}{{0, 1, "(NULL)"}, {1, 1, "($1)"}, {3, 9, "($9,$10,$11)"}} {
		if got := in(c.n, c.start); got != c.want {
			t.Errorf("in(%d, %d) = %s, want %s", c.n, c.start, got, c.want)
		}
	}
	eachDatabase(t, func(t *testing.T, s *Store) {
		rs, err := s.query(t.Context(), `SELECT n FROM (SELECT 1 AS n UNION SELECT 2) AS numbers WHERE n IN `+in(0, 1))
		if none, err := collect(rs, err, value[int64]); err != nil || len(none) > 0 {
			t.Errorf("in nothing: %v %v", none, err)
		}
	})
}

// A read whose caller left says so, in the words of the context, and leaves a
// usable connection behind.
func TestCanceledReadIsTheContextsError(t *testing.T) {
	endless := `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n`
	eachDatabase(t, func(t *testing.T, s *Store) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := first(s.queryRow(ctx, endless), value[int64])
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the error of the context", err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
