package id

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ErrSequence is returned when a counter no longer fits the digits its pattern
// gives it.
var ErrSequence = errors.New("key counter does not fit its pattern")

// Key is a license key and the text shown in its place. Text is a secret: it
// never goes to a log or an address.
type Key struct{ Text, Mask string }

// String returns the mask, so that a key printed by mistake stays hidden.
func (k Key) String() string { return k.Mask }

// GoString returns the mask as well.
func (k Key) GoString() string { return k.Mask }

// Generate makes a key from the randomness of r. Every character of a set is
// equally likely. seq is the generator's counter; patterns without {SEQ}
// ignore it.
func (p *Pattern) Generate(r io.Reader, now time.Time, seq int64) (Key, error) {
	draw := &sampler{r: r}
	var text strings.Builder
	checkAt := -1
	for _, part := range p.parts {
		if part.kind == kindCheck {
			checkAt = text.Len()
			continue
		}
		s, err := part.make(draw, now, seq)
		if err != nil {
			return Key{}, err
		}
		text.WriteString(s)
	}
	key := text.String()
	if checkAt >= 0 {
		key = insertCheck(key, checkAt)
	}
	return Key{Text: key, Mask: p.Mask(key)}, nil
}

func (p part) make(draw *sampler, now time.Time, seq int64) (string, error) {
	switch p.kind {
	case kindRandom:
		return draw.text(p.set, p.size)
	case kindDate:
		return now.UTC().Format(p.text), nil
	case kindSequence:
		digits := fmt.Sprintf("%0*d", p.size, seq)
		if seq < 0 || len(digits) > p.size {
			return "", ErrSequence
		}
		return digits, nil
	}
	return p.text, nil
}

// sampler draws characters without bias: a byte from the uneven end of the
// range is thrown away.
type sampler struct {
	r    io.Reader
	buf  [32]byte
	left []byte
}

func (s *sampler) text(set string, n int) (string, error) {
	out := make([]byte, n)
	for i := range out {
		c, err := s.char(set)
		if err != nil {
			return "", err
		}
		out[i] = c
	}
	return string(out), nil
}

func (s *sampler) char(set string) (byte, error) {
	even := 256 - 256%len(set)
	for {
		b, err := s.next()
		if err != nil {
			return 0, err
		}
		if int(b) < even {
			return set[int(b)%len(set)], nil
		}
	}
}

func (s *sampler) next() (byte, error) {
	if len(s.left) == 0 {
		if _, err := io.ReadFull(s.r, s.buf[:]); err != nil {
			return 0, fmt.Errorf("reading randomness: %w", err)
		}
		s.left = s.buf[:]
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b, nil
}
