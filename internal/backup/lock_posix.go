//go:build linux || darwin || freebsd

package backup

import (
	"os"
	"syscall"
)

// tryLock locks a file until it is closed, or its process ends. It reports
// whether it could: false is that somebody holds it, or that the file system
// has no locks.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
