package issuing

import (
	"sync/atomic"
	"time"
)

// seldomEvery is how long is kept silent about what others can bring about as often as they like.
const seldomEvery = 10 * time.Minute

// seldom tells when to speak of something. The zero value is ready for use.
type seldom struct{ last atomic.Int64 }

// now tells whether it is time again.
func (s *seldom) now(at time.Time) bool {
	last := s.last.Load()
	return (last == 0 || at.Sub(time.Unix(0, last)).Abs() >= seldomEvery) && s.last.CompareAndSwap(last, at.UnixNano())
}
