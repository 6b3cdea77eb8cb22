package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// chainContext begins everything that is hashed, so that no hash of the chain
// is a hash of something else. The number is the version of the encoding.
const chainContext = "keyward event v1\n"

// Hash is the link that an event adds to the chain: it covers the hash of the
// event before it (empty for the first), the event's number and all that the
// event says. Whoever changes, removes, adds or moves a sealed event changes
// every hash behind it.
//
// It is SHA-256 of "keyward event v1\n" and then, in this order: previous hash,
// number, id, time, type, kind of actor, id of actor, request id, environment,
// product, license, version of the license, customer, activation, person,
// reason, data. Texts and bytes are preceded by their length as 8 bytes, numbers
// are 8 bytes, both big-endian; the time is in microseconds since 1970 UTC, and
// data is JSON without spaces, its members sorted by name.
//
// Hashes are kept forever, so fields of an event and of its Data are only ever
// added, with an empty value that Data leaves out. An Event's own new fields
// need a new version of the encoding.
func Hash(prev []byte, number int64, e Event) ([]byte, error) {
	data, err := canonical(e.Data)
	if err != nil {
		return nil, err
	}
	out := encoding(chainContext)
	out.text(string(prev))
	out.number(number)
	out.text(string(e.ID))
	out.number(e.At.UnixMicro())
	out.text(string(e.Type))
	out.text(string(e.Actor.Kind))
	out.text(string(e.Actor.ID))
	out.text(e.RequestID)
	out.text(string(e.Environment))
	out.text(string(e.ProductID))
	out.text(string(e.LicenseID))
	out.number(e.LicenseVersion)
	out.text(string(e.CustomerID))
	out.text(string(e.ActivationID))
	out.text(string(e.PersonID))
	out.text(e.Reason)
	out.text(data)
	sum := sha256.Sum256(out)
	return sum[:], nil
}

// Head is what is signed as the end of the chain: the number and hash of the
// last event, and when it was sealed. Each as in Hash.
func Head(number int64, hash []byte, sealed time.Time) []byte {
	var out encoding
	out.number(number)
	out.text(string(hash))
	out.number(sealed.UnixMicro())
	return out
}

// encoding is what is hashed. No two sequences of parts give the same bytes.
type encoding []byte

func (e *encoding) number(n int64) { *e = binary.BigEndian.AppendUint64(*e, uint64(n)) }

func (e *encoding) text(s string) {
	e.number(int64(len(s)))
	*e = append(*e, s...)
}

// canonical is Data as JSON that does not depend on the order of Go's fields.
func canonical(d Data) (string, error) {
	text, err := EncodeData(d)
	if err != nil {
		return "", err
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return "", fmt.Errorf("sort event data: %w", err)
	}
	sorted, err := json.Marshal(members)
	if err != nil {
		return "", fmt.Errorf("sort event data: %w", err)
	}
	return string(sorted), nil
}
