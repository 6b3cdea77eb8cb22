// Package verdict holds the words of Keyward's answer to "is this license
// good for that purpose, now?": codes, checks, fixes and warnings, and the
// few checks that need no server.
//
// It is public and imports the standard library only, so that shipped
// software can read a verdict, or repeat the offline checks, without the
// server. The server decides in one place (its license package); this package
// decides nothing about devices, owners or limits.
package verdict
