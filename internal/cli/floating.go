package cli

import "time"

// holdValue is how long a check-in keeps a floating seat, or "off", which is 0.
type holdValue time.Duration

func (v *holdValue) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*v = 0
		return nil
	}
	return (*spanValue)(v).UnmarshalText(text)
}

// or is the value, or another one where none was given.
func (v *holdValue) or(d time.Duration) time.Duration {
	if v == nil {
		return d
	}
	return time.Duration(*v)
}

// holdText is how long seats are held, or "" where they are fixed.
func holdText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
