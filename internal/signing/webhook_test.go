package signing_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/signing"
)

// The example is the one that the libraries of the scheme are tested with.
func TestSignWebhook(t *testing.T) { // C-WHK-03
	got, err := signing.SignWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	if _, err := signing.SignWebhook("whsec_?", "id", time.Unix(0, 0), nil); err == nil {
		t.Error("a damaged secret signs")
	}
}

func TestNewWebhookSecret(t *testing.T) {
	secret := signing.NewWebhookSecret()
	text, ok := strings.CutPrefix(secret, "whsec_")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(raw) != 32 {
		t.Errorf("%d bytes behind the prefix %v (%v)", len(raw), ok, err)
	}
	if signing.NewWebhookSecret() == secret {
		t.Error("the same secret twice")
	}
}
