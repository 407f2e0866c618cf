package process

import "syscall"

// dieWithParent makes the kernel kill a child whose parent is gone, so that a test binary that is
// killed, or ended by its own timeout, leaves nothing behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
