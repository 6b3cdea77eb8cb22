package id_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/id"
)

var noon = time.Date(2026, time.March, 7, 12, 0, 0, 0, time.UTC)

func custom(pattern string) id.Spec { return id.Spec{Type: id.TypeCustom, Pattern: pattern} }

func compile(t testing.TB, s id.Spec) *id.Pattern {
	t.Helper()
	p, err := id.Compile(s)
	if err != nil {
		t.Fatalf("Compile(%+v): %v", s, err)
	}
	return p
}

func generate(t testing.TB, p *id.Pattern, r io.Reader, seq int64) id.Key {
	t.Helper()
	key, err := p.Generate(r, noon, seq)
	if err != nil {
		t.Fatalf("Generate: %v", err)
	}
	return key
}

func seeded(n byte) io.Reader {
	var seed [32]byte
	seed[0] = n
	return mathrand.NewChaCha8(seed)
}

// C-GEN-03, C-GEN-06
func TestGenerateFollowsThePattern(t *testing.T) {
	const u = "[A-HJKMNP-RT-Z2-46-9]"
	for _, c := range []struct {
		name string
		spec id.Spec
		want string
	}{
		{"uuid", id.Spec{Type: id.TypeUUID, Prefix: "LIC-", Suffix: "-2024"}, `LIC-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-2024`},
		{"chunk", id.Spec{Type: id.TypeChunk, Prefix: "CART-", Length: 16, SegmentLength: 4, Separator: "-"}, `CART(-` + u + `{4}){4}`},
		{"chunk rounds up to full segments", id.Spec{Type: id.TypeChunk, Length: 16, SegmentLength: 6, Separator: "_"}, u + `{6}_` + u + `{6}_` + u + `{6}`},
		{"chunk without separator", id.Spec{Type: id.TypeChunk, Length: 16, SegmentLength: 4, Charset: id.Hex}, `[0-9A-F]{16}`},
		{"literal charset", id.Spec{Type: id.TypeChunk, Length: 20, SegmentLength: 5, Separator: ".", Charset: "ACDEFGHJ23"}, `([ACDEFGHJ23]{5}\.){3}[ACDEFGHJ23]{5}`},
		{"the example", custom("ENT-{YYYY}-{X:5}-{X:5}-{X:5}-{CHK}"), `ENT-2026-` + u + `{5}-` + u + `{5}-` + u + `{5}-[0-9A-Z]`},
		{"all elements", custom("{YY}{MM}{DD}.{SEQ:6}_{D:4}{L:4}{H:4}{X:4}"), `260307\.000042_[0-9]{4}[A-Z]{4}[0-9A-F]{4}` + u + `{4}`},
		{"uuid element", custom("K {UUID}"), `K [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`},
		{"shorthand", custom("XXXXX-XXXXX-XXXXX-XXXXX"), u + `{5}-` + u + `{5}-` + u + `{5}-` + u + `{5}`},
		{"X beside other text is literal", custom("XXL-{X:16}"), `XXL-` + u + `{16}`},
		{"escapes", custom(`\{\X\\é\é\}{X:16}`), `\{X\\éé\}` + u + `{16}`},
		{"affixes around a pattern", id.Spec{Type: id.TypeCustom, Prefix: "{A", Suffix: "Z}", Pattern: "{X:16}"}, `\{A` + u + `{16}Z\}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, c.spec)
			want := regexp.MustCompile("^" + c.want + "$")
			for range 200 {
				key := generate(t, p, rand.Reader, 42)
				if !want.MatchString(key.Text) {
					t.Fatalf("key %q does not match %s", key.Text, want)
				}
				if n := utf8.RuneCountInString(key.Text); n != p.Length() {
					t.Fatalf("key %q has %d characters, Length says %d", key.Text, n, p.Length())
				}
				if h := p.Hint(key.Text); !h.Fits() {
					t.Fatalf("own key %q does not fit: %+v", key.Text, h)
				}
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	chunk := func(length, segment int, separator, charset string) id.Spec {
		return id.Spec{Type: id.TypeChunk, Length: length, SegmentLength: segment, Separator: separator, Charset: charset}
	}
	for _, c := range []struct {
		name string
		spec id.Spec
		want error
	}{
		{"no type", id.Spec{}, id.ErrPattern},
		{"empty pattern", custom(""), id.ErrPattern},
		{"huge pattern", custom(strings.Repeat("X", 2000)), id.ErrPattern},
		{"key too long", custom("{X:200}{X:200}"), id.ErrPattern},
		{"unknown element", custom("{Q:4}{X:20}"), id.ErrPattern},
		{"unknown word", custom("{NOW}{X:20}"), id.ErrPattern},
		{"open brace", custom("{X:20"), id.ErrPattern},
		{"stray close", custom("{X:20}}"), id.ErrPattern},
		{"last backslash", custom(`{X:20}\`), id.ErrPattern},
		{"no count", custom("{X:}"), id.ErrPattern},
		{"zero count", custom("{X:0}"), id.ErrPattern},
		{"signed count", custom("{X:+9}"), id.ErrPattern},
		{"leading zero", custom("{X:020}"), id.ErrPattern},
		{"huge count", custom("{X:99999999999999999999}"), id.ErrPattern},
		{"count on a date", custom("{YYYY:4}{X:20}"), id.ErrPattern},
		{"two check characters", custom("{X:20}{CHK}{CHK}"), id.ErrPattern},
		{"long counter", custom("{X:20}{SEQ:19}"), id.ErrPattern},
		{"control character", custom("{X:20}\n"), id.ErrPattern},
		{"broken text", custom("{X:20}\xff"), id.ErrPattern},
		{"zero length", chunk(0, 4, "-", ""), id.ErrPattern},
		{"huge length", chunk(math.MaxInt, 4, "-", ""), id.ErrPattern},
		{"zero segment", chunk(16, 0, "-", ""), id.ErrPattern},
		{"segment over length", chunk(16, 17, "-", ""), id.ErrPattern},
		{"strange separator", chunk(16, 4, "#", ""), id.ErrPattern},
		{"one-character set", chunk(200, 4, "-", "A"), id.ErrPattern},
		{"repeating set", chunk(30, 4, "-", "ABCA"), id.ErrPattern},
		{"set with a separator", chunk(30, 4, "", "ABC-"), id.ErrPattern},
		{"set of another script", chunk(30, 4, "", "ABCД"), id.ErrPattern},
		{"set that folds to one character", chunk(200, 4, "", "IL1"), id.ErrWeak},
		{"short", chunk(12, 4, "-", ""), id.ErrWeak}, // C-GEN-02
		{"counter alone", custom("{SEQ:18}"), id.ErrWeak},
		{"date and counter", custom("{YYYY}{MM}{DD}{SEQ:18}"), id.ErrWeak},
		{"check character adds nothing", custom("{X:12}{CHK}"), id.ErrWeak},
		{"literal only", custom("LIC-XXXX-XXXX-XXXX-XXXX"), id.ErrWeak},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p, err := id.Compile(c.spec); !errors.Is(err, c.want) || p != nil {
				t.Errorf("Compile = %v, %v; want %v", p, err, c.want)
			}
		})
	}
}

// C-GEN-02: entropy is what remains after folding.
func TestEntropyCountsFoldedCharacters(t *testing.T) {
	for _, c := range []struct {
		name string
		spec id.Spec
		want float64
	}{
		{"unambiguous", custom("{X:16}"), 16 * math.Log2(29)},
		{"hex", custom("{H:20}"), 80},
		{"uuid", id.Spec{Type: id.TypeUUID}, 122},
		{"digits", custom("{D:20}"), 20 * math.Log2(10)},
		{"both cases are one", id.Spec{Type: id.TypeChunk, Length: 70, SegmentLength: 70, Charset: "AaBb"}, 70},
		{"look-alikes lower it", id.Spec{Type: id.TypeChunk, Length: 16, SegmentLength: 4, Charset: id.Alphanumeric}, 16 * math.Log2(36*36/44.0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compile(t, c.spec).Entropy(); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("Entropy = %v, want %v", got, c.want)
			}
		})
	}
}

// C-GEN-01
func TestGenerateIsUniform(t *testing.T) {
	p := compile(t, custom("{X:20}"))
	counts := map[rune]int{}
	const keys = 5000
	r := seeded(1)
	for range keys {
		for _, c := range generate(t, p, r, 0).Text {
			counts[c]++
		}
	}
	if len(counts) != len(id.Unambiguous) {
		t.Fatalf("%d different characters, want %d", len(counts), len(id.Unambiguous))
	}
	expected := float64(keys*20) / float64(len(id.Unambiguous))
	chi := 0.0
	for _, n := range counts {
		chi += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	// 28 degrees of freedom; modulo bias would give about 200.
	if chi > 70 {
		t.Errorf("chi-square %.1f: %v", chi, counts)
	}
}

func TestGenerateFailsWithoutRandomness(t *testing.T) {
	p := compile(t, custom("{X:20}"))
	if key, err := p.Generate(bytes.NewReader(make([]byte, 5)), noon, 0); err == nil || key != (id.Key{}) {
		t.Errorf("Generate = %v, %v", key, err)
	}
}

func TestGenerateRefusesACounterThatDoesNotFit(t *testing.T) {
	p := compile(t, custom("{SEQ:3}-{X:16}"))
	for _, seq := range []int64{-1, -10, 1000, math.MaxInt64} {
		if _, err := p.Generate(rand.Reader, noon, seq); !errors.Is(err, id.ErrSequence) {
			t.Errorf("counter %d: %v", seq, err)
		}
	}
	if key := generate(t, p, rand.Reader, 999); !strings.HasPrefix(key.Text, "999-") {
		t.Errorf("key %q", key.Text)
	}
}

// C-LOG-01, P-LIC-02
func TestMaskOfGeneratedKeys(t *testing.T) {
	for _, c := range []struct {
		name string
		spec id.Spec
		key  string
		want string
	}{
		{"prefix and last four", id.Spec{Type: id.TypeCustom, Pattern: "CART-{X:4}-{X:4}-{X:6}"}, "CART-7H3K-QRTW-XX9K2M", "CART-••••-••••-••9K2M"},
		{"check character is hidden", custom("ENT-{YYYY}-{X:5}-{X:5}-{X:5}-{CHK}"), "ENT-2026-ABCDE-FGHJK-MNPQR-7", "ENT-2026-•••••-•••••-•NPQR-•"},
		{"suffix does not take the place of random characters", id.Spec{Type: id.TypeChunk, Length: 16, SegmentLength: 8, Separator: "-", Suffix: "-2024"}, "ABCDEFGH-JKMNPQRT-2024", "••••••••-••••PQRT-2024"},
		{"counter is no secret", custom("{SEQ:4}-{X:16}"), "0042-ABCDEFGHJKMNPQRT", "0042-••••••••••••PQRT"},
		{"uuid", id.Spec{Type: id.TypeUUID}, "01914d3e-5b6a-4c8d-9e0f-a1b2c3d4e5f6", "••••••••-••••-••••-••••-••••••••e5f6"},
		{"wrong length is unknown text", custom("A-{X:16}"), "A-ABCD", "•-•••D"},
		{"wrong prefix is unknown text", custom("A-{X:16}"), "B-ABCDEFGHJKMNPQRT", "•-••••••••••••PQRT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compile(t, c.spec).Mask(c.key); got != c.want {
				t.Errorf("Mask(%q) = %q, want %q", c.key, got, c.want)
			}
		})
	}
}

func TestPrintedKeyStaysHidden(t *testing.T) {
	key := generate(t, compile(t, custom("A-{X:16}")), rand.Reader, 0)
	for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
		if out := fmt.Sprintf(verb, key); strings.Contains(out, key.Text) {
			t.Errorf("%s prints the key", verb)
		}
	}
}

func TestCheckCharacterCatchesEveryTypingSlip(t *testing.T) {
	for _, pattern := range []string{"K{X:6}-{X:8}-{CHK}", "{CHK}{X:14}", "Д{X:7}{CHK}{X:7}"} {
		p := compile(t, custom(pattern))
		for n := range byte(3) {
			key := []rune(generate(t, p, seeded(n), 0).Text)
			for i := range key {
				catchesReplacement(t, p, key, i)
				catchesSwap(t, p, key, i)
			}
		}
	}
}

func catchesReplacement(t *testing.T, p *id.Pattern, key []rune, i int) {
	t.Helper()
	for _, r := range id.Alphanumeric {
		typed := append([]rune(nil), key...)
		typed[i] = r
		same := id.Fold(string(typed)) == id.Fold(string(key))
		if p.Hint(string(typed)).Fits() != same {
			t.Fatalf("%s typed as %s: fits = %v", string(key), string(typed), !same)
		}
	}
}

func catchesSwap(t *testing.T, p *id.Pattern, key []rune, i int) {
	t.Helper()
	if i == 0 || id.Fold(string(key[i])) == "" || id.Fold(string(key[i-1])) == "" {
		return
	}
	typed := append([]rune(nil), key...)
	typed[i], typed[i-1] = typed[i-1], typed[i]
	same := id.Fold(string(typed)) == id.Fold(string(key))
	if p.Hint(string(typed)).Fits() != same {
		t.Fatalf("%s typed as %s: fits = %v", string(key), string(typed), !same)
	}
}

func TestHint(t *testing.T) {
	p := compile(t, custom("CART-{X:4}-{X:4}-{X:4}-{X:4}"))
	for _, c := range []struct {
		name, typed string
		want        id.Hint
	}{
		{"own form, any case", "cart 7h3k qrtw 9k2m abcd", id.Hint{Typed: 20, Expected: 20}},
		{"one character short", "CART-7H3K-QRT-9K2M-ABCD", id.Hint{Typed: 19, Expected: 20, WrongGroups: []int{3}}},
		{"a group is missing", "CART-7H3K-QRTW-9K2M", id.Hint{Typed: 16, Expected: 20}},
		{"no separators", "CART7H3KQRTW9K2MABC", id.Hint{Typed: 19, Expected: 20}},
		{"prefix left out", "7H3K-QRTW-9K2M-ABCD", id.Hint{Typed: 16, Expected: 20, WrongPrefix: true}},
		{"another product", "MILL-7H3K-QRTW-9K2M-ABCD", id.Hint{Typed: 20, Expected: 20, WrongPrefix: true, WrongGroups: []int{1}, Misread: []id.Misread{
			{Group: 1, Index: 1, Typed: 'M'}, {Group: 1, Index: 2, Typed: '1'}, {Group: 1, Index: 3, Typed: '1'}, {Group: 1, Index: 4, Typed: '1', Likely: "T"}}}},
		{"look-alike letters", "CART-7H3K-QRT0-9K5M-ABCD", id.Hint{Typed: 20, Expected: 20, WrongGroups: []int{3, 4}, Misread: []id.Misread{
			{Group: 3, Index: 4, Typed: '0', Likely: "DQ8"}, {Group: 4, Index: 3, Typed: '5', Likely: "6"}}}},
		{"nothing", "", id.Hint{Expected: 20, WrongPrefix: true}},
		{"a megabyte", strings.Repeat("A", 1<<20), id.Hint{Expected: 20, WrongPrefix: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, p.Hint(c.typed)); diff != "" {
				t.Errorf("Hint(%.40q): %s", c.typed, diff)
			}
		})
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"ENT-{YYYY}-{X:5}-{X:5}-{X:5}-{CHK}", "XXXX-XXXX-XXXX-XXXX", `\{{H:16}\é`, "{UUID}{SEQ:3}"} {
		f.Add(s, "CART-7H3K")
	}
	f.Fuzz(func(t *testing.T, pattern, typed string) {
		p, err := id.Compile(custom(pattern))
		if err != nil {
			return
		}
		key := generate(t, p, seeded(1), 7)
		if id.Fold(key.Text) == "" || p.Entropy() < id.MinEntropy || !p.Hint(key.Text).Fits() {
			t.Errorf("pattern %q made key %q", pattern, key.Text)
		}
		p.Hint(typed)
		p.Mask(typed)
	})
}
