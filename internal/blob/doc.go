// Package blob keeps the content of files: in a directory of this machine, or
// in any store that speaks the protocol of S3. Both take content as a stream,
// show a file only when it is there as a whole, and leave nothing behind when
// it does not get that far. A file that is not there is fs.ErrNotExist.
//
// What a file is, and who may have it, is decided elsewhere.
package blob
