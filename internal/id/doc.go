// Package id owns the two kinds of names Keyward makes up: record identifiers
// and license-key text. It draws them, reads them, folds what a person typed
// and masks what a page may show. It does not store or hash anything.
package id
