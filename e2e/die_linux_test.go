package e2e

import (
	"os/exec"
	"syscall"
)

// dieWithTest has the process killed when the test binary dies, so that a test
// run that is cut short leaves nothing behind.
func dieWithTest(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
