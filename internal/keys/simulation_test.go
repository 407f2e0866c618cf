package keys

import (
	"crypto/rand"
	"encoding/json"
	randv2 "math/rand/v2"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The bounds that the simulation keeps to.
const (
	simTTL       = 24 * time.Hour
	simStaleness = time.Hour
	simMaxAge    = 5 * time.Minute
	simStep      = time.Minute
)

// simulation is a tenant over many rotations: a leader who crashes, replicas that hear late of what it
// wrote, and offline validators who hold a copy of the key set for as long as they may and never ask
// again before that.
type simulation struct {
	random  *randv2.Rand
	policy  Policy
	written []version // by the leader, oldest first
	// alive is until when tokens of a key may live.
	alive      map[string]time.Time
	validators []validator
	rotations  int
	failures   int
}

type version struct {
	at   time.Time
	ring *Ring
}

type validator struct {
	fetched time.Time
	known   map[string]bool
}

func newSimulation(t *testing.T, policy Policy) *simulation {
	t.Helper()
	return &simulation{
		random:     randv2.New(randv2.NewPCG(1, 2)),
		policy:     policy,
		written:    []version{{testNow, mustGenerate(t, EdDSA)}},
		alive:      map[string]time.Time{},
		validators: make([]validator, 8),
	}
}

// run lets time pass.
func (s *simulation) run(t *testing.T, span time.Duration) {
	t.Helper()
	for now := testNow; now.Before(testNow.Add(span)); now = now.Add(simStep) {
		s.lead(t, now)
		for range 2 { // each replica with a lateness of its own
			signer := testSigner(t, s.seen(now), EdDSA)
			s.alive[signer.ID] = now.Add(simTTL)
			if _, ok := s.seen(now).SigningKey(signer.ID); !ok {
				s.failures++ // the endpoint of another replica
			}
		}
		for i := range s.validators {
			s.validate(t, &s.validators[i], now)
		}
	}
}

// lead carries out what is due, unless the leader crashes before it has written.
func (s *simulation) lead(t *testing.T, now time.Time) {
	t.Helper()
	policy := s.policy
	policy.RotateNow = s.random.IntN(300) == 0
	last := s.written[len(s.written)-1].ring
	plan := last.Plan(now, policy)
	if plan.Empty() || s.random.IntN(3) == 0 {
		return
	}
	next, err := last.Carry(rand.Reader, now, plan)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Rotate {
		s.rotations++
	}
	s.written = append(s.written, version{now, next})
}

// seen is the keyring as a replica has it that is as late as it may be, or less.
func (s *simulation) seen(now time.Time) *Ring {
	horizon := now.Add(-time.Duration(s.random.Int64N(int64(simStaleness))))
	seen := s.written[0].ring
	for _, v := range s.written[1:] {
		if !v.at.After(horizon) {
			seen = v.ring
		}
	}
	return seen
}

// validate checks one token of every key that may still have one.
func (s *simulation) validate(t *testing.T, v *validator, now time.Time) {
	t.Helper()
	if now.Sub(v.fetched) >= simMaxAge+time.Duration(s.random.Int64N(int64(simMaxAge))) {
		v.fetched, v.known = now, publishedBy(t, s.seen(now))
	}
	for id, until := range s.alive {
		if now.Before(until) && !v.known[id] {
			s.failures++
		}
	}
}

func publishedBy(t *testing.T, ring *Ring) map[string]bool {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(ring.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, key := range set.Keys {
		known[key.KeyID] = true
	}
	return known
}

func TestNoValidatorEverMeetsATokenBeforeItsKeyOrAfterIt(t *testing.T) {
	t.Parallel()
	right := Policy{RotateEvery: 30 * time.Hour, MinStandby: simStaleness + 2*simMaxAge + simStep, Retain: simTTL + simStaleness}
	early, short := right, right
	early.MinStandby = simMaxAge
	short.Retain = simTTL / 2
	for name, tc := range map[string]struct {
		policy Policy
		fails  bool
	}{
		"with times that are long enough":                 {policy: right},
		"but for a standby that signs too early":          {policy: early, fails: true},
		"but for a retired key that is dropped too early": {policy: short, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, tc.policy)
			s.run(t, 10*24*time.Hour)
			if s.rotations < 5 {
				t.Errorf("only %d rotations", s.rotations)
			}
			if (s.failures > 0) != tc.fails {
				t.Errorf("%d failures in %d rotations", s.failures, s.rotations)
			}
		})
	}
}
