// Package licensing holds the use cases about licenses and their devices:
// issuing and changing licenses for the vendor, validating and activating for
// shipped software, and everything a customer sees and does in the portal.
//
// A use case checks permission, opens one transaction, locks the license, lets
// package license decide, writes facts and an event, and commits; only then it
// signs or answers. It decides nothing itself and knows no SQL, HTTP or words.
package licensing
