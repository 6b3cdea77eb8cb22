package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/keyward/keyward/internal/fault"
)

// Verify reads a whole backup and compares it with its sums. Its error is one
// that a person can act on.
func Verify(ctx context.Context, file string, tell Progress) (m Manifest, err error) {
	sums := map[string]string{}
	var kept string
	err = walk(ctx, file, tell, func(name string, content io.Reader) error {
		if kept != "" {
			return errors.New("there is something behind " + sumsName)
		}
		if name == sumsName {
			text, err := io.ReadAll(io.LimitReader(content, maxSums))
			kept = string(text)
			return err
		}
		if _, twice := sums[name]; twice {
			return fmt.Errorf("%s is there twice", name)
		}
		sum := sha256.New()
		content = io.TeeReader(content, sum)
		if len(sums) == 0 {
			if name != manifestName {
				return errors.New("it does not begin with " + manifestName)
			}
			if m, err = readManifest(content); err != nil {
				return err
			}
		}
		_, err := io.Copy(io.Discard, content)
		sums[name] = hex.EncodeToString(sum.Sum(nil))
		return err
	})
	if err == nil {
		err = agree(kept, sums)
	}
	return m, notWhole(ctx, file, err)
}

// notWhole says that a backup is of no use, unless err says something better.
func notWhole(ctx context.Context, file string, err error) error {
	if _, told := errors.AsType[*fault.Error](err); err == nil || told || ctx.Err() != nil {
		return err
	}
	return fault.Wrap(fault.Invalid, "backup_damaged", "This is no whole backup of Keyward: "+err.Error()+".", err).
		WithNext("Use another backup. Nothing was changed. (" + file + ")")
}

func agree(kept string, sums map[string]string) error {
	if kept == "" {
		return errors.New("it ends too early")
	}
	for line := range strings.Lines(kept) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if sums[name] != sum {
			return fmt.Errorf("%s does not have its sum", name)
		}
		delete(sums, name)
	}
	for name := range sums {
		return fmt.Errorf("%s has no sum", name)
	}
	return nil
}

// walk reads the entries in their order.
func walk(ctx context.Context, file string, tell Progress, each func(name string, content io.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return fault.Wrap(fault.NotFound, "backup_unreadable", "The backup cannot be read: "+err.Error()+".", err).WithNext("Check the name of the file.")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	in := counted{&way{ctx: ctx, tell: tell, total: info.Size()}, f}
	for entries := tar.NewReader(in); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
			return fmt.Errorf("%q is not a plain file inside", h.Name)
		}
		if err := each(h.Name, entries); err != nil {
			return err
		}
	}
}

// Extract takes the entries of a verified backup that are wanted into dir. They
// are lasting when it returns.
func Extract(ctx context.Context, file, dir string, wanted func(name string) bool, tell Progress) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	err = walk(ctx, file, tell, func(name string, content io.Reader) error {
		if name == manifestName || name == sumsName || !wanted(name) {
			return nil
		}
		return extract(root, name, content)
	})
	return errors.Join(notWhole(ctx, file, err), root.Close())
}

func extract(root *os.Root, name string, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return unplaced(err)
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return unplaced(err)
	}
	_, err = io.Copy(f, content)
	if failed, ok := errors.AsType[*fs.PathError](err); ok && failed.Op == "write" {
		return errors.Join(unplaced(err), f.Close())
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return unplaced(errors.Join(f.Sync(), f.Close()))
}

// unplaced is that there is something wrong with the place, not the backup.
func unplaced(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, "restore_failed", "The backup is whole, but could not be taken out: "+err.Error()+".", err).
		WithNext("See that there is room for it, and restore again. Nothing was changed.")
}
