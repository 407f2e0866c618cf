//go:build !linux

package process

import "syscall"

// dieWithParent changes nothing: only Linux offers it. Elsewhere Stop is the only end.
func dieWithParent() *syscall.SysProcAttr { return nil }
