package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/verdict"
)

func TestBadInputIsNamedAndChangesNothing(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for _, c := range []struct {
		name, body string
		status     int
		code       string
		fields     []string
	}{
		{"no body", ``, 400, "malformed_json", nil},
		{"no JSON", `key=KW`, 400, "malformed_json", nil},
		{"half a body", `{"key":"KW-1"`, 400, "malformed_json", nil},
		{"two values", `{"key":"KW-1"}{}`, 400, "malformed_json", nil},
		{"a list", `[]`, 400, "invalid_input", []string{"body"}},
		{"null", `null`, 400, "invalid_input", []string{"body"}},
		{"too deep", `{"key":` + deep + `}`, 400, "json_too_deep", nil},
		{"broken UTF-8", "{\"key\":\"\xff\"}", 400, "malformed_json", nil},
		{"a name twice", `{"key":"KW-1","key":"KW-2"}`, 400, "duplicate_key", []string{"key"}},
		{"a name twice, written differently", `{"key":"KW-1","k\u0065y":"KW-2"}`, 400, "duplicate_key", []string{"key"}},
		{"a name in two cases", `{"key":"KW-1","KEY":"KW-2"}`, 400, "invalid_input", []string{"KEY"}},
		{"a name in capitals", `{"Key":"KW-1"}`, 400, "invalid_input", []string{"Key", "key"}},
		{"a name that the decoder folds", "{\"\u212aey\":\"KW-1\"}", 400, "invalid_input", []string{"key", "\u212aey"}},
		{"unknown fields, inside too", `{"key":"K","seats":1,"device":{"id":"a","serial":"b"}}`, 400, "invalid_input", []string{"device.serial", "seats"}},
		{"a key in the place of a name", `{"KW-AAAAA-BBBBB-CCCCC-DDDDD":1,"key":"K"}`, 400, "invalid_input", []string{"KW-AAAAA-BBB…"}},
		{"no key", `{}`, 400, "invalid_input", []string{"key"}},
		{"key null", `{"key":null}`, 400, "invalid_input", []string{"key"}},
		{"an empty key", `{"key":""}`, 400, "invalid_input", []string{"key"}},
		{"a blank key", `{"key":"  "}`, 400, "invalid_input", []string{"key"}},
		{"a long key", `{"key":"` + strings.Repeat("K", 256) + `"}`, 400, "invalid_input", []string{"key"}},
		{"a key of 1 MB", `{"key":"` + strings.Repeat("K", 1<<20) + `"}`, 413, "too_large", nil},
		{"wrong types", `{"key":1,"features":"export","client_time":"noon","device":"HW-1"}`, 400, "invalid_input", []string{"client_time", "device", "features", "key"}},
		{"a wrong type in a list", `{"key":"K","features":["export",2]}`, 400, "invalid_input", []string{"features[1]"}},
		{"too many features", `{"key":"K","features":[` + strings.Repeat(`"a",`, 50) + `"a"]}`, 400, "invalid_input", []string{"features"}},
		{"a device without an id", `{"key":"K","device":{}}`, 400, "invalid_input", []string{"device.id"}},
		{"a device with an empty id", `{"key":"K","device":{"id":""}}`, 400, "invalid_input", []string{"device.id"}},
		{"control characters in a device", `{"key":"K","device":{"id":"HW\u0007","name":"a\u202eb"}}`, 400, "invalid_input", []string{"device.id", "device.name"}},
		{"an unknown kind of device", `{"key":"K","device":{"id":"a","kind":"toaster"}}`, 400, "invalid_input", []string{"device.kind"}},
		{"an unknown environment", `{"key":"K","environment":"moon"}`, 400, "invalid_input", []string{"environment"}},
		{"a version that is none", `{"key":"K","version":"latest"}`, 400, "invalid_input", []string{"version"}},
		{"a nonce with a line break", `{"key":"K","nonce":"a\nb"}`, 400, "invalid_input", []string{"nonce"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{validate, activate} {
				r := f.send(t, path, f.product.Token, c.body)
				wantProblem(t, r, c.status, c.code)
				got := fieldsOf(r.Problem)
				slices.Sort(got)
				if diff := cmp.Diff(c.fields, got); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
				if strings.Contains(r.Text, "DDDDD") || strings.Contains(r.Text, "KKKK") {
					t.Errorf("the answer repeats the key: %s", r.Text)
				}
			}
		})
	}
	if log := f.Log(); strings.Contains(log, "DDDDD") || strings.Contains(log, "KKKK") {
		t.Errorf("the log repeats a key:\n%s", log)
	}
	seats, err := f.Store.Seats(t.Context(), f.license.ID, nil, f.Now())
	if err != nil || seats.Used != 0 {
		t.Errorf("%d seats are held (%v)", seats.Used, err)
	}
}

func TestManyWrongFieldsAreNotAllNamed(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	var fields []string
	for n := range 1000 {
		fields = append(fields, fmt.Sprintf(`"f%d":1`, n))
	}
	r := f.send(t, validate, f.product.Token, "{"+strings.Join(fields, ",")+"}")
	wantProblem(t, r, http.StatusBadRequest, "invalid_input")
	if len(r.Problem.Errors) != 20 {
		t.Errorf("%d fields are named", len(r.Problem.Errors))
	}
}

func TestBodyMustBeDeclaredAsJSON(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	body := `{"key":"` + f.key + `"}`
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json, text/plain", "application/cbor"} {
		r := f.send(t, validate, f.product.Token, body, "Content-Type", media)
		wantProblem(t, r, http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	wantVerdict(t, f.send(t, validate, f.product.Token, body, "Content-Type", "Application/JSON; charset=utf-8"), string(verdict.Valid))
}

func TestKeyHasNoPlaceInAnAddress(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	r := f.send(t, validate+"?key="+f.key, f.product.Token, `{}`)
	wantProblem(t, r, http.StatusBadRequest, "unexpected_query")
	if strings.Contains(f.Log(), f.key) {
		t.Error("the log holds the key")
	}
}

func TestOptionalFieldsMayBeNull(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	r := f.send(t, validate, f.product.Token, `{"key":"`+f.key+`","device":null,"features":null,"nonce":null,"client_time":null}`)
	if r.Status != http.StatusOK {
		t.Errorf("got %d %s", r.Status, r.Text)
	}
}

func TestDeviceIsNeededWhereItsSeatChanges(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	for _, path := range []string{activate, deactivate, checkIn} {
		r := f.ask(t, path, f.about(f.key, ""))
		wantProblem(t, r, http.StatusBadRequest, "invalid_input")
		if got := fieldsOf(r.Problem); got[0] != "device" {
			t.Errorf("%s blames %v", path, got)
		}
	}
}
