package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	appPeriod     = 30 // seconds a code is for
	appSkew       = 1  // codes before and after that are taken too
	appSecretSize = 20 // bytes, as RFC 4226 recommends for SHA-1
	appDigits     = 6
)

var appEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewAppSecret makes the secret that an authenticator app shares with us, as
// text that can be typed.
func NewAppSecret() string {
	var secret [appSecretSize]byte
	// Never fails: the runtime stops the program when there is no randomness.
	_, _ = rand.Read(secret[:])
	return appEncoding.EncodeToString(secret[:])
}

// AppURI is the secret as authenticator apps read it from a picture. Issuer and
// account are what the app calls it.
func AppURI(secret, issuer, account string) string {
	issuer = strings.ReplaceAll(issuer, ":", " ") // which ends the issuer
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account,
		// Not Query.Encode: apps show a plus as a plus.
		RawQuery: "secret=" + secret + "&issuer=" + url.PathEscape(issuer) + "&algorithm=SHA1&digits=6&period=30",
	}
	return u.String()
}

// CheckAppCode reports whether a code is one that the app shows around now, and
// which. Codes up to the newest that was accepted are not taken: each code is
// good once (RFC 6238, section 5.2).
func CheckAppCode(secret, code string, lastStep int64, now time.Time) (step int64, ok bool) {
	code = foldCode(code)
	current := now.Unix() / appPeriod
	for s := current - appSkew; s <= current+appSkew; s++ {
		want, err := appCode(secret, s)
		if err == nil && s > lastStep && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

func appCode(secret string, step int64) (string, error) {
	return hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

// KindOfCode tells the six digits of an app from a recovery code.
func KindOfCode(code string) CodeKind {
	code = foldCode(code)
	if len(code) == appDigits && !strings.ContainsFunc(code, func(r rune) bool { return r < '0' || r > '9' }) {
		return AppCode
	}
	return RecoveryCode
}

// foldCode drops what people type between the parts of a code.
func foldCode(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\t' || r == '\u00a0' {
			return -1
		}
		return r
	}, code)
}

// RecoveryCodes is how many codes a person gets at once.
const RecoveryCodes = 10

// NewRecoveryCodes makes codes that are good once each, such as
// "QX4WT-7DGLM": 50 random bits, kept as keyed hashes.
func NewRecoveryCodes() []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		text := rand.Text() // base32
		codes[i] = text[:5] + "-" + text[5:10]
	}
	return codes
}

// FoldRecoveryCode is the form in which a recovery code is compared: digits
// that are no part of the alphabet are read as the letters they look like.
func FoldRecoveryCode(code string) string {
	return strings.NewReplacer("0", "O", "1", "I", "8", "B").Replace(strings.ToUpper(foldCode(code)))
}
