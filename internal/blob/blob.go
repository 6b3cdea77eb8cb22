package blob

import (
	"context"
	"io"
	"time"
)

// Storage is what both implementations do.
type Storage interface {
	Put(ctx context.Context, key string, content io.Reader, size int64) error
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	Delete(ctx context.Context, key string) error
	Sweep(ctx context.Context, now time.Time) error
}

// New is the storage at an address, or in dir when it is "".
func New(address, dir string) (Storage, error) {
	if address == "" {
		return NewDisk(dir), nil
	}
	return NewS3(address)
}
