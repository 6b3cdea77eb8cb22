// Package store owns all SQL of Keyward, written once for SQLite and
// PostgreSQL, and what "durable when acknowledged" means on both.
//
// A [Store] is one open database. Changes go through [Store.InTx], reads
// through the methods of [Reader], which a Store and a [Tx] both have, and
// several reads that must agree through [Store.Snapshot]. Each aggregate has a
// file of its own; methods return domain types, never rows.
//
// On SQLite one goroutine owns the one connection that writes. It merges the
// operations that wait into one transaction, each inside a savepoint of its
// own, commits once and then answers all of them. On PostgreSQL every operation
// has a transaction of its own. What a caller may rely on is the same on both,
// and the storetest package proves it; how they differ inside is known to the
// dialect alone.
//
// The package does not decide: rules live in license and account, permissions
// and the order of a change in app. It knows no HTTP and sends nothing.
package store
