//go:build !(linux || darwin || freebsd)

package backup

import "os"

// tryLock cannot lock directories here.
func tryLock(*os.File) bool { return false }
