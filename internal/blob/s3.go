package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 keeps files in a bucket of a store that speaks the protocol of S3. The
// bucket stays private: files go out through Keyward alone.
type S3 struct {
	client *minio.Client
	bucket string
	prefix string
}

// ErrURL means that a storage address cannot be used as it is.
var ErrURL = errors.New("use s3://KEY:SECRET@host/bucket, with ?region=NAME and ?tls=off where they apply")

// retries is how often a request is made that the store does not answer. Whoever
// waits for a file is told within seconds.
const retries = 4

// NewS3 keeps files where an address says: s3://KEY:SECRET@host/bucket/prefix
// with the options region and tls (on or off). Nothing is asked of the store yet.
func NewS3(address string) (*S3, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User == nil {
		return nil, ErrURL // the parser's own error would repeat the secret
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	secret, _ := u.User.Password()
	if bucket == "" || secret == "" {
		return nil, ErrURL
	}
	options := u.Query()
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(u.User.Username(), secret, ""), Secure: options.Get("tls") != "off",
		Region: options.Get("region"), BucketLookup: minio.BucketLookupAuto, MaxRetries: retries,
	})
	if err != nil {
		return nil, ErrURL
	}
	return &S3{client: client, bucket: bucket, prefix: prefix}, nil
}

// partSize is how much of an upload is held in memory at a time. With it a file
// may have 160 GB.
const partSize = 16 << 20

// abortTime is how long is spent on taking back an upload that broke.
const abortTime = 15 * time.Second

// Put keeps content under a key; size is how many bytes come, or -1. Large
// content goes up in parts that the store puts together at the end, so that a
// broken upload shows nowhere; its parts are taken back.
func (s *S3) Put(ctx context.Context, key string, content io.Reader, size int64) error {
	_, err := s.client.PutObject(ctx, s.bucket, s.name(key), reading(ctx, content), size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", PartSize: partSize,
	})
	if err == nil {
		return nil
	}
	cleaning, done := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer done()
	_ = s.client.RemoveIncompleteUpload(cleaning, s.bucket, s.name(key)) // the first error says why; Delete tries again
	return s.failed(err)
}

// Open returns a file's content from its beginning. It is read from the store
// as it is asked for, from any place on.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	o, err := s.client.GetObject(ctx, s.bucket, s.name(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, s.failed(err)
	}
	if _, err := o.Stat(); err != nil {
		return nil, errors.Join(s.failed(err), o.Close())
	}
	return o, nil
}

// Delete removes a file, and the parts of one that never got whole; one that is
// not there is no error.
func (s *S3) Delete(ctx context.Context, key string) error {
	file := s.failed(s.client.RemoveObject(ctx, s.bucket, s.name(key), minio.RemoveObjectOptions{}))
	parts := s.failed(s.client.RemoveIncompleteUpload(ctx, s.bucket, s.name(key)))
	var problems []error
	for _, err := range []error{file, parts} {
		if !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// Sweep has nothing to do: Delete removes parts too, and whoever knows which
// uploads broke asks for it.
func (s *S3) Sweep(context.Context, time.Time) error { return nil }

func (s *S3) name(key string) string {
	if s.prefix == "" {
		return key
	}
	return s.prefix + "/" + key
}

// failed gives an error of the store its meaning. A missing bucket is no
// missing file.
func (s *S3) failed(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	if answer.Code == minio.NoSuchKey || answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket {
		return fmt.Errorf("blob: %w: %w", fs.ErrNotExist, err)
	}
	return fmt.Errorf("blob: %w", err)
}
