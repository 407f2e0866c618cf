package controllers

import (
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// TestARevocationCountsForAsLongAsItIsKept: one that counted for less would let objects pile up.
func TestARevocationCountsForAsLongAsItIsKept(t *testing.T) {
	t.Parallel()
	if revocationGrace != directory.RevocationGrace {
		t.Errorf("the sweeper keeps a revocation for %s, and it counts for %s", revocationGrace, directory.RevocationGrace)
	}
}
