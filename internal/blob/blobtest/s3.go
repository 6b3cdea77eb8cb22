// Package blobtest gives tests an object storage of their own: a server that
// speaks the protocol of S3, checks every signature and keeps all in memory.
package blobtest

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// What the storage is opened with. The secret has signs that an address has to
// escape.
const (
	access = "AKIAKEYWARD"
	Secret = "a/secret+with=signs"
	bucket = "releases"
)

// S3 is a server with one empty bucket. It stops with its test.
type S3 struct {
	t       testing.TB
	backend *s3mem.Backend
	server  *httptest.Server
}

// NewS3 starts a server.
func NewS3(t testing.TB) *S3 {
	t.Helper()
	s := &S3{t: t, backend: s3mem.New()}
	if err := s.backend.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(gofakes3.New(s.backend, gofakes3.WithV4Auth(map[string]string{access: Secret})).Server())
	t.Cleanup(s.server.Close)
	return s
}

// Address is where the storage is, as the setting of a server names it.
func (s *S3) Address() string { return s.AddressWith(Secret) }

// AddressWith is the address with a secret that may not be the right one.
func (s *S3) AddressWith(secret string) string {
	s.t.Helper()
	u, err := url.Parse(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	u.Scheme, u.User, u.Path, u.RawQuery = "s3", url.UserPassword(access, secret), "/"+bucket+"/keyward", "tls=off&region=eu-1"
	return u.String()
}

// Files lists the keys of all that lies in the bucket.
func (s *S3) Files() []string {
	s.t.Helper()
	list, err := s.backend.ListBucket(s.t.Context(), bucket, &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, o := range list.Contents {
		names = append(names, o.Key)
	}
	return names
}

// Lose removes all that lies in the bucket, as nobody should.
func (s *S3) Lose() {
	s.t.Helper()
	for _, name := range s.Files() {
		if _, err := s.backend.DeleteObject(s.t.Context(), bucket, name); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Stop has the server answer no more.
func (s *S3) Stop() { s.server.Close() }
