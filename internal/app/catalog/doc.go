// Package catalog holds the use cases about what is sold: products with their
// rules and signing keys, generators, which are the plans that licenses are
// issued from, and releases.
//
// It makes keys that sign and hands them out sealed; what is signed with them
// is not its concern. It knows no HTTP and no SQL.
package catalog
