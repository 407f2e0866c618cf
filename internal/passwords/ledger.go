package passwords

import (
	"sync"
	"time"
)

// place is where an attempt is counted. The digests are keyed, so no login and
// no address stays in memory here.
type place struct {
	origin  digest // one login from one source
	account digest // one login
}

// ledger keeps the counts that the policy judges. It is safe for concurrent
// use.
type ledger struct {
	policy policy

	mu       sync.Mutex
	origins  table[*origin]   // by origin: those with failures or pending attempts
	buckets  table[*bucket]   // by account, and by origin for familiar ones: likewise
	familiar table[time.Time] // by origin: its last success
}

func newLedger(p policy, records int) *ledger {
	return &ledger{
		policy:   p,
		origins:  newTable[*origin](records),
		buckets:  newTable[*bucket](records),
		familiar: newTable[time.Time](records),
	}
}

// gate counts attempts that have a place and no outcome yet. Those that found
// no place wait for the channel to close, and then look again.
type gate struct {
	pending int
	settled chan struct{}
}

func (g *gate) wait() <-chan struct{} {
	if g.settled == nil {
		g.settled = make(chan struct{})
	}
	return g.settled
}

func (g *gate) leave() {
	g.pending--
	if g.settled != nil {
		close(g.settled)
		g.settled = nil
	}
}

type origin struct {
	gate
	tally tally
}

type bucket struct {
	gate
	ceiling ceiling
}

// ticket is a place taken in the count. It must be settled exactly once.
type ticket struct {
	origin    *origin
	bucket    *bucket
	originKey digest
	bucketKey digest
}

// judge tells what would become of an attempt, without taking a place.
func (l *ledger) judge(at place, now time.Time) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ofOrigin, ofBucket := l.look(at, now)
	return worse(ofOrigin, ofBucket)
}

// reserve takes a place. Without a ticket, an attempt that has to wait gets a
// channel that closes when looking again makes sense, and a refused one
// neither.
func (l *ledger) reserve(at place, now time.Time) (*ticket, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ofOrigin, ofBucket := l.look(at, now)
	switch {
	case worse(ofOrigin, ofBucket).state == closed:
		return nil, nil
	case ofOrigin.state == busy:
		return nil, t.origin.wait()
	case ofBucket.state == busy:
		return nil, t.bucket.wait()
	}
	t.origin.pending++
	l.origins.put(t.originKey, t.origin)
	t.bucket.pending++
	l.buckets.put(t.bucketKey, t.bucket)
	return &t, nil
}

// look finds the records of an attempt, or makes fresh ones that are not in
// the tables yet, and has them judged. Strange sources share the bucket of the
// login, a familiar one has a bucket to itself.
func (l *ledger) look(at place, now time.Time) (t ticket, ofOrigin, ofBucket verdict) {
	t = ticket{originKey: at.origin, bucketKey: at.account}
	if success, ok := l.familiar.get(at.origin); ok && l.policy.isFamiliar(success, now) {
		t.bucketKey = at.origin
	}
	var ok bool
	if t.origin, ok = l.origins.get(t.originKey); !ok {
		t.origin = &origin{}
	}
	if t.bucket, ok = l.buckets.get(t.bucketKey); !ok {
		t.bucket = &bucket{}
	}
	ofOrigin = l.policy.judgeSource(t.origin.tally, t.origin.pending, now)
	ofBucket = l.policy.judgeLogin(t.bucket.ceiling, t.bucket.pending, now)
	return t, ofOrigin, ofBucket
}

// outcome is what became of an attempt.
type outcome int

const (
	withdrawn outcome = iota // nobody looked at the password: nothing is counted
	failed
	passed
)

// settle gives a place back and counts the outcome. Records that say nothing
// any more leave the tables.
func (l *ledger) settle(t *ticket, o outcome, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch o {
	case failed:
		t.origin.tally = l.policy.fail(t.origin.tally, now)
		t.bucket.ceiling = l.policy.charge(t.bucket.ceiling, now)
	case passed:
		t.origin.tally = tally{}
		l.familiar.put(t.originKey, now)
	case withdrawn:
	}
	t.origin.leave()
	l.drop(t.originKey, t.origin)
	t.bucket.leave()
	if t.bucket.pending == 0 && t.bucket.ceiling.debt(now) == 0 {
		l.buckets.remove(t.bucketKey)
	}
}

// welcome counts a success that needed no place, because the cache knew it.
func (l *ledger) welcome(at place, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.origins.get(at.origin); ok {
		known.tally = tally{}
		l.drop(at.origin, known)
	}
	l.familiar.put(at.origin, now)
}

// drop removes the record of an origin if it says nothing.
func (l *ledger) drop(key digest, o *origin) {
	if o.pending == 0 && o.tally.failures == 0 {
		l.origins.remove(key)
	}
}
