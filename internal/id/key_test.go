package id_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/id"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"case is ignored", "cart-7h3k", "CART7H3K"}, // C-GEN-04
		{"blanks around are ignored", "  CART-7H3K\r\n", "CART7H3K"},
		{"separators are dropped", "A-B_C.D E/F", "ABCDEF"},
		{"O is read as 0", "O0o", "000"},
		{"I and L are read as 1", "I1lLi", "11111"},
		{"letters of other scripts stay", "ключ-é٣", "КЛЮЧÉ٣"},
		{"dotless i is an I", "ı", "1"},
		{"symbols only fold to nothing", "--- ***", ""},
		{"broken text is dropped", "A\xff\xfeB\x00", "AB"},
		{"the longest key folds", strings.Repeat("A", id.MaxKeyLength), strings.Repeat("A", id.MaxKeyLength)},
		{"a longer one is no key at all", strings.Repeat("A", id.MaxKeyLength+1), ""},
		{"a megabyte is no key at all", strings.Repeat("A", 1<<20), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := id.Fold(c.in); got != c.want {
				t.Errorf("Fold(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// C-LOG-01, P-LIC-02
func TestMaskOfUnknownText(t *testing.T) {
	for _, c := range []struct{ name, key, want string }{
		{"groups keep their place", "CART-7H3K-QRTW-9K2M", "••••-••••-••••-9K2M"},
		{"last four may span groups", "ABCDE-FGHJK-MNPQR-TU", "•••••-•••••-•••QR-TU"},
		{"fifteen show three", "ABCDEFGHJKMNPQR", "••••••••••••PQR"},
		{"eight show two", "ABCD-EFGH", "••••-••GH"},
		{"three show none", "ABC", "•••"},
		{"empty stays empty", "", ""},
		{"symbols are hidden and cost their share", "p@ssw0rd{secret}", "••••••••••••ret•"},
		{"separators alone", "---", "---"},
		{"too long", strings.Repeat("A", id.MaxKeyLength+1), "••••"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := id.Mask(c.key); got != c.want {
				t.Errorf("Mask(%q) = %q, want %q", c.key, got, c.want)
			}
		})
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "CART-7H3K-QRTW-9K2M", "ſıǅß", "\xff", "０１ＡＢ", strings.Repeat("ɐ", 255)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := id.Fold(s)
		if again := id.Fold(folded); again != folded {
			t.Errorf("Fold(%q) = %q, folded again %q", s, folded, again)
		}
		if utf8.RuneCountInString(folded) > id.MaxKeyLength || strings.ContainsAny(folded, "OIL oil-_.") {
			t.Errorf("Fold(%q) = %q", s, folded)
		}
		checkMask(t, s)
	})
}

// checkMask holds a mask to its promise: same shape, at most a quarter shown.
func checkMask(t *testing.T, s string) {
	t.Helper()
	shown, secret := 0, 0
	for _, r := range s {
		if !strings.ContainsRune("-_. ", r) {
			secret++
		}
	}
	for _, r := range id.Mask(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			shown++
		}
	}
	if shown > 4 || shown*4 > secret {
		t.Errorf("Mask(%q) = %q shows %d of %d", s, id.Mask(s), shown, secret)
	}
}

func TestBriefKeepsWhatIsReadable(t *testing.T) {
	for mask, want := range map[string]string{
		"CART-••••-••••-••••-9K2M":           "CART-••••-••••-9K2M",
		"TESS-•••••-•••••-•••••-•••••-•Q88C": "TESS-••••-••••-Q88C",
		"CART-••••-••••-9K2M":                "CART-••••-••••-9K2M",
		"••••••••••••••••ZXVJ":               "••••-••••-ZXVJ",
		"KW-•••••-•••••-•7F3K-2026":          "KW-••••-••••-7F3K-2026",
		"ABC-••••••••••••":                   "ABC-••••-••••",
		"••••": "••••",
		"":     "",
	} {
		if got := id.Brief(mask); got != want {
			t.Errorf("Brief(%q) = %q, want %q", mask, got, want)
		}
	}
}
