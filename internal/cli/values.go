package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/license"
)

// limitValue is a number of devices, or "unlimited".
type limitValue int

func (l *limitValue) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "unlimited" {
		*l = license.Unlimited
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > license.MaxLimit {
		return fmt.Errorf("use 1 to %d devices, or unlimited", license.MaxLimit)
	}
	*l = limitValue(n)
	return nil
}

// orUnlimited is the limit, or none where none was given.
func (l *limitValue) orUnlimited() int {
	if l == nil {
		return license.Unlimited
	}
	return int(*l)
}

func (l *limitValue) pointer() *int {
	if l == nil {
		return nil
	}
	n := int(*l)
	return &n
}

// dateValue is a day, which begins at midnight UTC, or an instant.
type dateValue struct{ time.Time }

func (d *dateValue) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			d.Time = t.UTC()
			return nil
		}
	}
	return errors.New("use a date such as 2027-03-12, or an instant such as 2027-03-12T15:00:00Z")
}

// featureTemplate is a feature of a product: key:type=default.
type featureTemplate license.Feature

func (f *featureTemplate) UnmarshalText(text []byte) error {
	name, value, ok := strings.Cut(string(text), "=")
	key, kind, typed := strings.Cut(name, ":")
	if !ok || !typed || key == "" {
		return errors.New("write key:type=default, such as projects:number=20, export:boolean=true or support:string=Email")
	}
	f.Key, f.Type = key, license.FeatureType(kind)
	var err error
	f.Value, err = featureOf(f.Type, value)
	return err
}

func featureOf(kind license.FeatureType, value string) (any, error) {
	switch kind {
	case license.Boolean:
		switch value {
		case "true", "yes":
			return true, nil
		case "false", "no":
			return false, nil
		}
		return nil, errors.New("a boolean is true or false")
	case license.Numeric:
		if value == license.UnlimitedValue {
			return value, nil
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, errors.New("a number is digits, or unlimited")
		}
		return n, nil
	case license.Textual:
		return value, nil
	}
	return nil, fmt.Errorf("a feature is a %s, %s or %s", license.Boolean, license.Numeric, license.Textual)
}

// featureValue is the value of a feature of one license: key=value.
type featureValue struct{ key, value string }

func (f *featureValue) UnmarshalText(text []byte) error {
	var ok bool
	if f.key, f.value, ok = strings.Cut(string(text), "="); !ok || f.key == "" {
		return errors.New("write key=value, such as projects=50")
	}
	return nil
}

// valuesFor reads the values by the types of the product's features. One that
// the product does not have is passed on, to be refused with the rest.
func valuesFor(p license.Product, given []featureValue) (map[string]any, error) {
	values := map[string]any{}
	for _, g := range given {
		values[g.key] = g.value
		for _, f := range p.Features {
			if f.Key != g.key {
				continue
			}
			v, err := featureOf(f.Type, g.value)
			if err != nil {
				return nil, fmt.Errorf("feature %s: %w", g.key, err)
			}
			values[g.key] = v
		}
	}
	return values, nil
}
