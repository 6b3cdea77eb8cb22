package mailbox

import (
	"slices"
	"sync"
	"time"
)

// MaxKept is how many mails a Box keeps; the oldest leave first.
const MaxKept = 200

// Message is one received mail, decoded for reading.
type Message struct {
	ID         int // counts up from 1 in the order of arrival
	From       string
	To         []string // envelope recipients
	Subject    string
	Text       string // the plain text part, line ends as \n
	ReceivedAt time.Time
}

// Box keeps received mails. It is safe for concurrent use.
type Box struct {
	now func() time.Time

	mu   sync.Mutex
	last int
	kept []Message // oldest first
}

// New returns an empty Box that stamps mails with now.
func New(now func() time.Time) *Box {
	return &Box{now: now}
}

// Messages returns the kept mails, newest first.
func (b *Box) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	newest := slices.Clone(b.kept)
	slices.Reverse(newest)
	return newest
}

// message returns the kept mail with this number.
func (b *Box) message(number int) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.kept, func(m Message) bool { return m.ID == number })
	if i < 0 {
		return Message{}, false
	}
	return b.kept[i], true
}

// keep decodes and stores one received mail.
func (b *Box) keep(from string, to []string, data []byte) {
	m := decode(data)
	m.From, m.To, m.ReceivedAt = from, slices.Clone(to), b.now().UTC()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m.ID = b.last
	if len(b.kept) == MaxKept {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	b.kept = append(b.kept, m)
}
