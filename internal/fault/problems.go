package fault

import "slices"

// Problems collects everything that is wrong with one input, so that a person
// corrects a form once and not field by field. The zero value is ready to use.
type Problems struct{ fields []Field }

// Add records what is wrong with the input called name and what to do.
func (p *Problems) Add(name, message string) {
	p.fields = append(p.fields, Field{Name: name, Message: message})
}

// Err returns an Invalid fault, code "invalid_input", with every recorded
// field, or nil when there is none.
//
// The result is a pointer: compare it with nil before you return it as an
// error, because a nil *Error inside an error interface is not a nil error.
func (p *Problems) Err() *Error {
	if len(p.fields) == 0 {
		return nil
	}
	e := New(Invalid, "invalid_input", "Some of what you entered needs a correction.")
	e.Fields = slices.Clone(p.fields)
	return e
}
