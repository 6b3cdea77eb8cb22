// Package config owns what an operator can set: one struct, read from flags and
// KEYWARD_ variables by the command line, checked here as a whole, and printed
// without its secrets. It opens nothing and decides nothing.
package config
