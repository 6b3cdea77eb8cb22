// Package storetest is the conformance suite of the store: what every caller
// may rely on, proved on each database by the same tests.
//
// Run is given a way to open a new, migrated store and proves what the store
// does for its aggregates. Engine is given an empty one and raw statements and
// proves what a transaction is. Each aggregate has a file here as it has one there.
//
// It knows nothing of how a database does it: batches, locks and plans are
// proved by the tests beside the code.
package storetest
