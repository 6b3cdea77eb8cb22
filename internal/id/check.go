package id

import "strings"

// checkAlphabet holds the characters that remain distinct after folding, at
// their value. Its size, 33, is what the weights below rely on.
const checkAlphabet = "0123456789ABCDEFGHJKMNPQRSTUVWXYZ"

// checkSum weighs folded characters alternately by 1 and 2, modulo 33. Both
// weights and their difference have inverses modulo 33, so that replacing one
// character, or swapping two neighbors, always changes the sum.
func checkSum(folded []rune) int {
	sum := 0
	for i, r := range folded {
		sum += checkWeight(i) * checkValue(r)
	}
	return sum % len(checkAlphabet)
}

func checkWeight(position int) int { return 1 + position%2 }

func checkValue(r rune) int {
	if v := strings.IndexRune(checkAlphabet, r); v >= 0 {
		return v
	}
	return int(r) % len(checkAlphabet)
}

// insertCheck puts at byte position at the character that makes the check sum
// of the whole key zero.
func insertCheck(key string, at int) string {
	for _, c := range checkAlphabet {
		candidate := key[:at] + string(c) + key[at:]
		if checkSum([]rune(Fold(candidate))) == 0 {
			return candidate
		}
	}
	// Unreachable: the weight of every position has an inverse, so one of the
	// 33 candidates sums to zero.
	panic("id: no check character fits")
}
