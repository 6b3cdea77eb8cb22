package account

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrPasswordHash is returned for a stored hash that cannot be read, or asks
// for more work than any hash made here.
var ErrPasswordHash = errors.New("unreadable password hash")

// Bounds of what is accepted from a stored hash: a damaged or planted row must
// not be able to take the server down.
const (
	maxCostMemory  = 256 << 10 // KiB
	maxCostPasses  = 10
	maxCostThreads = 4
	minSaltSize    = 8
	maxSaltSize    = 64
	minHashSize    = 16
	maxHashSize    = 64
	maxPHCLength   = 256
)

func (c Cost) check() error {
	switch {
	case c.Threads < 1 || c.Threads > maxCostThreads,
		c.Passes < 1 || c.Passes > maxCostPasses,
		c.Memory < 8*uint32(c.Threads) || c.Memory > maxCostMemory:
		return fmt.Errorf("%w: cost %+v is out of bounds", ErrPasswordHash, c)
	}
	return nil
}

// passwordPHC is a stored hash:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>.
type passwordPHC struct {
	cost Cost
	salt []byte
	hash []byte
}

func (p passwordPHC) String() string {
	b64 := base64.RawStdEncoding
	return "$argon2id$v=" + strconv.Itoa(argon2.Version) + "$" + p.cost.String() +
		"$" + b64.EncodeToString(p.salt) + "$" + b64.EncodeToString(p.hash)
}

// String writes the cost as it stands in a stored hash.
func (c Cost) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", c.Memory, c.Passes, c.Threads) }

func (p passwordPHC) outdated(want Cost) bool {
	return p.cost != want || len(p.salt) != passwordSaltSize || len(p.hash) != passwordHashSize
}

func parsePasswordPHC(s string) (passwordPHC, error) {
	if len(s) > maxPHCLength {
		return passwordPHC{}, ErrPasswordHash
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return passwordPHC{}, ErrPasswordHash
	}
	cost, err := parseCost(parts[3])
	if err != nil {
		return passwordPHC{}, err
	}
	salt, err := decodeSized(parts[4], minSaltSize, maxSaltSize)
	if err != nil {
		return passwordPHC{}, err
	}
	hash, err := decodeSized(parts[5], minHashSize, maxHashSize)
	if err != nil {
		return passwordPHC{}, err
	}
	return passwordPHC{cost, salt, hash}, nil
}

func parseCost(s string) (Cost, error) {
	var numbers [3]uint32
	fields := strings.Split(s, ",")
	if len(fields) != len(numbers) {
		return Cost{}, ErrPasswordHash
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil {
			return Cost{}, ErrPasswordHash
		}
		numbers[i] = uint32(n)
	}
	if numbers[2] > maxCostThreads {
		return Cost{}, ErrPasswordHash
	}
	cost := Cost{Memory: numbers[0], Passes: numbers[1], Threads: uint8(numbers[2])}
	return cost, cost.check()
}

func decodeSized(s string, least, most int) ([]byte, error) {
	data, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || len(data) < least || len(data) > most {
		return nil, ErrPasswordHash
	}
	return data, nil
}
