package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// Disk keeps files in a directory, which it makes when the first one comes. It
// never reaches outside of it.
type Disk struct{ dir string }

// NewDisk keeps files in dir.
func NewDisk(dir string) *Disk { return &Disk{dir} }

// parts is where content grows until it is whole.
const parts = "parts"

// Put keeps content under a key, such as "a/b"; size is how many bytes come, or
// -1. It is there as a whole, and lasting, when Put returns without error.
func (d *Disk) Put(ctx context.Context, key string, content io.Reader, size int64) (err error) {
	root, err := d.open(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	part := path.Join(parts, rand.Text())
	if err := write(root, part, reading(ctx, content), size); err != nil {
		return errors.Join(err, root.Remove(part))
	}
	if err := root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return errors.Join(fmt.Errorf("blob: %w", err), root.Remove(part))
	}
	if err := root.Rename(part, key); err != nil {
		return errors.Join(fmt.Errorf("blob: %w", err), root.Remove(part))
	}
	return syncDir(root, path.Dir(key))
}

func write(root *os.Root, name string, content io.Reader, size int64) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	n, err := io.Copy(f, content)
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("%w: %d of %d bytes", errCut, n, size)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	return nil
}

// errCut means that another number of bytes came than was announced.
var errCut = errors.New("the content has another length than announced")

func syncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	_ = dir.Sync() // some file systems cannot, and need not
	return dir.Close()
}

// Open returns a file's content from its beginning.
func (d *Disk) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	root, err := d.open(false)
	if err != nil {
		return nil, err
	}
	f, err := root.Open(key)
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("blob: %w", err), f.Close())
	}
	return f, nil
}

// Delete removes a file; one that is not there is no error.
func (d *Disk) Delete(_ context.Context, key string) (err error) {
	root, err := d.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// partLife is how long an upload may take that was not seen to end.
const partLife = 48 * time.Hour

// Sweep removes what uploads left that a power failure or a kill ended.
func (d *Disk) Sweep(_ context.Context, now time.Time) (err error) {
	root, err := d.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	list, err := fs.ReadDir(root.FS(), parts)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	for _, entry := range list {
		info, err := entry.Info()
		if err != nil || now.Sub(info.ModTime()) < partLife {
			continue
		}
		if err := root.Remove(path.Join(parts, entry.Name())); err != nil {
			return fmt.Errorf("blob: %w", err)
		}
	}
	return nil
}

func (d *Disk) open(prepare bool) (*os.Root, error) {
	if prepare {
		if err := os.MkdirAll(path.Join(d.dir, parts), 0o700); err != nil {
			return nil, fmt.Errorf("blob: %w", err)
		}
	}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return root, nil
}

// reading ends with its context.
func reading(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
