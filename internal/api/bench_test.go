package api_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
)

// unlimited lets one address ask as often as the machine can answer.
func unlimited() apitest.Options {
	return apitest.Options{Limits: api.Limits{Burst: 1 << 30, Interval: time.Nanosecond, UnknownBurst: 1, UnknownInterval: time.Hour}}
}

// BenchmarkValidateOverHTTP is a signed validation of a known device, last seen
// recorded, beside the least that anything which signs could do: decode the
// same JSON and sign once. Their ratio is what Keyward costs.
func BenchmarkValidateOverHTTP(b *testing.B) {
	w := apitest.New(b, unlimited())
	p := w.AddProduct("Studio", nil)
	_, key := w.Issue(p, licensing.Issue{CustomerID: w.AddCustomer("Ada").ID})
	body, err := json.Marshal(map[string]any{"key": key, "device": map[string]any{"id": "HW-1", "name": "Studio PC"}, "nonce": "7f1c", "version": "8.4.1"})
	if err != nil {
		b.Fatal(err)
	}
	caller := newCaller(w.Server.URL, p.Token)
	if status := caller.post(b, activate, body); status != http.StatusOK {
		b.Fatalf("activate: status %d", status)
	}
	bare := httptest.NewServer(bareHandler(b))
	b.Cleanup(bare.Close)
	b.Run("bare", func(b *testing.B) { ask(b, newCaller(bare.URL, p.Token), validate, body) })
	b.Run("keyward", func(b *testing.B) { ask(b, caller, validate, body) })
}

// bareHandler decodes a call and signs as much as a lease has.
func bareHandler(b *testing.B) http.Handler {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	claims := bytes.Repeat([]byte("a"), 700)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call api.Call
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"lease":"%s.%s"}`, claims, base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, claims)))
	})
}

// ask sends a request from 32 callers at once, and reports the rate and the
// time within which 99 of 100 had their answer.
func ask(b *testing.B, c caller, path string, body []byte) {
	took := make([]time.Duration, b.N)
	atOnce(b, 32, func(i int) {
		began := time.Now()
		if status := c.post(b, path, body); status != http.StatusOK {
			b.Errorf("status %d", status)
		}
		took[i] = time.Since(began)
	})
	slices.Sort(took)
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// BenchmarkActivateOverHTTP gives devices of many licenses seats durably, and
// counts that none is lost or given twice.
func BenchmarkActivateOverHTTP(b *testing.B) {
	const licenses = 500
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			w := apitest.New(b, unlimited())
			p := w.AddProduct("Studio", nil)
			owner, none := w.AddCustomer("Ada").ID, license.Unlimited
			var sold []license.License
			var keys []string
			for range licenses {
				l, key := w.Issue(p, licensing.Issue{CustomerID: owner, Limit: &none})
				sold, keys = append(sold, l), append(keys, key)
			}
			c := newCaller(w.Server.URL, p.Token)
			var given atomic.Int64
			atOnce(b, callers, func(i int) {
				switch status := c.post(b, activate, fmt.Appendf(nil, `{"key": %q, "device": {"id": "HW-%d"}}`, keys[i%licenses], i)); {
				case status == http.StatusOK:
					given.Add(1)
				case status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable:
					b.Errorf("status %d", status)
				}
			})
			held := 0
			for _, l := range sold {
				seats, err := w.Store.Seats(b.Context(), l.ID, nil, w.Now())
				if err != nil {
					b.Fatal(err)
				}
				held += seats.Used
			}
			if int64(held) != given.Load() {
				b.Errorf("%d seats are held of %d acknowledged", held, given.Load())
			}
		})
	}
}

// atOnce does work b.N times from as many goroutines, and reports the rate.
func atOnce(b *testing.B, callers int, work func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				work(int(i - 1))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// caller posts on connections that stay open.
type caller struct {
	client     *http.Client
	url, token string
}

func newCaller(url, token string) caller {
	return caller{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}}, url, token}
}

func (c caller) post(b *testing.B, path string, body []byte) int {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.client.Do(r)
	if err != nil {
		b.Error(err)
		return 0
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		b.Error(err)
	}
	return answer.StatusCode
}
