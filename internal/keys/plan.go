package keys

import (
	"slices"
	"time"
)

// Policy is what a tenant's keys are to be like. Whatever else a decision rests
// on stands in the keyring.
type Policy struct {
	// Algorithms are those that the tenant signs with. One without keys gets its
	// first two at once. An algorithm that is asked for no more keeps its keys,
	// which go on rotating: a token may still come to need them.
	Algorithms []Algorithm
	// RotateEvery is how long a key signs before the next one does.
	RotateEvery time.Duration
	// MinStandby is how long a key is published before it signs. It has to exceed
	// the age that a copy of the key set may have, together with that of the
	// keyring which a replica serves it from.
	MinStandby time.Duration
	// Retain is how long a key stays published after the decision to sign with
	// another: the longest life of a token, and how late a replica may hear of
	// the decision.
	Retain time.Duration
	// RotateNow asks for a rotation as soon as MinStandby allows one.
	RotateNow bool
}

// Plan is what is to be done about a keyring at one moment. The zero value is
// nothing.
type Plan struct {
	// Rotate makes every standby current.
	Rotate bool
	// Add are the algorithms that lack a current key, a standby or both.
	Add []Algorithm
	// Drop are the ids of the keys that are of no use any more.
	Drop []string

	// NextRotation is when the next rotation may come, by schedule or because one
	// was asked for; where Rotate is set it is in the past.
	NextRotation time.Time
	// Next is the first moment after now at which there may be something to do.
	Next time.Time
}

// Empty tells that the keyring is as it should be.
func (p *Plan) Empty() bool { return !p.Rotate && len(p.Add) == 0 && len(p.Drop) == 0 }

// Plan decides what is to be done about the keyring now. Equal arguments give
// equal plans, whoever asks. After Carry a second Plan is empty.
func (r *Ring) Plan(now time.Time, policy Policy) Plan {
	plan := Plan{Add: r.lacking(policy.Algorithms)}
	freed := r.retire(&plan, now, policy.Retain)
	plan.NextRotation = later(r.nextRotation(now, policy), freed)
	plan.Rotate = len(plan.Add) == 0 && !now.Before(plan.NextRotation)
	if now.Before(plan.NextRotation) {
		plan.Next = earlier(plan.Next, plan.NextRotation)
	}
	return plan
}

// retire finds what is of no use any more, and when the next key will be. freed
// is when there is room for another rotation; zero where there is now.
func (r *Ring) retire(plan *Plan, now time.Time, retain time.Duration) (freed time.Time) {
	for _, key := range r.signing {
		if key.State != Retired && key.State != Revoked {
			continue
		}
		if end := key.Since.Add(retain); now.Before(end) {
			plan.Next = earlier(plan.Next, end)
		} else {
			plan.Drop = append(plan.Drop, key.ID)
		}
	}
	if len(r.signing)-len(plan.Drop)+len(r.current) > MaxSigningKeys {
		freed = plan.Next
	}
	return freed
}

// lacking lists the algorithms without a current key or a standby: those that
// are there in the order of the document, then those that are asked for.
func (r *Ring) lacking(asked []Algorithm) []Algorithm {
	var lacking []Algorithm
	for _, key := range r.signing {
		if key.State == Current && r.standby(key.Algorithm) == nil {
			lacking = append(lacking, key.Algorithm)
		}
	}
	for _, alg := range asked {
		if r.current[alg] == nil && !slices.Contains(lacking, alg) {
			lacking = append(lacking, alg)
		}
	}
	return lacking
}

// nextRotation is when all algorithms rotate together: once the first current
// key has signed for long enough, or at once on request, and when the last
// standby has been published for long enough.
func (r *Ring) nextRotation(now time.Time, policy Policy) (at time.Time) {
	var ready time.Time
	for _, key := range r.signing {
		switch key.State {
		case Current:
			at = earlier(at, key.Since.Add(policy.RotateEvery))
		case Standby:
			ready = later(ready, key.Since.Add(policy.MinStandby))
		}
	}
	if policy.RotateNow {
		at = earlier(at, now)
	}
	return later(at, ready)
}

// standby is the key of an algorithm that signs next; nil where there is none.
func (r *Ring) standby(alg Algorithm) *SigningKey {
	for _, key := range r.signing {
		if key.State == Standby && key.Algorithm == alg {
			return key
		}
	}
	return nil
}

// earlier is the first of two moments, of which the zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
