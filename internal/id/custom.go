package id

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPatternLength bounds the text of a custom pattern before it is read.
const maxPatternLength = 1024

// maxSequenceDigits keeps a counter within what an int64 can hold.
const maxSequenceDigits = 18

// parseCustom reads the pattern language:
//
//	{X:n} n characters of the set     {UUID} random UUID
//	{D:n} digits                      {YYYY} {YY} {MM} {DD} date of making, UTC
//	{L:n} letters                     {SEQ:n} counter of n digits
//	{H:n} hexadecimal digits          {CHK} check character
//
// A backslash makes the next character literal. Everything else stands for
// itself, except that a pattern of X and separators alone is shorthand for one
// random character per X.
func parseCustom(text, charset string) ([]part, error) {
	if text == "" || len(text) > maxPatternLength {
		return nil, fmt.Errorf("%w: a pattern has from 1 to %d characters", ErrPattern, maxPatternLength)
	}
	if isShorthand(text) {
		text = expandShorthand(text)
	}
	var parts []part
	for rest := text; rest != ""; {
		next, n, err := nextPart(rest, charset)
		if err != nil {
			return nil, err
		}
		parts, rest = append(parts, next...), rest[n:]
	}
	return parts, nil
}

func isShorthand(text string) bool {
	other := func(r rune) bool { return r != 'X' && !isSeparator(r) }
	return strings.Contains(text, "X") && !strings.ContainsFunc(text, other)
}

func expandShorthand(text string) string { return strings.ReplaceAll(text, "X", "{X:1}") }

// nextPart reads one element or one run of literal text and says how many
// bytes it took.
func nextPart(text, charset string) ([]part, int, error) {
	switch text[0] {
	case '\\':
		if len(text) == 1 {
			return nil, 0, fmt.Errorf("%w: nothing follows the last backslash", ErrPattern)
		}
		_, size := utf8.DecodeRuneInString(text[1:])
		return []part{{kind: kindLiteral, text: text[1 : 1+size]}}, 1 + size, nil
	case '{':
		end := strings.IndexByte(text, '}')
		if end < 0 {
			return nil, 0, fmt.Errorf("%w: a { has no }", ErrPattern)
		}
		parts, err := element(text[1:end], charset)
		return parts, end + 1, err
	case '}':
		return nil, 0, fmt.Errorf(`%w: a } has no {; write \} for the character itself`, ErrPattern)
	}
	n := strings.IndexAny(text, `\{}`)
	if n < 0 {
		n = len(text)
	}
	return []part{{kind: kindLiteral, text: text[:n]}}, n, nil
}

func element(name, charset string) ([]part, error) {
	word, count, counted := strings.Cut(name, ":")
	if counted {
		return countedElement(word, count, charset)
	}
	switch word {
	case "UUID":
		return uuidParts(), nil
	case "YYYY":
		return []part{{kind: kindDate, text: "2006"}}, nil
	case "YY":
		return []part{{kind: kindDate, text: "06"}}, nil
	case "MM":
		return []part{{kind: kindDate, text: "01"}}, nil
	case "DD":
		return []part{{kind: kindDate, text: "02"}}, nil
	case "CHK":
		return []part{{kind: kindCheck}}, nil
	}
	return nil, fmt.Errorf("%w: unknown element {%s}", ErrPattern, name)
}

func countedElement(word, count, charset string) ([]part, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > MaxKeyLength || strconv.Itoa(n) != count {
		return nil, fmt.Errorf("%w: {%s:n} needs a number from 1 to %d", ErrPattern, word, MaxKeyLength)
	}
	switch word {
	case "X":
		return []part{{kind: kindRandom, size: n, set: charset}}, nil
	case "D":
		return []part{{kind: kindRandom, size: n, set: Digits}}, nil
	case "L":
		return []part{{kind: kindRandom, size: n, set: Letters}}, nil
	case "H":
		return []part{{kind: kindRandom, size: n, set: Hex}}, nil
	case "SEQ":
		if n > maxSequenceDigits {
			return nil, fmt.Errorf("%w: {SEQ:n} has at most %d digits", ErrPattern, maxSequenceDigits)
		}
		return []part{{kind: kindSequence, size: n}}, nil
	}
	return nil, fmt.Errorf("%w: unknown element {%s:%s}", ErrPattern, word, count)
}
