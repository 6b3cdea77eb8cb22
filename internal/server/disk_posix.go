//go:build linux || darwin || freebsd

package server

import (
	"io/fs"
	"syscall"
)

// freeBytes is how much room there is where a directory lies.
func freeBytes(dir string) (free int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// exposed reports whether others than its owner reach a file.
func exposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
