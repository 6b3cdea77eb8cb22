package api

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Optional tells null from absent: absent leaves a thing as it is, null
// takes its bound away.
type Optional[T any] struct {
	Sent  bool
	Value *T // nil is null
}

// UnmarshalJSON reads a value or null.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	o.Sent = true
	return json.Unmarshal(b, &o.Value)
}

// Schema is that of the value, or null.
func (Optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), false, "")
	s.Nullable = true
	return &s
}

// or returns a pointer to what was sent, with null as none; nil when nothing
// was.
func (o Optional[T]) or(none T) *T {
	if !o.Sent {
		return nil
	}
	if o.Value == nil {
		return &none
	}
	return o.Value
}
