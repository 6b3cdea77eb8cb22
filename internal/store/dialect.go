package store

import (
	"database/sql"
	"strconv"
	"strings"
)

// dialect is what differs between the two databases. Statements that need
// another text for one of them ask it; everything else is written once.
type dialect struct {
	name string // also the folder of its migrations

	// lockSuffix locks the selected rows against other writers, but not against
	// rows that refer to them. SQLite has one writer and needs none.
	lockSuffix string
	// shareSuffix keeps the selected rows from changing, and lets others do so
	// too.
	shareSuffix string
	// claimSuffix takes rows that no other worker holds.
	claimSuffix string
	// hasTable counts the tables named $1.
	hasTable string
	// snapshot begins a transaction whose reads all see the same moment.
	snapshot *sql.TxOptions

	// classify translates an error of the driver, by its code.
	classify func(error) error
}

const (
	sqliteName   = "sqlite"
	postgresName = "postgres"
)

// lockRow is appended to a SELECT of the rows a change is about.
func (d *dialect) lockRow() string { return d.lockSuffix }

// shareRow is appended to a SELECT of rows that must stay as they are.
func (d *dialect) shareRow() string { return d.shareSuffix }

// claim is appended to the SELECT with which a worker takes its next rows.
func (d *dialect) claim() string { return d.claimSuffix }

// in returns the right side of an IN for n arguments, of which the first is
// number start: in(2, 3) is "($3,$4)". Without arguments nothing matches.
func in(n, start int) string {
	if n == 0 {
		return "(NULL)"
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(",$")
		b.WriteString(strconv.Itoa(start + i))
	}
	return "(" + b.String()[1:] + ")"
}

// listed is the right side of an IN for a list.
func (d *dialect) listed(argument string) string {
	if d.name == sqliteName {
		return `(SELECT value FROM json_each(` + argument + `))`
	}
	return `(SELECT json_array_elements_text(CAST(` + argument + ` AS json)))`
}
