package identity

import (
	"crypto/hmac"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/signing"
)

// KnownDeviceLife is how long a browser is remembered after signing in.
const KnownDeviceLife = 365 * 24 * time.Hour

const (
	devicePurpose = "known device"
	maxDeviceText = 256
)

// knownDevice makes the text by which a browser shows later that somebody has
// signed in to this account with it. It opens nothing: it only gives the
// browser attempts of its own, which those who guess from elsewhere cannot use
// up.
func (s *Service) knownDevice(email string, now time.Time) string {
	head := signing.NewToken("") + "." + strconv.FormatInt(now.Unix(), 10)
	return head + "." + s.deviceMAC(head, email)
}

// deviceOf returns what names the browser, or "" when the text was not made
// for this account or is too old.
func (s *Service) deviceOf(text, email string, now time.Time) string {
	if len(text) > maxDeviceText || email == "" {
		return ""
	}
	i := strings.LastIndexByte(text, '.')
	if i < 0 || !hmac.Equal([]byte(text[i+1:]), []byte(s.deviceMAC(text[:i], email))) {
		return ""
	}
	name, made, _ := strings.Cut(text[:i], ".")
	seconds, err := strconv.ParseInt(made, 10, 64)
	if err != nil || !now.Before(time.Unix(seconds, 0).Add(KnownDeviceLife)) {
		return ""
	}
	return name
}

func (s *Service) deviceMAC(head, email string) string {
	return base64.RawURLEncoding.EncodeToString(s.Master.TokenHash(devicePurpose, head+" "+email))
}
