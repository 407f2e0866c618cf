package passwords

import (
	"cmp"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Material is one current password of a user. The zero value matches nothing.
type Material struct {
	clear    sensitive.String
	imported *imported // nil where the text is known
}

// Clear is a password whose text is known. An empty one matches nothing.
func Clear(password sensitive.String) Material { return Material{clear: password} }

// Shape is the work that comparing with this material takes.
func (m Material) Shape() Shape {
	if m.imported == nil {
		return Shape{}
	}
	return m.imported.shape
}

// proof names the fact that a presented password is this material. An imported
// hash and a password that reads like it are two things.
func (p *process) proof(tenant, subject string, m Material, presented sensitive.String) digest {
	if m.imported != nil {
		return p.digest("proof of a hash", tenant, subject, m.imported.encoded.Reveal(), presented.Reveal())
	}
	return p.digest("proof", tenant, subject, m.clear.Reveal(), presented.Reveal())
}

// Shape is the work that one comparison takes: two comparisons of one shape
// take the same time and the same memory. It says nothing about a password. The
// zero value is the work for a password whose text is known. Shapes can be
// compared with == and be keys of a map.
type Shape struct {
	scheme scheme
	cost   uint32 // passes, log2 of the rounds, or iterations
	memory uint32 // in KiB; zero where it does not count
	lanes  uint8
}

// Compare orders shapes: the order means nothing, and is the same everywhere.
func (s Shape) Compare(other Shape) int {
	return cmp.Or(
		cmp.Compare(s.scheme, other.scheme), cmp.Compare(s.cost, other.cost),
		cmp.Compare(s.memory, other.memory), cmp.Compare(s.lanes, other.lanes),
	)
}

// isLarge tells whether the work takes more memory than a worker has, or more
// processors than one.
func (s Shape) isLarge() bool { return s.memory > hashKiB || s.lanes > hashLanes }
