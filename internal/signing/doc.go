// Package signing owns secrets: the master key, what is derived from it, and
// the signing keys of products. It is the only package that sees a private
// key; others hold sealed bytes and signatures.
//
// It reads and writes no database: keys come in and go out as values. Reading
// and verifying signatures is the work of the public package licensefile.
package signing
