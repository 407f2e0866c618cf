package pacing

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Spread is a place within a window that depends on the key alone: what many do in the window is
// spread evenly over it, and each finds its place again after a restart. It is at least zero and
// shorter than the window; zero where there is no window.
func Spread(key string, window time.Duration) time.Duration {
	if window <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte("grantkeeper.dev/v1/spread/" + key))
	return time.Duration(binary.BigEndian.Uint64(sum[:8]) % uint64(window))
}
