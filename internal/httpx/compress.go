package httpx

import (
	"compress/gzip"
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

const (
	// worthIt is how many bytes of a page pay for compressing it.
	worthIt = 1400
	// jitter is up to how many bytes of noise are added to a compressed page.
	jitter = 64
)

// CompressPages compresses the HTML that GET answers, for browsers that take it.
//
// Whoever sees how long answers are, and has a browser ask for pages with guesses
// in them, could learn what else is on the page (BREACH). Noise blurs the length,
// and pages with secrets call Incompressible.
func CompressPages(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.ContentTypes([]string{"text/html"}), gzhttp.MinSize(worthIt), gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.EnableZstd(false), gzhttp.RandomJitter(jitter, 0, false), gzhttp.KeepAcceptRanges(),
	)
	if err != nil {
		return nil, err
	}
	compressed := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			compressed.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// Incompressible keeps the length of an answer with a secret from telling what
// the secret is. Call it before the answer is written.
func Incompressible(w http.ResponseWriter) { w.Header().Set(gzhttp.HeaderNoCompression, "1") }
