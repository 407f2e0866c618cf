package accounts

import (
	"context"
	"sync"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// patience is how long a write is waited for. One that takes longer has been carried out all the same.
const patience = 5 * time.Second

// sight waits until the directory shows what was written. To put it there would be quicker and wrong:
// the watch may have brought something newer by then, or that it is gone.
type sight struct {
	mu      sync.Mutex
	waiting map[directory.Change][]chan struct{}
}

func newSight() *sight { return &sight{waiting: map[directory.Change][]chan struct{}{}} }

// changed wakes whoever waits for a row. It never blocks.
func (s *sight) changed(change directory.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, woken := range s.waiting[change] {
		close(woken)
	}
	delete(s.waiting, change)
}

// await returns when a row is as isSeen wants it, or patience or the context has run out.
func (s *sight) await(ctx context.Context, row directory.Change, isSeen func() bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		woken := make(chan struct{})
		s.mu.Lock()
		s.waiting[row] = append(s.waiting[row], woken)
		s.mu.Unlock()
		if isSeen() {
			s.changed(row) // nobody is left behind who waits for nothing
			return
		}
		select {
		case <-woken:
		case <-ctx.Done():
			s.changed(row)
			return
		}
	}
}
