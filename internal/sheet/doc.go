// Package sheet writes lists as CSV files (RFC 4180) that spreadsheets open as
// they are meant: UTF-8 with the mark that Excel looks for, instants with their
// zone, and no cell that a spreadsheet would take for a formula.
//
// It knows nothing of what is in a list; who may see it is decided before.
package sheet
