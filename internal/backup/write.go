package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// Entry is a file that goes into a backup under a name.
type Entry struct {
	Name string // with slashes, inside
	Path string
	// MayBeGone says that the file may have been removed since it was listed.
	MayBeGone bool
}

// Progress is told how many bytes are done.
type Progress func(done, total int64)

// Write makes the backup at path, where there must be nothing, out of a scratch
// directory on the same file system. It is there as a whole, and lasting, when
// Write returns without error; otherwise, and when ctx ends, nothing is there.
// It returns the size.
func Write(ctx context.Context, path, scratch string, m Manifest, entries []Entry, tell Progress) (size int64, err error) {
	if err := Free(path); err != nil {
		return 0, err
	}
	part := filepath.Join(scratch, "backup.tar")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	w := &writer{tar: tar.NewWriter(f), at: m.CreatedAt, way: way{ctx: ctx, tell: tell, total: sizeOf(entries)}}
	err = w.all(m, entries)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	info, err := os.Stat(part)
	if err != nil {
		return 0, err
	}
	if err := Free(path); err != nil { // since
		return 0, err
	}
	if err := os.Rename(part, path); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	return info.Size(), syncDir(filepath.Dir(path))
}

// Free returns an error unless there is nothing at path.
func Free(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		return fault.New(fault.Conflict, "file_exists", "There is a file "+path+" already.").WithNext("Choose another name. Backups are never overwritten.")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// sizeOf leaves out what cannot be seen: it is an estimate.
func sizeOf(entries []Entry) (total int64) {
	for _, e := range entries {
		if info, err := os.Stat(e.Path); err == nil {
			total += info.Size()
		}
	}
	return total
}

type writer struct {
	tar  *tar.Writer
	sums bytes.Buffer
	at   time.Time
	way
}

func (w *writer) all(m Manifest, entries []Entry) error {
	m.Format = Format
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := w.add(manifestName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.file(e); err != nil {
			return err
		}
	}
	if err := w.header(sumsName, int64(w.sums.Len())); err != nil {
		return err
	}
	if _, err := w.sums.WriteTo(w.tar); err != nil {
		return err
	}
	return w.tar.Close()
}

func (w *writer) file(e Entry) error {
	f, err := os.Open(e.Path)
	if err != nil {
		if e.MayBeGone && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.add(e.Name, info.Size(), f)
}

func (w *writer) add(name string, size int64, content io.Reader) error {
	if err := w.header(name, size); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w.tar, sum), counted{&w.way, content})
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("%s changed while it was copied", name)
	}
	w.note(name, sum)
	return nil
}

func (w *writer) header(name string, size int64) error {
	return w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.at.Truncate(time.Second)})
}

func (w *writer) note(name string, sum hash.Hash) {
	fmt.Fprintf(&w.sums, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), name)
}

// way is how far a work is.
type way struct {
	ctx         context.Context
	tell        Progress
	done, total int64
}

// counted is on its way with what is read, and ends with the context.
type counted struct {
	*way
	io.Reader
}

func (c counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.Reader.Read(p)
	c.done += int64(n)
	c.tell(c.done, c.total)
	return n, err
}

// syncDir makes the names in a directory lasting.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // some file systems cannot, and need not
	return dir.Close()
}
