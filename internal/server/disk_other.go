//go:build !linux && !darwin && !freebsd

package server

import "io/fs"

func freeBytes(string) (free int64, known bool) { return 0, false }

// exposed cannot be told by the mode of a file here.
func exposed(fs.FileInfo) bool { return false }
