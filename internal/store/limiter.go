package store

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/lru"
)

// limiter bounds the live reads of one kind: those of each namespace, and within that all of them.
type limiter struct {
	whole *rate.Limiter

	mu     sync.Mutex
	shares *lru.Cache
}

func newLimiter() *limiter {
	return &limiter{whole: rate.NewLimiter(liveRate, liveBurst), shares: lru.New(sharesSize)}
}

// allow takes one read of a namespace's share and of the whole. The share comes first: what it refuses
// costs the others nothing.
func (l *limiter) allow(namespace string, now time.Time) bool {
	return l.share(namespace).AllowN(now, 1) && l.whole.AllowN(now, 1)
}

func (l *limiter) share(namespace string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.shares.Get(namespace); ok {
		return known.(*rate.Limiter) //nolint:forcetypeassert // only limiters are put in
	}
	share := rate.NewLimiter(shareRate, shareBurst)
	l.shares.Add(namespace, share)
	return share
}
