// Package event is the catalogue of things that happen. Audit trail and history
// timelines read the same events.
//
// An event holds ids, facts and reason codes. Names, addresses and free text
// live in tables that can be erased, so that the trail can be kept forever
// (C-AUD-02). This package describes events; the store appends and reads them.
package event
