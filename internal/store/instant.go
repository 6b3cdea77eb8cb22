package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// at binds an instant: microseconds since 1970 in UTC, or null for the zero
// time. A time.Time is never bound as such: the drivers disagree about it.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// scanAt reads an instant into t, in UTC; null becomes the zero time.
func scanAt(t *time.Time) sql.Scanner { return instant{t} }

type instant struct{ t *time.Time }

func (i instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i.t = time.Time{}
	case int64:
		*i.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("store: %T is no instant", src)
	}
	return nil
}

// scanBool reads a boolean, which SQLite keeps as 0 and 1; null is false.
func scanBool(b *bool) sql.Scanner { return boolean{b} }

type boolean struct{ b *bool }

func (s boolean) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.b = false
	case bool:
		*s.b = v
	case int64:
		*s.b = v != 0
	default:
		return fmt.Errorf("store: %T is no boolean", src)
	}
	return nil
}

// orNull binds v, or null when v is its zero value: optional texts, ids, limits.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// scanOr reads a column that may be null into v; null becomes the zero value.
func scanOr[T any](v *T) sql.Scanner { return optional[T]{v} }

type optional[T any] struct{ v *T }

func (o optional[T]) Scan(src any) error {
	var n sql.Null[T]
	if err := n.Scan(src); err != nil {
		return err
	}
	*o.v = n.V
	return nil
}

// jsonText binds v as JSON text.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("store: encode a JSON column: %w", err)
	}
	return string(b), nil
}

// scanJSON reads JSON text into the value v points to; null leaves it alone.
func scanJSON(v any) sql.Scanner { return jsonColumn{v} }

type jsonColumn struct{ v any }

func (c jsonColumn) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("store: %T is no JSON text", src)
	}
	if err := json.Unmarshal(text, c.v); err != nil {
		return fmt.Errorf("store: decode a JSON column: %w", err)
	}
	return nil
}
