package rotation

import "time"

// Policy says how often a credential gives way, in whole seconds. The zero value: never.
type Policy struct {
	// Every is how long a credential is in use; zero: for good.
	Every time.Duration
	// Overlap is how long the credential before is good beside the new one, at most Every.
	Overlap time.Duration
}

// Generation is the seconds from which the credentials that count are derived. The zero value stands
// for none.
type Generation struct {
	Current time.Time
	// Previous is zero where the current one alone counts.
	Previous time.Time
}

// IsZero tells that no credential was made yet.
func (g Generation) IsZero() bool { return g.Current.IsZero() }

// Decide is what a generation shall be now: itself, or without the credential before it, whose time
// is up, or the next one. A clock that was set back changes nothing: what a generation no longer names
// stays ended, and the next one waits for its second.
func (p Policy) Decide(g Generation, now time.Time) Generation {
	if next := p.latest(g.Current, now); next.After(g.Current) {
		g = Generation{Current: next, Previous: g.Current}
	}
	if !g.Previous.IsZero() && !now.Before(p.OverlapEnd(g)) {
		g.Previous = time.Time{}
	}
	return g
}

// latest is the second from which the credential of now is derived: whole periods after the one found,
// however many were missed, so that two who decide at about the same time derive the same credential.
// Where that second lies back by half of the overlap or more, halves of it are added: whoever has to
// take up the new credential gets at least half of the overlap for it.
func (p Policy) latest(current, now time.Time) time.Time {
	if p.Every <= 0 || now.Sub(current) < p.Every {
		return current
	}
	due := current.Add(now.Sub(current).Truncate(p.Every))
	if half := (p.Overlap / 2).Truncate(time.Second); half > 0 {
		due = due.Add(now.Sub(due).Truncate(half))
	}
	return due
}

// OverlapEnd is from when on the credential before is not good any more; zero where there is none.
func (p Policy) OverlapEnd(g Generation) time.Time {
	if g.Previous.IsZero() {
		return time.Time{}
	}
	return g.Current.Add(p.Overlap)
}

// RotationTime is when the next credential is made; zero where that is never.
func (p Policy) RotationTime(g Generation) time.Time {
	if g.IsZero() || p.Every <= 0 {
		return time.Time{}
	}
	return g.Current.Add(p.Every)
}
