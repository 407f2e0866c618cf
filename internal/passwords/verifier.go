package passwords

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"k8s.io/utils/clock"
)

// MaxCacheTTL is the longest time for which a verified password may be taken
// as verified without hashing it again.
const MaxCacheTTL = 5 * time.Minute

// Options are the limits of a Verifier. Zero stands for the default; below
// zero is an error.
type Options struct {
	// Workers is how many passwords are hashed at a time, each in 19 MiB, or
	// one of them in up to 64 MiB where imported hashes ask for that.
	// Default: GOMAXPROCS.
	Workers int
	// WorkersPerTenant is how many of them one tenant may keep busy.
	// Default: half of Workers, at least one.
	WorkersPerTenant int
	// QueuePerTenant is how many attempts of one tenant may wait.
	// Default: 128, which two workers serve within four seconds.
	QueuePerTenant int
	// CacheTTL is how long a verified password needs no hash, at most and by
	// default MaxCacheTTL.
	CacheTTL time.Duration
	// CacheSize is how many verified passwords are remembered.
	// Default: 16384, about 4 MiB.
	CacheSize int
	// Records is how many entries each of the three tables of the lockout
	// holds. Default: 32768, about 8 MiB a table.
	Records int
}

func (o Options) complete() (Options, error) {
	if o.CacheTTL < 0 || o.CacheTTL > MaxCacheTTL {
		return o, fmt.Errorf("a verified password may be remembered for 0s to %s, not %s", MaxCacheTTL, o.CacheTTL)
	}
	if min(o.Workers, o.WorkersPerTenant, o.QueuePerTenant, o.CacheSize, o.Records) < 0 {
		return o, errors.New("limits for password checks cannot be negative")
	}
	o.Workers = orDefault(o.Workers, runtime.GOMAXPROCS(0))
	o.WorkersPerTenant = orDefault(o.WorkersPerTenant, max(1, o.Workers/2))
	o.QueuePerTenant = orDefault(o.QueuePerTenant, 128)
	o.CacheTTL = orDefault(o.CacheTTL, MaxCacheTTL)
	o.CacheSize = orDefault(o.CacheSize, 16384)
	o.Records = orDefault(o.Records, 32768)
	return o, nil
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Verifier checks passwords. One serves the whole process, and is safe for
// concurrent use.
type Verifier struct {
	clock   clock.PassiveClock
	process *process
	ledger  *ledger
	cache   *cache
	pool    *pool
	load    load
	random  io.Reader
}

// New makes a Verifier that remembers nothing yet. It reads its keys from
// random once, and fails if it cannot or if an option is out of bounds. The
// salts of new hashes come from random too, for several goroutines at once.
func New(clock clock.PassiveClock, random io.Reader, options Options) (*Verifier, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	process, err := newProcess(random)
	if err != nil {
		return nil, err
	}
	return &Verifier{
		clock:   clock,
		process: process,
		ledger:  newLedger(standard, options.Records),
		cache:   newCache(options.CacheTTL, options.CacheSize),
		pool:    newPool(options.Workers, options.WorkersPerTenant, options.QueuePerTenant),
		random:  random,
	}, nil
}

// Verify returns the index of the material that the presented password is.
//
// Otherwise the error is ErrMismatch, a *LockedError, ErrOverloaded, or wraps
// the one of ctx, which ends waiting but not a hash that has begun; the index
// is then -1. Only ErrMismatch and success are counted by the lockout.
//
// A success says that the password is right, not that its user may log in:
// whoever calls checks that afterwards, so that a disabled user costs the same
// work. No error holds a login or a password.
func (v *Verifier) Verify(ctx context.Context, attempt Attempt) (int, error) {
	q := v.process.question(&attempt)
	if index, err := v.recall(&q); !errors.Is(err, errUndecided) {
		return index, err
	}
	lane, err := v.pool.enter(attempt.Tenant)
	if err != nil {
		return noMatch, err
	}
	defer v.pool.leave(lane)
	for {
		ticket, settled := v.ledger.reserve(q.place, v.clock.Now())
		if ticket != nil {
			return v.examine(ctx, lane, ticket, &q)
		}
		if settled != nil {
			if err := wait(ctx, settled); err != nil {
				return noMatch, err
			}
		}
		// Either it is locked now, or another attempt has answered.
		if index, err := v.recall(&q); !errors.Is(err, errUndecided) {
			return index, err
		}
	}
}

// errUndecided says that only the hash can tell.
var errUndecided = errors.New("undecided")

// recall answers without work: the lockout first, then the cache. A right
// password needs no place in the count, so it does not wait for one.
func (v *Verifier) recall(q *question) (int, error) {
	now := v.clock.Now()
	if verdict := v.ledger.judge(q.place, now); verdict.state == closed {
		return noMatch, &LockedError{RetryAfter: verdict.wait}
	}
	index := v.cache.find(q.proofs, now)
	if index == noMatch {
		return noMatch, errUndecided
	}
	v.ledger.welcome(q.place, now)
	return index, nil
}

// examine has the password hashed and counts the outcome. It settles the
// ticket whatever happens.
func (v *Verifier) examine(ctx context.Context, l *lane, t *ticket, q *question) (int, error) {
	outcome := withdrawn
	defer func() { v.ledger.settle(t, outcome, v.clock.Now()) }()
	index := noMatch
	turn := v.load.queue(v.clock.Now())
	defer turn.leave()
	err := v.pool.run(ctx, l, q.isLarge(), func() {
		turn.begin(v.clock.Now())
		index = v.decide(q)
	})
	if err != nil {
		return noMatch, fmt.Errorf("waiting for a worker: %w", err)
	}
	if index == noMatch {
		outcome = failed
		return noMatch, ErrMismatch
	}
	outcome = passed
	return index, nil
}

// decide runs on a worker. It looks into the cache once more: while this
// attempt waited, an equal one may have been verified. Whoever settles after
// it finds a right password there.
func (v *Verifier) decide(q *question) int {
	if index := v.cache.find(q.proofs, v.clock.Now()); index != noMatch {
		return index
	}
	v.load.hashed.Add(1)
	index := v.process.match(q.password, q.materials)
	if index != noMatch {
		v.cache.remember(q.proofs[index], v.clock.Now())
	}
	return index
}

func wait(ctx context.Context, settled <-chan struct{}) error {
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for other attempts: %w", ctx.Err())
	}
}
