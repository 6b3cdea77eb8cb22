package id

import "strings"

// Hint says how a typed key differs from the pattern its product uses. It
// compares form only and knows of no real key, so it can be shown to anybody
// without telling them whether a key exists.
type Hint struct {
	// Typed and Expected count letters and digits.
	Typed, Expected int
	// WrongPrefix is set when the key does not begin as all keys of the
	// pattern do: it may belong to another product.
	WrongPrefix bool
	// WrongGroups lists the groups, from 1, that are too long, too short or
	// hold a character that cannot stand there.
	WrongGroups []int
	// Misread lists the characters that cannot stand where they do. It is
	// filled only when the length is right.
	Misread []Misread
	// WrongCheck is set when everything has its form but the check character
	// says that something was mistyped.
	WrongCheck bool
}

// Misread is one character that cannot stand where it was typed.
type Misread struct {
	Group  int    // from 1
	Index  int    // from 1, within the group
	Typed  rune   // as folded
	Likely string // what it may have been read from; empty when nothing looks like it
}

// Fits reports whether the key has the form of the pattern.
func (h Hint) Fits() bool {
	return h.Typed == h.Expected && !h.WrongPrefix && len(h.WrongGroups) == 0 && len(h.Misread) == 0 && !h.WrongCheck
}

// Hint compares a typed key with the pattern.
func (p *Pattern) Hint(typed string) Hint {
	want := p.slots
	got := []rune(Fold(typed))
	h := Hint{Typed: len(got), Expected: len(want), WrongPrefix: wrongPrefix(want, got)}
	if len(got) != len(want) {
		h.WrongGroups = wrongGroupLengths(want, typed)
		return h
	}
	h.Misread = misread(want, got)
	for _, m := range h.Misread {
		if n := len(h.WrongGroups); n == 0 || h.WrongGroups[n-1] != m.Group {
			h.WrongGroups = append(h.WrongGroups, m.Group)
		}
	}
	h.WrongCheck = len(h.Misread) == 0 && p.hasCheck() && checkSum(got) != 0
	return h
}

// slot is a position that survives folding.
type slot struct {
	set          string // folded characters possible
	literal      bool
	group, index int
}

func makeSlots(cells []cell) []slot {
	var slots []slot
	group, index := 1, 0
	for _, c := range cells {
		set := c.set
		if c.literal != 0 {
			set = string(c.literal)
		}
		set = Fold(set)
		if set == "" {
			if index > 0 {
				group, index = group+1, 0
			}
			continue
		}
		index++
		slots = append(slots, slot{set, c.literal != 0, group, index})
	}
	return slots
}

func (p *Pattern) hasCheck() bool {
	for _, c := range p.cells {
		if c.class == classCheck {
			return true
		}
	}
	return false
}

func wrongPrefix(want []slot, got []rune) bool {
	for i, s := range want {
		if !s.literal {
			return false
		}
		if i >= len(got) || !strings.ContainsRune(s.set, got[i]) {
			return true
		}
	}
	return false
}

// wrongGroupLengths names the groups that differ in length, when the key was
// typed with as many groups as the pattern has.
func wrongGroupLengths(want []slot, typed string) []int {
	got := typedGroups(typed)
	lengths := make([]int, want[len(want)-1].group)
	for _, s := range want {
		lengths[s.group-1]++
	}
	if len(got) != len(lengths) {
		return nil
	}
	var wrong []int
	for i, n := range lengths {
		if got[i] != n {
			wrong = append(wrong, i+1)
		}
	}
	return wrong
}

func typedGroups(typed string) []int {
	if tooLong(typed) {
		return nil
	}
	var lengths []int
	for _, field := range strings.FieldsFunc(typed, func(r rune) bool { return foldRune(r) < 0 }) {
		lengths = append(lengths, len([]rune(Fold(field))))
	}
	return lengths
}

func misread(want []slot, got []rune) []Misread {
	var list []Misread
	for i, s := range want {
		if !strings.ContainsRune(s.set, got[i]) {
			list = append(list, Misread{s.group, s.index, got[i], likely(got[i], s.set)})
		}
	}
	return list
}

// likely returns the characters of set that look like r.
func likely(r rune, set string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(set, c) {
			return c
		}
		return -1
	}, looksLike(r))
}

// looksLike lists what a folded character is mistaken for in print or by hand.
func looksLike(r rune) string {
	switch r {
	case '0':
		return "DQ8"
	case '1':
		return "7JT"
	case '2':
		return "Z7"
	case '4':
		return "A9"
	case '5':
		return "S6"
	case '6':
		return "G58"
	case '7':
		return "1TZ2"
	case '8':
		return "B306"
	case '9':
		return "GQ4"
	case 'A':
		return "4"
	case 'B':
		return "83"
	case 'D':
		return "0"
	case 'G':
		return "69C"
	case 'J':
		return "1"
	case 'Q':
		return "09"
	case 'S':
		return "58"
	case 'T':
		return "71"
	case 'U':
		return "V"
	case 'V':
		return "UY"
	case 'Y':
		return "V"
	case 'Z':
		return "27"
	}
	return ""
}
