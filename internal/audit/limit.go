package audit

import (
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The refusals of one tenant and one event that get a line: so many at once, and then one each second,
// which is some 40 MiB a day at most.
const (
	refusalBurst = 100
	refusalRate  = rate.Limit(1)
)

// refused is what has a bound of its own: a flood of one kind of refusals, which may need no
// credentials at all, hides no other kind.
type refused struct {
	tenant string
	event  Event
}

// refusals bounds the lines about refusals, and counts those that have none. Tenants are known ones,
// so there are not too many.
type refusals struct {
	mu         sync.Mutex
	limiters   map[refused]*rate.Limiter
	suppressed map[string]uint64 // since they were last told
}

func newRefusals() *refusals {
	return &refusals{limiters: map[refused]*rate.Limiter{}, suppressed: map[string]uint64{}}
}

// admit tells whether a refusal gets a line now.
func (r *refusals) admit(of refused, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter, ok := r.limiters[of]
	if !ok {
		limiter = rate.NewLimiter(refusalRate, refusalBurst)
		r.limiters[of] = limiter
	}
	if limiter.AllowN(now, 1) {
		return true
	}
	r.suppressed[of.tenant]++
	return false
}

// settle gives the records that tell of refusals without a line, and begins to count anew.
func (r *refusals) settle() (told []Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tenant := range slices.Sorted(maps.Keys(r.suppressed)) {
		told = append(told, Record{Event: RefusalsSuppressed, Tenant: tenant, Count: r.suppressed[tenant]})
	}
	clear(r.suppressed)
	return told
}
