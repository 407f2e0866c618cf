package accounts

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// Everybody who waits for a row is woken by it, and waits on where it is not what they wait for.
func TestWritesAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSight()
	row, other := directory.Change{Kind: directory.Users, Name: "alice"}, directory.Change{Kind: directory.Users, Name: "bob"}
	var version, looks atomic.Int64
	var group sync.WaitGroup
	for _, wanted := range []int64{1, 2, 2} {
		group.Go(func() {
			s.await(t.Context(), row, func() bool {
				looks.Add(1)
				return version.Load() >= wanted
			})
			if got := version.Load(); got < wanted {
				t.Errorf("version %d, want %d", got, wanted)
			}
		})
	}
	for looks.Load() < 3 { // each has looked once
		s.changed(other)
	}
	for range 2 {
		version.Add(1)
		s.changed(row)
	}
	group.Wait()
	if len(s.waiting) != 0 {
		t.Errorf("%d rows are waited for by nobody", len(s.waiting))
	}
}

func TestNobodyWaitsLongerThanTheirRequest(t *testing.T) {
	t.Parallel()
	s := newSight()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.await(ended, directory.Change{}, func() bool { return false })
	if len(s.waiting) != 0 {
		t.Errorf("%d rows are waited for by nobody", len(s.waiting))
	}
}
