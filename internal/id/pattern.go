package id

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
)

// Named character sets for Spec.Charset.
const (
	// Unambiguous leaves out every character that is easily read as another:
	// 0 and O, 1 and I and L, 5 and S.
	Unambiguous  = "ABCDEFGHJKMNPQRTUVWXYZ2346789"
	Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	Letters      = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Digits       = "0123456789"
	Hex          = "0123456789ABCDEF"
)

// MinEntropy is the least number of bits, counted after folding, that a
// pattern must put into each key.
const MinEntropy = 60

var (
	// ErrPattern is returned for a specification that cannot be read. The
	// message says what is wrong and is safe to show.
	ErrPattern = errors.New("key pattern")
	// ErrWeak is returned for a pattern whose keys could be guessed.
	ErrWeak = errors.New("key pattern is too easy to guess")
)

// Type is a way of making keys.
type Type string

// The types of generator.
const (
	TypeUUID   Type = "uuid"   // a random UUID, lower case
	TypeChunk  Type = "chunk"  // equal segments of random characters
	TypeCustom Type = "custom" // Spec.Pattern
)

// Spec is what an administrator enters to describe the keys of a generator.
type Spec struct {
	Type           Type
	Prefix, Suffix string // joined to the body as they are
	Length         int    // chunk: random characters; rounded up to full segments
	SegmentLength  int    // chunk
	Separator      string // chunk: "-", "_", "." or none
	Charset        string // literal characters; empty means Unambiguous
	Pattern        string // custom
}

// Pattern is a checked description of keys. All keys of a pattern have the
// same length. It is safe for concurrent use.
type Pattern struct {
	parts   []part
	cells   []cell
	slots   []slot
	entropy float64
}

// part is a run of characters made in one way.
type part struct {
	kind kind
	size int    // characters; for literals and dates implied by text
	set  string // random: what to draw from
	text string // literal: the text; date: its layout for time.Format
}

type kind uint8

const (
	kindLiteral kind = iota
	kindRandom
	kindDate
	kindSequence
	kindCheck
)

// cell is one character position.
type cell struct {
	class   class
	literal rune   // the only character possible, or 0
	set     string // otherwise the characters possible
}

// Compile checks a specification. It returns ErrPattern for one that makes no
// sense and ErrWeak for one below MinEntropy.
func Compile(s Spec) (*Pattern, error) {
	charset := s.Charset
	if charset == "" {
		charset = Unambiguous
	}
	if err := checkCharset(charset); err != nil {
		return nil, err
	}
	body, err := s.body(charset)
	if err != nil {
		return nil, err
	}
	parts := append([]part{{kind: kindLiteral, text: s.Prefix}}, body...)
	return newPattern(append(parts, part{kind: kindLiteral, text: s.Suffix}))
}

func (s Spec) body(charset string) ([]part, error) {
	switch s.Type {
	case TypeUUID:
		return uuidParts(), nil
	case TypeChunk:
		return s.chunks(charset)
	case TypeCustom:
		return parseCustom(s.Pattern, charset)
	}
	return nil, fmt.Errorf("%w: unknown type %q", ErrPattern, s.Type)
}

func (s Spec) chunks(charset string) ([]part, error) {
	if s.Length < 1 || s.Length > MaxKeyLength {
		return nil, fmt.Errorf("%w: length must be from 1 to %d", ErrPattern, MaxKeyLength)
	}
	if s.SegmentLength < 1 || s.SegmentLength > s.Length {
		return nil, fmt.Errorf("%w: segment length must be from 1 to the length", ErrPattern)
	}
	switch s.Separator {
	case "", "-", "_", ".":
	default:
		return nil, fmt.Errorf("%w: the separator must be - or _ or . or empty", ErrPattern)
	}
	var parts []part
	for made := 0; made < s.Length; made += s.SegmentLength {
		if made > 0 {
			parts = append(parts, part{kind: kindLiteral, text: s.Separator})
		}
		parts = append(parts, part{kind: kindRandom, size: s.SegmentLength, set: charset})
	}
	return parts, nil
}

// uuidParts spells a version 4 UUID: the version digit is always 4 and the
// variant digit has two free bits.
func uuidParts() []part {
	const hex = "0123456789abcdef"
	hyphen := part{kind: kindLiteral, text: "-"}
	random := func(size int, set string) part { return part{kind: kindRandom, size: size, set: set} }
	return []part{
		random(8, hex), hyphen, random(4, hex), hyphen,
		random(1, "4"), random(3, hex), hyphen,
		random(1, "89ab"), random(3, hex), hyphen, random(12, hex),
	}
}

func newPattern(parts []part) (*Pattern, error) {
	p := &Pattern{parts: parts}
	checks := 0
	for _, part := range parts {
		if part.kind == kindCheck {
			checks++
		}
		cells, err := part.cells()
		if err != nil {
			return nil, err
		}
		p.cells = append(p.cells, cells...)
		p.entropy += float64(part.size) * bitsPerCharacter(part)
	}
	switch {
	case len(p.cells) > MaxKeyLength:
		return nil, fmt.Errorf("%w: keys would be longer than %d characters", ErrPattern, MaxKeyLength)
	case checks > 1:
		return nil, fmt.Errorf("%w: only one {CHK} is possible", ErrPattern)
	case p.entropy < MinEntropy:
		return nil, fmt.Errorf("%w: %.0f bits of randomness, at least %d are needed", ErrWeak, math.Floor(p.entropy), MinEntropy)
	}
	p.slots = makeSlots(p.cells)
	return p, nil
}

func (p part) cells() ([]cell, error) {
	var cells []cell
	switch p.kind {
	case kindLiteral:
		for _, r := range p.text {
			if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
				return nil, fmt.Errorf("%w: only printable characters are possible", ErrPattern)
			}
			cells = append(cells, cell{literal: r})
		}
	case kindRandom:
		cells = repeat(cell{class: classRandom, set: p.set}, p.size)
	case kindDate:
		cells = repeat(cell{set: Digits}, len(p.text))
	case kindSequence:
		cells = repeat(cell{set: Digits}, p.size)
	case kindCheck:
		cells = repeat(cell{class: classCheck, set: checkAlphabet}, 1)
	}
	return cells, nil
}

func repeat(c cell, n int) []cell {
	cells := make([]cell, n)
	for i := range cells {
		cells[i] = c
	}
	return cells
}

// Entropy is the number of bits a guesser has to find in a key, counted after
// folding: two characters that fold to the same one count as one. It is the
// collision entropy, so characters that become more likely than others by
// folding lower it.
func (p *Pattern) Entropy() float64 { return p.entropy }

// Length is how many characters a key of this pattern has, separators and all.
func (p *Pattern) Length() int { return len(p.cells) }

func bitsPerCharacter(p part) float64 {
	if p.kind != kindRandom {
		return 0
	}
	counts := map[rune]float64{}
	for _, r := range p.set {
		counts[foldRune(r)]++
	}
	squares := 0.0
	for _, n := range counts {
		squares += n * n
	}
	total := float64(len(p.set))
	return math.Log2(total * total / squares)
}

// checkCharset admits sets of distinct ASCII letters and digits: anything else
// would be lost when a typed key is folded, or be drawn more often.
func checkCharset(set string) error {
	if len(set) < 2 {
		return fmt.Errorf("%w: a character set needs at least two characters", ErrPattern)
	}
	for i, r := range set {
		if !isASCIIAlphanumeric(r) {
			return fmt.Errorf("%w: a character set holds letters A-Z and digits only", ErrPattern)
		}
		if strings.ContainsRune(set[:i], r) {
			return fmt.Errorf("%w: the character set repeats %q", ErrPattern, r)
		}
	}
	return nil
}

func isASCIIAlphanumeric(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
}
