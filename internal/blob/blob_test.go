package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/keyward/keyward/internal/blob"
	"github.com/keyward/keyward/internal/blob/blobtest"
)

// place is a storage and a way to see everything that lies in it.
type place struct {
	blob.Storage
	files func() []string
}

func disk(t *testing.T) place {
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := blob.New("", dir)
	must(t, err)
	return place{s, func() []string {
		var names []string
		must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				names = append(names, d.Name())
			}
			return err
		}))
		return names
	}}
}

func bucketStore(t *testing.T) place {
	server := blobtest.NewS3(t)
	s, err := blob.New(server.Address(), "")
	must(t, err)
	return place{s, server.Files}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// P-DL-15, C-STO-03: both places do the same.
func TestStorage(t *testing.T) {
	for name, open := range map[string]func(*testing.T) place{"disk": disk, "S3": bucketStore} {
		t.Run(name, func(t *testing.T) {
			t.Run("content comes back, from any place on", func(t *testing.T) { comesBack(t, open(t)) })
			t.Run("what is not there is missing", func(t *testing.T) { missing(t, open(t)) })
			t.Run("a broken upload leaves nothing", func(t *testing.T) { broken(t, open(t)) })
			t.Run("a file is removed", func(t *testing.T) { removed(t, open(t)) })
		})
	}
}

func comesBack(t *testing.T, p place) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 33<<16) // more than two parts of an upload
	for name, announced := range map[string]int64{"known": int64(len(large)), "unknown": -1} {
		key := "assets/" + name
		must(t, p.Put(t.Context(), key, bytes.NewReader(large), announced))
		f, err := p.Open(t.Context(), key)
		must(t, err)
		got, err := io.ReadAll(f)
		must(t, err)
		if !bytes.Equal(got, large) {
			t.Errorf("%d of %d bytes, or others, came back", len(got), len(large))
		}
		end, err := f.Seek(-5, io.SeekEnd)
		must(t, err)
		tail, err := io.ReadAll(f)
		must(t, err)
		if end != int64(len(large))-5 || string(tail) != "bcdef" {
			t.Errorf("the end at %d is %q", end, tail)
		}
		must(t, f.Close())
	}
}

func missing(t *testing.T, p place) {
	_, err := p.Open(t.Context(), "assets/none")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	must(t, p.Put(t.Context(), "assets/one", strings.NewReader("x"), 1))
	_, err = p.Open(t.Context(), "assets/none")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func broken(t *testing.T, p place) {
	errBroken := errors.New("the line broke")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const size = 20 << 20
	for name, try := range map[string]func() error{
		"it breaks": func() error {
			return p.Put(t.Context(), "a/b", io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(errBroken)), -1)
		},
		"it is too short": func() error { return p.Put(t.Context(), "a/b", strings.NewReader("abc"), 4) },
		"it is canceled":  func() error { return p.Put(ctx, "a/b", &cancelAt{r: zeros{}, after: size, cancel: cancel}, -1) },
	} {
		if err := try(); err == nil {
			t.Errorf("%s, and nobody notices", name)
		}
		if left := p.files(); len(left) > 0 {
			t.Errorf("%s: %q is left", name, left)
		}
	}
}

func removed(t *testing.T, p place) {
	must(t, p.Put(t.Context(), "a/b", strings.NewReader("x"), 1))
	for range 2 {
		must(t, p.Delete(t.Context(), "a/b"))
	}
	if left := p.files(); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

// C-STO-03: whoever was killed took no parts back.
func TestPartsAreRemovedWithTheirFile(t *testing.T) {
	server := blobtest.NewS3(t)
	s, err := blob.NewS3(server.Address())
	must(t, err)
	u, err := url.Parse(server.Address())
	must(t, err)
	core, err := minio.NewCore(u.Host, &minio.Options{Creds: credentials.NewStaticV4(u.User.Username(), blobtest.Secret, ""), Region: "eu-1"})
	must(t, err)
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	_, err = core.NewMultipartUpload(t.Context(), bucket, prefix+"/a", minio.PutObjectOptions{})
	must(t, err)
	parts := func() int {
		t.Helper()
		list, err := core.ListMultipartUploads(t.Context(), bucket, prefix+"/a", "", "", "", 10)
		must(t, err)
		return len(list.Uploads)
	}
	if n := parts(); n != 1 {
		t.Fatalf("%d uploads were begun", n)
	}
	must(t, s.Delete(t.Context(), "a"))
	if n := parts(); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// cancelAt gives up when so many bytes have been read.
type cancelAt struct {
	r      io.Reader
	after  int
	cancel func()
}

func (c *cancelAt) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.after -= n; c.after < 0 {
		c.cancel()
	}
	return n, err
}

func TestS3Signs(t *testing.T) {
	s, err := blob.NewS3(blobtest.NewS3(t).AddressWith("another secret"))
	must(t, err)
	err = s.Put(t.Context(), "a", strings.NewReader("x"), 1)
	if err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("a wrong secret: %v", err)
	}
}

// What a storage says about itself, in every error there is, names no secret.
func TestS3ErrorsKeepTheSecret(t *testing.T) {
	server := blobtest.NewS3(t)
	const wrong = "another/secret"
	for _, secret := range []string{wrong, blobtest.Secret} {
		s, err := blob.NewS3(server.AddressWith(secret))
		must(t, err)
		if secret == blobtest.Secret {
			server.Stop()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, opened := s.Open(ctx, "a")
		for _, err := range []error{opened, s.Put(ctx, "a", strings.NewReader("x"), 1), s.Delete(ctx, "a")} {
			text := fmt.Sprint(err) + fmt.Sprintf("%+v %#v", s, err)
			if err == nil || strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Errorf("it says %s", text)
			}
		}
		cancel()
	}
}

func TestAddresses(t *testing.T) {
	for _, a := range []string{
		"https://a:b@host/bucket", "s3://host/bucket", "s3://a:b@host", "s3://a@host/bucket", "s3://a:b@/bucket", "s3://a:se%zz@host/bucket",
	} {
		if _, err := blob.NewS3(a); !errors.Is(err, blob.ErrURL) || strings.Contains(fmt.Sprint(err), "se%zz") {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestDiskStaysInside(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600))
	d := blob.NewDisk(filepath.Join(dir, "blobs"))
	must(t, d.Put(t.Context(), "a", strings.NewReader("x"), 1))
	if _, err := d.Open(t.Context(), "../secret"); err == nil {
		t.Error("a file outside was opened")
	}
	if err := d.Put(t.Context(), "../stolen", strings.NewReader("x"), 1); err == nil {
		t.Error("a file outside was written")
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	d := blob.NewDisk(dir)
	must(t, d.Sweep(t.Context(), time.Now()))
	must(t, d.Put(t.Context(), "a", strings.NewReader("x"), 1))
	part := filepath.Join(dir, "parts", "killed")
	must(t, os.WriteFile(part, []byte("half"), 0o600))
	must(t, d.Sweep(t.Context(), time.Now()))
	_, err := os.Stat(part)
	must(t, err) // it may still be growing
	must(t, d.Sweep(t.Context(), time.Now().Add(72*time.Hour)))
	if _, err := os.Stat(part); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the part is still there: %v", err)
	}
	f, err := d.Open(t.Context(), "a")
	must(t, err)
	must(t, f.Close())
}
