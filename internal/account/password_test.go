package account_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/keyward/keyward/internal/account"
)

// cheap keeps the tests fast; what it proves holds for every cost.
func cheap() account.Cost { return account.Cost{Memory: 8, Passes: 1, Threads: 1} }

func hash(t *testing.T, h *account.Hasher, password string) string {
	t.Helper()
	stored, err := h.Hash(t.Context(), password, cheap())
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// C-SEC-01
func TestVerifyTellsTheRightPasswordFromWrongOnes(t *testing.T) {
	h := account.NewHasher()
	longest := strings.Repeat("x", account.MaxPasswordBytes)
	for _, password := range []string{"correct horse", "ключ-é-鍵", longest} {
		stored := hash(t, h, password)
		for _, c := range []struct {
			typed string
			want  bool
		}{{password, true}, {password + " ", false}, {strings.ToUpper(password), false}, {"", false}, {password + longest, false}} {
			ok, rehash, err := h.Verify(t.Context(), stored, c.typed, cheap())
			if err != nil || ok != c.want || rehash {
				t.Errorf("%.20q typed as %.20q: %v, %v, %v", password, c.typed, ok, rehash, err)
			}
		}
	}
}

func TestHashesAreSaltedAndHideThePassword(t *testing.T) {
	h := account.NewHasher()
	one, two := hash(t, h, "correct horse"), hash(t, h, "correct horse")
	if one == two || strings.Contains(one, "horse") || !strings.HasPrefix(one, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Errorf("hashes %s and %s", one, two)
	}
}

// The reference implementation made this hash.
func TestVerifyReadsHashesOfOtherImplementations(t *testing.T) {
	const stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	ok, rehash, err := account.NewHasher().Verify(t.Context(), stored, "password", account.Cost{Memory: 256, Passes: 2, Threads: 1})
	if err != nil || !ok || !rehash {
		t.Errorf("Verify = %v, %v, %v; want a match with a salt that is due for renewal", ok, rehash, err)
	}
}

func TestVerifyAsksForANewHashWhenTheCostChanged(t *testing.T) {
	h := account.NewHasher()
	stored := hash(t, h, "correct horse")
	dearer := account.Cost{Memory: 16, Passes: 1, Threads: 1}
	if ok, rehash, err := h.Verify(t.Context(), stored, "correct horse", dearer); !ok || !rehash || err != nil {
		t.Errorf("right password: %v, %v, %v", ok, rehash, err)
	}
	if ok, rehash, err := h.Verify(t.Context(), stored, "wrong horse", dearer); ok || rehash || err != nil {
		t.Errorf("wrong password: %v, %v, %v", ok, rehash, err)
	}
}

func TestVerifyRefusesUnreadableAndAbsurdHashes(t *testing.T) {
	const salt, sum = "c29tZXNhbHRzb21lc2E", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	build := func(head, salt, sum string) string { return "$" + head + "$" + salt + "$" + sum }
	good := "argon2id$v=19$m=8,t=1,p=1"
	for name, stored := range map[string]string{
		"empty":             "",
		"bcrypt":            "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"argon2i":           build("argon2i$v=19$m=8,t=1,p=1", salt, sum),
		"older version":     build("argon2id$v=16$m=8,t=1,p=1", salt, sum),
		"memory over limit": build("argon2id$v=19$m=4194304,t=1,p=1", salt, sum),
		"memory too small":  build("argon2id$v=19$m=7,t=1,p=1", salt, sum),
		"passes over limit": build("argon2id$v=19$m=8,t=1000,p=1", salt, sum),
		"no passes":         build("argon2id$v=19$m=8,t=0,p=1", salt, sum),
		"no threads":        build("argon2id$v=19$m=8,t=1,p=0", salt, sum),
		"threads overflow":  build("argon2id$v=19$m=8,t=1,p=257", salt, sum),
		"not a number":      build("argon2id$v=19$m=x,t=1,p=1", salt, sum),
		"negative":          build("argon2id$v=19$m=8,t=-1,p=1", salt, sum),
		"other order":       build("argon2id$v=19$t=1,m=8,p=1", salt, sum),
		"more parameters":   build("argon2id$v=19$m=8,t=1,p=1,x=1", salt, sum),
		"short salt":        build(good, "c29t", sum),
		"short hash":        build(good, salt, "c29t"),
		"no hash":           build(good, salt, ""),
		"padded hash":       build(good, salt, sum+"="),
		"long hash":         build(good, salt, strings.Repeat("A", 100)),
		"very long":         build(good, salt, strings.Repeat("A", 1<<20)),
		"one more part":     build(good, salt, sum) + "$",
	} {
		t.Run(name, func(t *testing.T) {
			if ok, rehash, err := account.NewHasher().Verify(t.Context(), stored, "password", cheap()); ok || rehash || !errors.Is(err, account.ErrPasswordHash) {
				t.Errorf("Verify = %v, %v, %v", ok, rehash, err)
			}
		})
	}
	if ok, _, err := account.NewHasher().Verify(t.Context(), build(good, salt, sum), "password", cheap()); ok || err != nil {
		t.Errorf("the well-formed one: %v, %v", ok, err)
	}
}

func TestHashRefusesWhatCouldNotBeVerified(t *testing.T) {
	h := account.NewHasher()
	if _, err := h.Hash(t.Context(), strings.Repeat("x", account.MaxPasswordBytes+1), cheap()); err == nil {
		t.Error("a password too long was hashed")
	}
	if _, err := h.Hash(t.Context(), "correct horse", account.Cost{}); !errors.Is(err, account.ErrPasswordHash) {
		t.Errorf("no cost: %v", err)
	}
	if err := h.VerifyNone(t.Context(), account.Cost{Memory: 1 << 30, Passes: 1, Threads: 1}); !errors.Is(err, account.ErrPasswordHash) {
		t.Errorf("absurd cost: %v", err)
	}
}

func TestStandardCostsAreAccepted(t *testing.T) {
	h := account.NewHasher()
	for _, cost := range []account.Cost{account.PersonCost(), account.AdministratorCost()} {
		if err := h.VerifyNone(t.Context(), cost); err != nil {
			t.Errorf("%v: %v", cost, err)
		}
	}
}

func TestHasherStopsForACallerThatHasGone(t *testing.T) {
	h := account.NewHasher()
	stored := hash(t, h, "correct horse")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "correct horse", cheap()); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash: %v", err)
	}
	if ok, _, err := h.Verify(ctx, stored, "correct horse", cheap()); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify: %v, %v", ok, err)
	}
	if err := h.VerifyNone(ctx, cheap()); !errors.Is(err, context.Canceled) {
		t.Errorf("VerifyNone: %v", err)
	}
}

func TestHasherServesMoreCallersThanCores(t *testing.T) {
	h := account.NewHasher()
	stored := hash(t, h, "correct horse")
	var wg sync.WaitGroup
	for range 8 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			if ok, _, err := h.Verify(t.Context(), stored, "correct horse", cheap()); !ok || err != nil {
				t.Errorf("Verify: %v, %v", ok, err)
			}
		})
	}
	wg.Wait()
}

// P-PRO-06
func TestCheckPassword(t *testing.T) {
	const person, administrator = account.MinPersonPassword, account.MinAdministratorPassword
	for _, c := range []struct {
		name, password string
		least          int
		problem        string // part of the answer; empty means accepted
	}{
		{"long enough for a person", "kj4nwq9x", person, ""},
		{"too short for an administrator", "kj4nwq9x", administrator, "at least 12"},
		{"long enough for an administrator", "kj4nwq9xtr7z", administrator, ""},
		{"letters alone", "teapot gravel lantern", administrator, ""},
		{"digits alone", "83917465029", person, ""},
		{"characters count, not bytes", "ключёжзи", person, ""},
		{"seven characters", "ключёжз", person, "at least 8"},
		{"empty", "", person, "Enter"},
		{"the longest", strings.Repeat("abcd", 256), person, ""},
		{"too long", strings.Repeat("abcd", 256) + "a", person, "shorter"},
		{"the address", "Anna.Berg@Example.com", person, "e-mail"},
		{"the name in the address", "anna.berg", person, "e-mail"},
		{"common", "Password123", person, "first that are tried"},
		{"common with a year", "Sunshine2024!", administrator, "first that are tried"},
		{"common with a longer number", "sunshine839174", person, ""},
		{"common inside another word", "mysunshines", person, ""},
		{"one key held down", "aaaaaaaaaaaaaa", person, "first that are tried"},
		{"two keys in turn", "ababababababab", person, "first that are tried"},
		{"digits in order", "123456789012", administrator, "first that are tried"},
		{"digits in order and signs", "12345678!!", person, "first that are tried"},
		{"line break", "password\nqwerty", person, ""},
		{"broken text", "\xff\xfe\xfd\xfckj4nwq", person, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := account.CheckPassword(c.password, "anna.berg@example.com", c.least)
			if (got == "") != (c.problem == "") || !strings.Contains(got, c.problem) {
				t.Errorf("CheckPassword(%.30q) = %q, want %q", c.password, got, c.problem)
			}
		})
	}
	if got := account.CheckPassword("kj4nwq9x", "", person); got != "" {
		t.Errorf("without an address: %q", got)
	}
}

func BenchmarkVerifyNone(b *testing.B) {
	h := account.NewHasher()
	for _, cost := range []account.Cost{account.PersonCost(), account.AdministratorCost()} {
		b.Run(fmt.Sprint(cost), func(b *testing.B) {
			for b.Loop() {
				if err := h.VerifyNone(b.Context(), cost); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
