package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS

// AssetsPath is where a server mounts [Assets.Handler].
const AssetsPath = "/assets/"

// Assets is the embedded tree of style sheets, scripts, fonts and pictures. The whole tree
// has one hash, which is part of every address: an address never changes its content, so
// browsers may keep it for good, and modules can import each other by relative name.
type Assets struct {
	prefix string
	files  map[string]asset
}

// asset is one file, ready to be written.
type asset struct {
	contentType string
	etag        string
	plain       []byte
	gzipped     []byte // nil when compression does not pay
}

// NewAssets returns the embedded tree. The tree is a constant of the program, so the work of
// hashing and compressing it is done once however often it is asked for.
func NewAssets() *Assets { return embeddedAssets() }

var embeddedAssets = sync.OnceValue(func() *Assets {
	tree, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		panic(err) // the directory is named in the embed directive above
	}
	assets, err := readAssets(tree)
	if err != nil {
		panic(err) // reading embedded files cannot fail
	}
	return assets
})

func readAssets(tree fs.FS) (*Assets, error) {
	whole := sha256.New()
	files := map[string]asset{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		whole.Write([]byte(name + "\x00"))
		whole.Write(sum[:])
		files[name] = newAsset(name, body, hex.EncodeToString(sum[:8]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Assets{prefix: AssetsPath + hex.EncodeToString(whole.Sum(nil)[:8]) + "/", files: files}, nil
}

func newAsset(name string, body []byte, sum string) asset {
	return asset{contentType: contentType(name), etag: sum, plain: body, gzipped: compress(name, body)}
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	default:
		return "text/plain; charset=utf-8"
	}
}

// compress returns nil for formats that are compressed already and where nothing is gained.
func compress(name string, body []byte) []byte {
	if path.Ext(name) == ".woff2" {
		return nil
	}
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := w.Write(body); err != nil {
		return nil
	}
	if err := w.Close(); err != nil || buf.Len() >= len(body) {
		return nil
	}
	return buf.Bytes()
}

// URL returns the address of a file in the tree, such as "app.css" or "fonts/inter.woff2".
// A name that is not in the tree gives "".
func (a *Assets) URL(name string) string {
	if _, ok := a.files[name]; !ok {
		return ""
	}
	return a.prefix + name
}

// Handler serves the tree below [AssetsPath]. An address with another hash is not found: it
// belongs to another release, and answering it with today's content would be kept for good.
func (a *Assets) Handler() http.Handler { return http.HandlerFunc(a.serve) }

func (a *Assets) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, found := strings.CutPrefix(r.URL.Path, a.prefix)
	file, known := a.files[name]
	if !found || !known {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	file.write(w, r)
}

func (f asset) write(w http.ResponseWriter, r *http.Request) {
	body, etag := f.plain, `"`+f.etag+`"`
	h := w.Header()
	if f.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body, etag = f.gzipped, `"`+f.etag+`-gzip"`
		}
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader went away: nobody is left to tell
	}
}

// acceptsGzip reads an Accept-Encoding header; a quality of zero is a refusal.
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(item, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "*" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err != nil || weight > 0
	}
	return false
}

func matches(ifNoneMatch, etag string) bool {
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
