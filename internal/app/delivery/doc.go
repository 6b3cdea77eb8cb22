// Package delivery holds the use cases about releases: staff publish and
// withdraw them, customers see which of them their licenses include, fetch the
// files through links that are theirs alone, and read what changed.
//
// Whether a license includes a release is decided by license.Evaluate and
// nowhere else; a customer may have what any of its licenses includes. Where
// the content of files lies is told by Blobs. It knows no HTTP and no SQL.
package delivery
