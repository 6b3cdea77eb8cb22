package id

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxKeyLength is the most characters a license key may have, as typed or as
// stored.
const MaxKeyLength = 255

// Fold reduces a license key to the form that decides whether two keys are the
// same: letters and digits only, upper case, O read as 0, I and L read as 1.
// Folding twice changes nothing. Input longer than MaxKeyLength folds to "",
// never to a shortened key, because a shortened key could be somebody else's.
func Fold(s string) string {
	if tooLong(s) {
		return ""
	}
	return strings.Map(foldRune, s)
}

func tooLong(s string) bool {
	return len(s) > MaxKeyLength*utf8.UTFMax || utf8.RuneCountInString(s) > MaxKeyLength
}

// foldRune returns the folded character, or -1 for one that does not count.
func foldRune(r rune) rune {
	switch r = unicode.ToUpper(r); {
	case r == 'O':
		return '0'
	case r == 'I', r == 'L':
		return '1'
	case unicode.IsLetter(r), unicode.IsDigit(r):
		return r
	}
	return -1
}
