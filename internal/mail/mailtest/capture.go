package mailtest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/keyward/keyward/internal/mail"
)

// Capture is a mail.Sender that keeps what it is given. The zero value is ready
// to use; it is safe for concurrent use.
type Capture struct {
	mu   sync.Mutex
	sent []mail.Message
	fail error
}

var _ mail.Sender = (*Capture)(nil)

// Send keeps m, or fails as FailWith said or as ctx does.
func (c *Capture) Send(ctx context.Context, m mail.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.fail != nil {
		return c.fail
	}
	c.sent = append(c.sent, m)
	return nil
}

// FailWith makes every later Send fail with err; nil ends that.
func (c *Capture) FailWith(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

// Messages returns the kept mails, oldest first.
func (c *Capture) Messages() []mail.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

// To returns the latest mail to this address and fails the test when there is
// none.
func (c *Capture) To(tb testing.TB, email string) mail.Message {
	tb.Helper()
	sent := c.Messages()
	for _, m := range slices.Backward(sent) {
		if m.To.Email == email {
			return m
		}
	}
	tb.Fatalf("no mail to %s among %d kept", email, len(sent))
	return mail.Message{}
}
