package passwords

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// ErrMismatch is the answer to a wrong password, to a user without one and to
// a login that nobody has.
var ErrMismatch = errors.New("wrong login or password")

// ErrOverloaded says that too many attempts of this tenant are waiting already.
// Nothing was compared and nothing was counted.
var ErrOverloaded = errors.New("too many logins are waiting to be checked")

// LockedError refuses an attempt that was not looked at, because too many
// failed before it. It says nothing about whether the password was right or
// the login exists.
type LockedError struct {
	// RetryAfter is how long further attempts are refused, above zero. An
	// HTTP answer rounds it up to whole seconds.
	RetryAfter time.Duration
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("too many failed logins, retry after %s", e.RetryAfter)
}

// Attempt is one try to log in.
type Attempt struct {
	// Tenant is the namespace. Whoever calls has made sure that it exists:
	// workers are shared out by it.
	Tenant string
	// Login is what was typed, in any case: the lockout folds it with
	// strings.ToLower, and the lookup of users has to fold it the same way,
	// or one login gets several counts.
	Login string
	// Account is what failures count for instead of the login, where it is not empty: logins change, and
	// whoever may change one must get no fresh tally with it. No login is taken for an account.
	Account string
	// Source is where the attempt comes from; see Source.
	Source string
	// Password is what was presented.
	Password sensitive.String
	// Subject is the user's, and empty for a login that nobody has.
	Subject string
	// Materials are the user's current passwords. None: nobody has the login,
	// or its user may not log in with a password.
	Materials []Material
	// Shape is the work to do where there are no materials: the same each time
	// for one login, or a stopwatch tells that nobody has it.
	Shape Shape
}

// question is an attempt as the stages look at it.
type question struct {
	place     place
	password  sensitive.String
	materials []Material
	proofs    []digest // one for each material
}

func (p *process) question(a *Attempt) question {
	counted := []string{a.Tenant, strings.ToLower(a.Login)}
	if a.Account != "" {
		counted = []string{a.Tenant, "", a.Account}
	}
	q := question{
		place: place{
			origin:  p.digest("origin", append(counted, a.Source)...),
			account: p.digest("account", counted...),
		},
		password:  a.Password,
		materials: a.Materials,
	}
	if len(q.materials) == 0 {
		q.materials = []Material{p.decoyOf(a.Shape)}
	}
	q.proofs = make([]digest, 0, len(q.materials))
	for _, m := range q.materials {
		q.proofs = append(q.proofs, p.proof(a.Tenant, a.Subject, m, a.Password))
	}
	return q
}

// isLarge tells whether an attempt takes more than a worker has.
func (q *question) isLarge() bool {
	return slices.ContainsFunc(q.materials, func(m Material) bool { return m.Shape().isLarge() })
}

// Source names the place that failures from an address count for: an IPv4
// address by itself, also when it is written as an IPv6 one, and the /64
// network of an IPv6 address, because whoever has one address of it usually
// has them all. An invalid address is a source of its own, the empty one.
func Source(address netip.Addr) string {
	address = address.Unmap()
	if !address.IsValid() {
		return ""
	}
	if address.Is4() {
		return address.String()
	}
	// A /64 of a valid IPv6 address always exists.
	network, _ := address.Prefix(64)
	return network.String()
}

// VerifySecret compares a client's secret, in constant time, with the current
// one and the one before it, which is empty where there is none: the work is
// the same. It has no stretch and no lockout: it is for secrets that were
// generated, which nobody can guess. An empty secret verifies nothing.
func VerifySecret(presented, current, previous sensitive.String) bool {
	isCurrent, isPrevious := presented.Equal(current), presented.Equal(previous)
	return (isCurrent || isPrevious) && !presented.IsZero()
}
