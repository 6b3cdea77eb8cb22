// Package backup is the file that holds a backup: how it is written as a whole
// or not at all, and how it is proved before anything is taken out of it.
//
// The file is an ordinary tar archive, so that nobody needs Keyward to see what
// is in it:
//
//	keyward-backup.json   what this is: format, database, schema version, epoch
//	keyward.db            the records, from SQLite; or tables.json and *.copy,
//	                      those of PostgreSQL
//	files/...             files of releases, if asked for
//	master.key            the master key, if asked for
//	SHA256SUMS            last: the sums of all the others, for sha256sum -c
//
// What is not whole lacks SHA256SUMS or does not agree with it, and is refused.
// The package knows nothing about records; package store copies and loads them.
package backup
