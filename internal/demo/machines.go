package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/keyward/keyward/internal/license"
)

// machine is a device as it describes itself.
type machine struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Kind     license.Kind `json:"kind"`
	Platform string       `json:"platform"`
}

// hardware makes a machine whose identifier comes from its name, so that every
// start of a demo knows the same devices.
func hardware(name, platform string) machine {
	sum := sha256.Sum256([]byte(name + "\n" + platform))
	digits := strings.ToUpper(hex.EncodeToString(sum[:16]))
	return machine{
		ID:   fmt.Sprintf("%s-%s-%s-%s-%s", digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]),
		Name: name, Kind: license.Hardware, Platform: platform,
	}
}

// website is a machine known by its domain.
func website(domain, name string) machine {
	return machine{ID: domain, Name: name, Kind: license.Domain, Platform: "web"}
}

// Platforms as devices report them.
const (
	mac     = "macOS 15.6 arm64"
	macOld  = "macOS 13.7 x86_64"
	windows = "Windows 11 x86_64"
	win10   = "Windows 10 x86_64"
	ubuntu  = "Ubuntu 24.04 x86_64"
	debian  = "Debian 13 arm64"
	fedora  = "Fedora 42 x86_64"
)
