package load

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// claimsSize is about what is signed for a lease.
const claimsSize = 700

// Bare serves the least that anything which signs could do: decode the JSON of
// a call and sign once with Ed25519. It says on log where it listens.
func Bare(log io.Writer) error {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "{\"msg\":\"serving\",\"address\":%q}\n", listener.Addr())
	server := &http.Server{Handler: bare(private), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

// bareCall is what a validation sends.
type bareCall struct {
	Key     string            `json:"key"`
	Device  map[string]string `json:"device"`
	Version string            `json:"version"`
	Nonce   string            `json:"nonce"`
}

func bare(private ed25519.PrivateKey) http.Handler {
	claims := bytes.Repeat([]byte("a"), claimsSize)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call bareCall
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"lease":"%s.%s"}`, claims, base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, claims)))
	})
}
