package account

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Least characters of a password.
const (
	MinPersonPassword        = 8
	MinAdministratorPassword = 12
)

// minDistinct is how many different characters a password needs: fewer is one
// key held down, or two in turn.
const minDistinct = 4

// maxIgnoredTail is how many digits and signs at the end are ignored when
// looking for a common password: "Sunshine2024!" is one.
const maxIgnoredTail = 5

// commonPasswords holds one common password or word per line, lower case.
//
//go:embed common_passwords.txt
var commonPasswords string

// CheckPassword returns what is wrong with a new password and what to do, or
// "" when it can be used. There is no rule about kinds of characters
// (P-PRO-06): length, and not being what everybody tries first, are what
// protects.
func CheckPassword(password, email string, least int) string {
	switch {
	case password == "":
		return "Enter a password."
	case len(password) > MaxPasswordBytes:
		return fmt.Sprintf("Use a shorter password, at most %d bytes.", MaxPasswordBytes)
	case utf8.RuneCountInString(password) < least:
		return fmt.Sprintf("Use at least %d characters.", least)
	case isAddress(password, email):
		return "Choose a password that is not your e-mail address."
	case isCommon(password):
		return "This password is one of the first that are tried. Choose another, for example several unrelated words."
	}
	return ""
}

func isAddress(password, email string) bool {
	if email = strings.TrimSpace(email); email == "" {
		return false
	}
	local, _, _ := strings.Cut(email, "@")
	return strings.EqualFold(password, email) || strings.EqualFold(password, local)
}

func isCommon(password string) bool {
	word := strings.ToLower(password)
	if distinct(word) < minDistinct {
		return true
	}
	for range maxIgnoredTail + 1 {
		if listed(word) {
			return true
		}
		last, size := utf8.DecodeLastRuneInString(word)
		if size == 0 || unicode.IsLetter(last) {
			return false
		}
		word = word[:len(word)-size]
	}
	return false
}

func listed(word string) bool {
	return word != "" && !strings.ContainsAny(word, "\r\n") &&
		strings.Contains("\n"+commonPasswords, "\n"+word+"\n")
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}
