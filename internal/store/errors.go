package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// ErrNotFound is what a read of one thing returns when there is none. Callers
// replace it by fault.Missing with the word for what they looked for.
var ErrNotFound error = fault.Missing("record")

// errOver is what a Tx answers once its function has returned.
var errOver = errors.New("store: transaction used after its end")

// errAgain marks a transaction of which nothing is left and which may succeed
// if it starts anew: the database undid it in favor of another one, or it met a
// connection that had died before.
var errAgain = errors.New("nothing happened, and another try may succeed")

// retryBusy is the wait suggested to a caller we could not serve.
const retryBusy = time.Second

// rule is the kind of a schema rule a write ran into.
type rule string

const (
	ruleUnique  rule = "unique"
	ruleForeign rule = "foreign key"
	ruleCheck   rule = "check"
	ruleNotNull rule = "not null"
)

// violation is the private cause of a refused write. It keeps names only: the
// drivers' own errors may hold the values, and those must not reach a log.
type violation struct {
	rule       rule
	constraint string   // name of the constraint or index, where the driver tells
	columns    []string // "table.column", where the driver tells
}

func (v *violation) Error() string {
	return fmt.Sprintf("%s rule %q of columns %v", v.rule, v.constraint, v.columns)
}

// IsUnique reports whether err says that a value which must be unique was there
// already. name is "table.column" for any one column of the rule, or the name
// of the index when it is over an expression; without a name any rule matches.
func IsUnique(err error, name string) bool {
	v, ok := errors.AsType[*violation](err)
	if !ok || v.rule != ruleUnique {
		return false
	}
	return name == "" || v.constraint == name || slices.Contains(v.columns, name)
}

// refused turns a violation into the fault its kind deserves. A broken check
// or a missing value is our own mistake: input is judged before it gets here.
func refused(v *violation) error {
	switch v.rule {
	case ruleUnique:
		return fault.Wrap(fault.Conflict, "already_exists", "This exists already.", v)
	case ruleForeign:
		return fault.Wrap(fault.Conflict, "reference_missing", "Something this refers to does not exist, or is still in use.", v)
	}
	return fmt.Errorf("store: write refused: %w", v)
}

// busy is the fault for work that could not start or was undone because others
// were in the way. Nothing has changed; the same call may succeed later.
func busy(cause error) error {
	return fault.Wrap(fault.Unavailable, "busy", "We are very busy right now. Please try again in a moment.", cause).WithRetryAfter(retryBusy)
}

// unavailable is the fault for a database that cannot be reached or used.
func unavailable(cause error) error {
	return fault.Wrap(fault.Unavailable, "database_unavailable", "We cannot reach our records right now. Please try again in a moment.", cause).WithRetryAfter(retryBusy)
}

// translate gives every error of a statement its final form. Errors that have
// one already, and those of the context, pass.
func (d *dialect) translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return d.classify(err)
}

// IsNotFound reports whether err says that there is no such record.
func IsNotFound(err error) bool { return fault.Is(err, fault.NotFound) }
