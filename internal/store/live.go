package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

// ErrThrottled says that a live read was not made because too many were: nothing is known.
var ErrThrottled = errors.New("too many lookups of unknown tokens")

const (
	negativeTTL    = time.Second // how long an absence is believed
	negativeSize   = 4096        // absences remembered, across tenants
	liveRate       = 50          // live reads a second of each kind, per replica
	liveBurst      = 100
	shareRate      = liveRate / 2 // those of one tenant
	shareBurst     = liveBurst / 2
	sharesSize     = 1024            // tenants whose share is remembered; one that is forgotten begins anew
	liveReadBudget = 3 * time.Second // one shared read's limit; it outlives the request that began it
)

// Live answers what memory does not know yet: an object that another replica has just made. Each
// key is read once however many ask, an absence is believed for a second, and a limit across tenants
// keeps bogus tokens from turning into load on the API server. Sessions, grants and users have one each:
// anybody can make up a reference token, and that must not keep good grants from being found. Of each
// limit one tenant has half at most, so that its bogus tokens do not take all reads of the others.
type Live struct {
	store  *Kubernetes
	clock  clock.PassiveClock
	flight singleflight.Group

	sessions, grants, users *limiter

	// Counts hears of every lookup. It is set before the first one, if at all.
	Counts metrics.Live

	mu     sync.Mutex
	absent *lru.Cache
}

// NewLive wraps a store.
func NewLive(store *Kubernetes, clock clock.PassiveClock) *Live {
	return &Live{
		store:    store,
		clock:    clock,
		sessions: newLimiter(),
		grants:   newLimiter(),
		users:    newLimiter(),
		absent:   lru.New(negativeSize),
	}
}

// Session is Kubernetes.Session, bounded. ErrThrottled past the limit.
func (l *Live) Session(ctx context.Context, namespace, name string) (*v1alpha1.AuthSession, error) {
	return bounded(ctx, l, source{namespace, l.sessions, l.Counts.Sessions}, "session/"+namespace+"/"+name, func(ctx context.Context) (*v1alpha1.AuthSession, error) {
		return l.store.Session(ctx, namespace, name)
	})
}

// SessionsByID is Kubernetes.SessionsByID, bounded. ErrThrottled past the limit.
func (l *Live) SessionsByID(ctx context.Context, namespace, id string) ([]*v1alpha1.AuthSession, error) {
	return bounded(ctx, l, source{namespace, l.sessions, l.Counts.Sessions}, "sessions/"+namespace+"/"+id, func(ctx context.Context) ([]*v1alpha1.AuthSession, error) {
		return l.store.SessionsByID(ctx, namespace, id)
	})
}

// GrantByID is Kubernetes.GrantByID, bounded. ErrThrottled past the limit.
func (l *Live) GrantByID(ctx context.Context, namespace, id string) (*v1alpha1.RefreshTokenGrant, error) {
	return bounded(ctx, l, source{namespace, l.grants, l.Counts.Grants}, "grant/"+namespace+"/"+id, func(ctx context.Context) (*v1alpha1.RefreshTokenGrant, error) {
		return l.store.GrantByID(ctx, namespace, id)
	})
}

// Grant is Kubernetes.Grant, bounded. ErrThrottled past the limit.
func (l *Live) Grant(ctx context.Context, namespace, name string) (*v1alpha1.RefreshTokenGrant, error) {
	return bounded(ctx, l, source{namespace, l.grants, l.Counts.Grants}, "named grant/"+namespace+"/"+name, func(ctx context.Context) (*v1alpha1.RefreshTokenGrant, error) {
		return l.store.Grant(ctx, namespace, name)
	})
}

// UserBySubject is Kubernetes.UserBySubject, bounded. ErrThrottled past the limit.
func (l *Live) UserBySubject(ctx context.Context, namespace, subject string) (*v1alpha1.AuthUser, error) {
	return bounded(ctx, l, source{namespace, l.users, l.Counts.Users}, "user/"+namespace+"/"+subject, func(ctx context.Context) (*v1alpha1.AuthUser, error) {
		return l.store.UserBySubject(ctx, namespace, subject)
	})
}

// source is what bounds and counts the lookups of one kind in one namespace.
type source struct {
	namespace string
	limiter   *limiter
	counts    *metrics.LiveCounts
}

func bounded[T any](ctx context.Context, l *Live, from source, key string, read func(context.Context) (T, error)) (T, error) {
	var none T
	if l.knownAbsent(key) {
		from.counts.Count(metrics.LiveRemembered)
		return none, ErrNotFound
	}
	var reads atomic.Bool
	result := l.flight.DoChan(key, func() (any, error) {
		reads.Store(true)
		if !from.limiter.allow(from.namespace, l.clock.Now()) {
			from.counts.Count(metrics.LiveThrottled)
			return nil, ErrThrottled
		}
		// Others wait for this read too: it must not end with the request that began it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), liveReadBudget)
		defer cancel()
		found, err := read(ctx)
		from.counts.Count(resultOf(err))
		if errors.Is(err, ErrNotFound) {
			l.rememberAbsent(key)
		}
		return found, err
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-result:
		if !reads.Load() {
			from.counts.Count(metrics.LiveCoalesced)
		}
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil //nolint:forcetypeassert // the flight of one key is of one type
	}
}

func resultOf(err error) metrics.LiveResult {
	switch {
	case err == nil:
		return metrics.LiveFound
	case errors.Is(err, ErrNotFound):
		return metrics.LiveAbsent
	}
	return metrics.LiveFailed
}

func (l *Live) knownAbsent(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.absent.Get(key)
	return ok && l.clock.Now().Before(until.(time.Time)) //nolint:forcetypeassert // only times are put in
}

func (l *Live) rememberAbsent(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent.Add(key, l.clock.Now().Add(negativeTTL))
}
