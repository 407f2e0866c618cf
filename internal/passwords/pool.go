package passwords

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// pool bounds the memory and the processors that hashing takes: so many hashes
// at a time in all, fewer for one tenant, and so many attempts waiting.
//
// A tenant's attempts queue for its own slots first and hold one while they
// queue for a worker, so no tenant has more than its slots in the common
// queue, which is served in order: whatever the others do, an attempt waits
// there behind a bounded number of theirs.
//
// What takes more memory than a worker has, or several processors, is done one
// at a time in the whole process. It waits for that before it waits for a
// worker, so it keeps none from the others.
type pool struct {
	workers *semaphore.Weighted
	large   *semaphore.Weighted
	slots   int // of each tenant
	places  int // of each tenant: running and waiting

	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is one tenant's share of the pool. It exists while somebody is in it.
type lane struct {
	tenant string
	inside int // guarded by pool.mu
	slots  *semaphore.Weighted
}

func newPool(workers, slots, queue int) *pool {
	return &pool{
		workers: semaphore.NewWeighted(int64(workers)),
		large:   semaphore.NewWeighted(1),
		slots:   slots,
		places:  slots + queue,
		lanes:   make(map[string]*lane),
	}
}

// enter takes a place in the tenant's lane, or fails with ErrOverloaded. Who
// entered has to leave.
func (p *pool) enter(tenant string) (*lane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[tenant]
	if l == nil {
		l = &lane{tenant: tenant, slots: semaphore.NewWeighted(int64(p.slots))}
		p.lanes[tenant] = l
	}
	if l.inside >= p.places {
		return nil, ErrOverloaded
	}
	l.inside++
	return l, nil
}

func (p *pool) leave(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.inside--; l.inside == 0 {
		delete(p.lanes, l.tenant)
	}
}

// run does the work when it is its turn. It gives up with the error of ctx;
// work that has begun is not interrupted.
func (p *pool) run(ctx context.Context, l *lane, isLarge bool, work func()) error {
	if err := l.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer l.slots.Release(1)
	if isLarge {
		if err := p.large.Acquire(ctx, 1); err != nil {
			return err
		}
		defer p.large.Release(1)
	}
	if err := p.workers.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.workers.Release(1)
	work()
	return nil
}
