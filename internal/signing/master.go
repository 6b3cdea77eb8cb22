package signing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// masterSize is the length of a master key in bytes.
const masterSize = 32

// Errors of loading a master key.
var (
	ErrMasterMissing = errors.New("no master key: set KEYWARD_MASTER_KEY or provide its file")
	ErrMasterFormat  = errors.New("the master key must be 32 bytes written in hexadecimal or base64")
	ErrMasterMode    = errors.New("the master key file must not be accessible to other users (chmod 600)")
)

// Master is the installation's one secret, from which all others are derived.
// Losing it loses every sealed value. It prints as a placeholder.
type Master struct {
	secret []byte
	seal   sealer
	keys   []byte
	tokens []byte
	head   ed25519.PrivateKey
}

// LoadMaster takes the master key from the value of the environment variable,
// or when that is empty from the file at path. It returns ErrMasterMissing
// when there is neither; it never makes a key.
func LoadMaster(value, path string) (*Master, error) {
	if value != "" {
		return parseMaster([]byte(value))
	}
	text, err := readSecretFile(path)
	if err != nil {
		return nil, err
	}
	return parseMaster(text)
}

// CreateMaster makes a master key and writes it to a new file that only this
// user can read. It never overwrites: an existing file is fs.ErrExist. When it
// returns, the key is on disk to stay.
func CreateMaster(path string) (*Master, error) {
	secret := make([]byte, masterSize)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if err := writeSecretFile(path, hex.EncodeToString(secret)+"\n"); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return newMaster(secret)
}

func parseMaster(text []byte) (*Master, error) {
	s := string(bytes.TrimSpace(text))
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString,
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if secret, err := decode(s); err == nil && len(secret) == masterSize {
			return newMaster(secret)
		}
	}
	return nil, ErrMasterFormat
}

func newMaster(secret []byte) (*Master, error) {
	m := &Master{secret: secret}
	sealKey, keys, tokens, head := m.Derive("seal"), m.Derive("key-hash"), m.Derive("token-hash"), m.Derive("event-head")
	seal, err := newSealer(sealKey)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	m.seal, m.keys, m.tokens = seal, keys[:], tokens[:]
	m.head = ed25519.NewKeyFromSeed(head[:])
	return m, nil
}

// Derive returns the key for one purpose. Different labels give independent
// keys, and none of them tells anything about the master key.
func (m *Master) Derive(label string) [32]byte {
	key, err := hkdf.Key(sha256.New, m.secret, nil, "keyward/v1/"+label, masterSize)
	if err != nil {
		// Only a length beyond 255 hashes can fail; this one is fixed.
		panic(err)
	}
	return [32]byte(key)
}

// CheckValue identifies the master key without giving it away. The database
// stores it, so that a server with the wrong key stops before it does harm.
func (m *Master) CheckValue() string {
	check := m.Derive("check")
	return hex.EncodeToString(check[:16])
}

// Format prints a placeholder for every verb, so that no log line or error
// can carry the key.
func (m *Master) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(master key)") }

// readSecretFile refuses a file that others can read: a key that may have been
// copied should be noticed at once.
func readSecretFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrMasterMissing, err)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	// Windows has no permission bits to look at.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s", ErrMasterMode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return text, nil
}

// writeSecretFile creates the file and makes it last through a power failure,
// name included. A file that could not be written in full is removed.
func writeSecretFile(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	// Windows can neither sync a directory nor needs it.
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
