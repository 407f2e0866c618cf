package directory

import (
	"cmp"
	"fmt"
	"time"
)

// Standing is why something may not be used now; the zero value means that it may. The message is
// for the person who applied the object and never holds a secret.
type Standing struct {
	Reason  string
	Message string
}

// Good tells that nothing stands against it.
func (s Standing) Good() bool { return s.Reason == "" }

// NewStanding is what stands against something: a condition's reason, and its message in the manner of
// fmt.Sprintf.
func NewStanding(reason, format string, args ...any) Standing {
	return Standing{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// claim is one object's claim to a name that only one may hold.
type claim struct {
	incumbent bool // its status shows that it held the name before
	since     time.Time
	name      string
}

// before orders claims: incumbents are kept, then the older object wins, then the smaller name, so
// that all replicas agree without asking each other.
func (c claim) before(other claim) bool {
	if c.incumbent != other.incumbent {
		return c.incumbent
	}
	return cmp.Or(c.since.Compare(other.since), cmp.Compare(c.name, other.name)) < 0
}

// holderOf finds the row that holds a key among all that claim it.
func holderOf[T object](ix *index[T], key string, claimOf func(T, string) claim) (T, bool) {
	rows := ix.rows[key]
	if len(rows) <= 1 {
		return ix.first(key)
	}
	holder := rows[0]
	for _, other := range rows[1:] {
		if claimOf(other, key).before(claimOf(holder, key)) {
			holder = other
		}
	}
	return holder, true
}

// otherNames lists the names of the rows under a key, but for one.
func otherNames[T object](ix *index[T], key, except string) []string {
	var names []string
	for _, row := range ix.rows[key] {
		if name := row.GetName(); name != except {
			names = append(names, name)
		}
	}
	return names
}
