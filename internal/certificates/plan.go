package certificates

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Action is one change of a bundle.
type Action string

const (
	// Keep changes nothing.
	Keep Action = "Keep"
	// CreateAuthority starts over, with an authority that nobody knows yet.
	CreateAuthority Action = "CreateAuthority"
	// DropRetired takes the retired authority out of the distributed bundle.
	DropRetired Action = "DropRetired"
	// Promote makes the published successor sign, and retires its predecessor without its key.
	Promote Action = "Promote"
	// PublishNext makes a successor and puts it into the distributed bundle. It does not sign yet.
	PublishNext Action = "PublishNext"
	// IssueServing makes a serving certificate.
	IssueServing Action = "IssueServing"
)

// Step is what to do with a bundle, and why, in words for a log or an Event.
type Step struct {
	Action Action
	Reason string
}

var errNoNames = errors.New("a serving certificate needs at least one DNS name or address")

// rule returns the zero Step where it has nothing to say. The bundle is nil for the first rule only.
type rule func(b *Bundle, want Wanted, now time.Time) Step

// The order matters: an authority is there before anything is asked of it, a successor takes over
// only after its predecessor's predecessor is gone, and what is served comes last, under whichever
// authority then signs.
var rules = []rule{createAuthority, dropRetired, promote, publishNext, issueServing}

// Plan says what to do next with a bundle, which is nil where there is none yet. Doing it may make
// another step due: Settle goes on until there is none.
func Plan(b *Bundle, want Wanted, now time.Time) Step {
	for _, rule := range rules {
		if step := rule(b, want, now); step.Action != "" {
			return step
		}
	}
	return Step{Action: Keep}
}

func createAuthority(b *Bundle, _ Wanted, now time.Time) Step {
	switch {
	case b == nil:
		return Step{CreateAuthority, "there is none yet"}
	case !hasExpired(b.Authority.Certificate, now):
		return Step{}
	case b.Next == nil || hasExpired(b.Next.Certificate, now):
		return Step{CreateAuthority, "the authority has expired and has no successor"}
	}
	return Step{}
}

func dropRetired(b *Bundle, _ Wanted, now time.Time) Step {
	if b.Retired == nil || !hasExpired(b.Retired.LastServing, now) {
		return Step{}
	}
	return Step{DropRetired, "the last certificate signed by the retired authority has expired"}
}

func promote(b *Bundle, want Wanted, now time.Time) Step {
	switch {
	case b.Next == nil || b.Retired != nil:
		return Step{}
	case hasExpired(b.Authority.Certificate, now):
		// Nothing that it signed is trusted any more, so there is nothing to wait for.
		return Step{Promote, "the authority has expired"}
	case now.Before(promotionTime(b, want)):
		return Step{}
	}
	return Step{Promote, "a serving certificate would outlive the authority"}
}

// promotionTime is when the successor has both been published for long enough and is needed.
func promotionTime(b *Bundle, want Wanted) time.Time {
	known := issuedAt(b.Next.Certificate).Add(want.Hold)
	needed := b.Authority.Certificate.NotAfter.Add(-ServingLifetime)
	if known.After(needed) {
		return known
	}
	return needed
}

func publishNext(b *Bundle, _ Wanted, now time.Time) Step {
	if b.Next != nil || now.Before(twoThirds(b.Authority.Certificate)) {
		return Step{}
	}
	return Step{PublishNext, "two thirds of the authority's life are over"}
}

func issueServing(b *Bundle, want Wanted, now time.Time) Step {
	switch {
	case b.Serving == nil:
		return Step{IssueServing, "the authority has signed none yet"}
	case !want.namedBy(b.Serving.Certificate):
		return Step{IssueServing, "the names have changed"}
	case canRenew(b) && !now.Before(twoThirds(b.Serving.Certificate)):
		return Step{IssueServing, "two thirds of the certificate's life are over"}
	}
	return Step{}
}

// canRenew says whether another certificate could live longer than the one that is served. One that
// ends with its authority has to wait for the successor.
func canRenew(b *Bundle) bool {
	return b.Serving.Certificate.NotAfter.Before(b.Authority.Certificate.NotAfter)
}

// Due is when Plan will next have something to do with a settled bundle, unless what is wanted
// changes before.
func Due(b *Bundle, want Wanted) time.Time {
	// A retired authority's due date is an expiry, and things are good up to their last second.
	due := b.Authority.Certificate.NotAfter.Add(time.Second)
	earlier := func(at time.Time) {
		if at.Before(due) {
			due = at
		}
	}
	if canRenew(b) {
		earlier(twoThirds(b.Serving.Certificate))
	}
	if b.Retired != nil {
		earlier(b.Retired.LastServing.NotAfter.Add(time.Second))
	}
	switch {
	case b.Next == nil:
		earlier(twoThirds(b.Authority.Certificate))
	case b.Retired == nil:
		earlier(promotionTime(b, want))
	}
	return due
}

// Settle carries out steps until none is due, and returns the bundle and what was done. A bundle
// that nothing is due for is returned as it is. It does not modify b, which is nil where there is
// none yet.
func Settle(random io.Reader, b *Bundle, want Wanted, now time.Time) (*Bundle, []Step, error) {
	if want.isEmpty() {
		return nil, nil, errNoNames
	}
	var done []Step
	for {
		step := Plan(b, want, now)
		if step.Action == Keep {
			return b, done, nil
		}
		settled, err := apply(random, b, step.Action, want, now)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", step.Action, err)
		}
		b, done = settled, append(done, step)
	}
}

func apply(random io.Reader, b *Bundle, action Action, want Wanted, now time.Time) (*Bundle, error) {
	var after Bundle
	if b != nil {
		after = *b
	}
	var err error
	switch action {
	case CreateAuthority:
		after = Bundle{}
		after.Authority, err = newAuthority(random, now)
	case DropRetired:
		after.Retired = nil
	case Promote:
		after.Retired = &Retired{Authority: b.Authority.Certificate, LastServing: b.Serving.Certificate}
		after.Authority, after.Next, after.Serving = b.Next, nil, nil
	case PublishNext:
		after.Next, err = newAuthority(random, now)
	case IssueServing:
		after.Serving, err = newServing(random, b.Authority, want, now)
	}
	return &after, err
}
