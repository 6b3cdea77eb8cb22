package id

import (
	"strings"
	"unicode"
)

const (
	bullet = '•'
	// lastShown is how many random characters a mask leaves readable, enough
	// for a person to tell two keys of one generator apart.
	lastShown = 4
	// fullMaskFrom is how many random characters a generated key needs before
	// lastShown of them may be read. The entropy floor keeps keys of ordinary
	// alphabets above it.
	fullMaskFrom = 12
)

// Mask hides a key of which only the text is known, such as an imported or a
// mistyped one. Nothing in it can be told apart as a prefix, so only its last
// characters stay readable: at most 4, and never more than a quarter. Group
// separators keep their place. A key longer than MaxKeyLength becomes four
// bullets.
func Mask(key string) string {
	if tooLong(key) {
		return strings.Repeat(string(bullet), lastShown)
	}
	chars := make([]char, 0, len(key))
	secret := 0
	for _, r := range key {
		class := classRandom
		if isSeparator(r) {
			class = classPublic
		} else {
			secret++
		}
		chars = append(chars, char{r, class})
	}
	return mask(chars, min(lastShown, secret/4))
}

// Mask hides a key made by this pattern: what every key of the pattern shares
// (prefix, date, counter, suffix) stays readable, and so do the last 4 random
// characters. A check character is hidden and is not one of the four: it is
// not random, and it narrows down the characters it was computed from. A key
// that does not have the pattern's length and fixed characters is masked like
// any unknown text.
func (p *Pattern) Mask(key string) string {
	runes := []rune(key)
	if tooLong(key) || len(runes) != len(p.cells) {
		return Mask(key)
	}
	chars := make([]char, len(runes))
	random := 0
	for i, c := range p.cells {
		if c.literal != 0 && c.literal != runes[i] {
			return Mask(key)
		}
		if c.class == classRandom {
			random++
		}
		chars[i] = char{runes[i], c.class}
	}
	if random < fullMaskFrom {
		return mask(chars, random/4)
	}
	return mask(chars, lastShown)
}

// char is one character of a key and whether it may be read.
type char struct {
	r     rune
	class class
}

type class uint8

const (
	classPublic class = iota // the same in every key, or no secret
	classRandom              // drawn at random
	classCheck               // computed from the rest
)

// mask is the one place that decides what of a key is readable.
func mask(chars []char, shown int) string {
	out := make([]rune, len(chars))
	for i := len(chars) - 1; i >= 0; i-- {
		c := chars[i]
		out[i] = bullet
		switch {
		case c.class == classPublic:
			out[i] = c.r
		case c.class == classRandom && shown > 0:
			shown--
			if unicode.IsLetter(c.r) || unicode.IsDigit(c.r) {
				out[i] = c.r
			}
		}
	}
	return string(out)
}

func isSeparator(r rune) bool {
	return r == '-' || r == '_' || r == '.' || r == ' '
}

// Brief shortens a mask for rows of a list: what is readable stays, and at most
// two hidden groups of four stand for everything hidden between. It shows
// nothing that the mask does not.
func Brief(mask string) string {
	first := strings.IndexRune(mask, bullet)
	last := strings.LastIndex(mask, string(bullet))
	if first < 0 || strings.Count(mask, string(bullet)) <= 2*lastShown {
		return mask
	}
	hidden := strings.Repeat(string(bullet), lastShown)
	end := mask[last+len(string(bullet)):]
	if !strings.HasPrefix(end, "-") && end != "" {
		end = "-" + end
	}
	return mask[:first] + hidden + "-" + hidden + end
}
