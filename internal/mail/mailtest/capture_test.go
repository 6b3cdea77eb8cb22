package mailtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/mail/mailtest"
)

func TestCapture(t *testing.T) {
	to := func(email, subject string) mail.Message {
		return mail.Message{To: mail.Address{Email: email}, Subject: subject}
	}
	t.Run("keeps mails and finds the latest to an address", func(t *testing.T) {
		var c mailtest.Capture
		for _, m := range []mail.Message{to("a@example.com", "1"), to("b@example.com", "2"), to("a@example.com", "3")} {
			if err := c.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.To(t, "a@example.com").Subject; got != "3" || len(c.Messages()) != 3 {
			t.Errorf("latest = %q of %d", got, len(c.Messages()))
		}
	})
	t.Run("fails on request and keeps nothing then", func(t *testing.T) {
		var c mailtest.Capture
		broken := errors.New("broken")
		c.FailWith(broken)
		if err := c.Send(t.Context(), to("a@example.com", "1")); !errors.Is(err, broken) {
			t.Errorf("Send = %v", err)
		}
		c.FailWith(nil)
		if err := c.Send(t.Context(), to("a@example.com", "2")); err != nil || len(c.Messages()) != 1 {
			t.Errorf("Send = %v, kept %d", err, len(c.Messages()))
		}
	})
	t.Run("an ended context sends nothing", func(t *testing.T) {
		var c mailtest.Capture
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Send(ctx, to("a@example.com", "1")); !errors.Is(err, context.Canceled) || len(c.Messages()) != 0 {
			t.Errorf("Send = %v, kept %d", err, len(c.Messages()))
		}
	})
}
