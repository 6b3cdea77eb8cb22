package signing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// webhookPrefix tells people and secret scanners what a webhook's secret is.
const webhookPrefix = "whsec_"

// NewWebhookSecret makes a secret of 256 random bits as the Standard Webhooks
// scheme writes it.
func NewWebhookSecret() string {
	var secret [32]byte
	// Never fails: the runtime stops the program when there is no randomness.
	_, _ = rand.Read(secret[:])
	return webhookPrefix + base64.StdEncoding.EncodeToString(secret[:])
}

// SignWebhook signs a message by the Standard Webhooks scheme and returns the
// value of its webhook-signature header.
func SignWebhook(secret, messageID string, sentAt time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, webhookPrefix))
	if err != nil {
		return "", fmt.Errorf("webhook secret: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(messageID + "." + strconv.FormatInt(sentAt.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// SignWebhookBody signs the body alone, for receivers that read the header
// X-Webhook-Signature: hexadecimal HMAC-SHA256 under the secret as it is
// written.
func SignWebhookBody(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
