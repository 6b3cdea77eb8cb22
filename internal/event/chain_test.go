package event_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
)

var at = time.Date(2027, 3, 12, 14, 5, 0, 123000, time.UTC)

// full is an event in which everything is set.
func full() event.Event {
	limit, used := 5, 2
	expires := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
	return event.Event{
		ID: "0195a1b2-0000-7000-8000-000000000001", At: at, Type: event.LicenseSuspended,
		Actor:     event.Actor{Kind: account.ActorAdministrator, ID: "0195a1b2-0000-7000-8000-000000000002"},
		RequestID: "req-1", Environment: license.Production,
		ProductID: "0195a1b2-0000-7000-8000-000000000003", LicenseID: "0195a1b2-0000-7000-8000-000000000004",
		LicenseVersion: 7, CustomerID: "0195a1b2-0000-7000-8000-000000000005",
		ActivationID: "0195a1b2-0000-7000-8000-000000000006", PersonID: "0195a1b2-0000-7000-8000-000000000007",
		Reason: "payment",
		Data: event.Data{
			Before: &event.LicenseFacts{Status: license.Active, ExpiresAt: &expires, Limit: &limit},
			After:  &event.LicenseFacts{Status: license.Suspended, ExpiresAt: &expires, Limit: &limit},
			Used:   &used, Limit: &limit, Trigger: "suspend", Purpose: "reset", Version: "8.1", Role: "owner",
		},
	}
}

func hash(t *testing.T, prev []byte, number int64, e event.Event) []byte {
	t.Helper()
	h, err := event.Hash(prev, number, e)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Stored chains must verify forever: these values never change. They were
// computed by another implementation of the description at Hash.
func TestHashesAreTheSameForever(t *testing.T) {
	first := hash(t, nil, 1, event.Event{ID: "0195a1b2-0000-7000-8000-000000000000", At: at, Type: event.PersonSignedIn})
	second := hash(t, first, 2, full())
	for want, got := range map[string][]byte{
		"90823277b76962ffc24ea02077400feb45b1902cc7d307201157c96511537785":                                                 first,
		"0c2c89951187c37894fb97f6a953b0f22a99c9d2f258f660a3d2642463c1f517":                                                 second,
		"000000000000000200000000000000200c2c89951187c37894fb97f6a953b0f22a99c9d2f258f660a3d2642463c1f51700066982c90cfb7b": event.Head(2, second, at),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("got %x, want %s", got, want)
		}
	}
}

// C-AUD-02. The address alone is left out: it is personal, and erasing it must
// not break the chain.
func TestHashCoversEveryField(t *testing.T) {
	prev := []byte{1, 2, 3}
	seen := map[string]string{string(hash(t, prev, 1, event.Event{})): "nothing"}
	check := func(name string, h []byte) {
		if other, ok := seen[string(h)]; ok {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[string(h)] = name
	}
	check("another previous hash", hash(t, []byte{1, 2}, 1, event.Event{}))
	check("another number", hash(t, prev, 2, event.Event{}))
	eachField(t, reflect.TypeFor[event.Event](), func(name string, set func(reflect.Value)) {
		var e event.Event
		set(reflect.ValueOf(&e).Elem())
		h := hash(t, prev, 1, e)
		if name == "Address" {
			if seen[string(h)] != "nothing" {
				t.Error("the address changes the hash, so it could never be erased")
			}
			return
		}
		check(name, h)
	})
}

// eachField calls f for every field, and those of structs in it, with what
// sets it to something.
func eachField(t *testing.T, typ reflect.Type, f func(name string, set func(reflect.Value))) {
	for field := range typ.Fields() {
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[time.Time]() {
			eachField(t, field.Type, func(name string, set func(reflect.Value)) {
				f(field.Name+"."+name, func(v reflect.Value) { set(v.FieldByIndex(field.Index)) })
			})
			continue
		}
		f(field.Name, func(v reflect.Value) { fill(t, field.Name, v.FieldByIndex(field.Index)) })
	}
}

func fill(t *testing.T, name string, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(at))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int64:
		v.SetInt(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	default:
		t.Fatalf("%s: this test does not know how to set a %s", name, v.Type())
	}
}

func TestHashDoesNotMixUpNeighbors(t *testing.T) {
	one := event.Event{RequestID: "ab", Environment: "c"}
	two := event.Event{RequestID: "a", Environment: "bc"}
	if bytes.Equal(hash(t, nil, 1, one), hash(t, nil, 1, two)) {
		t.Error("a shifted border gives the same hash")
	}
}

func TestHashSurvivesStorage(t *testing.T) {
	e := full()
	text, err := event.EncodeData(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	back := e
	back.At = time.UnixMicro(e.At.UnixMicro()).UTC()
	if back.Data, err = event.DecodeData(text); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(hash(t, nil, 1, e), hash(t, nil, 1, back)) {
		t.Error("an event has another hash after it was stored")
	}
}

func TestHashRefusesWhatCannotBeStored(t *testing.T) {
	far := time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := event.Hash(nil, 1, event.Event{Data: event.Data{Before: &event.LicenseFacts{ExpiresAt: &far}}})
	if err == nil {
		t.Error("no error")
	}
}
