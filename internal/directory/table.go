package directory

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// table holds rows by object name, and by the keys of each of its indexes. It has no lock of its
// own: a tenant's tables share the tenant's.
type table[T object] struct {
	rows    map[string]T
	indexes []*index[T]
}

// object is what a row stands for.
type object interface {
	GetNamespace() string
	GetName() string
	GetUID() types.UID
}

// index finds rows by keys that are not unique. The rows of a key are ordered by object name and namespace,
// so that every replica sees them in one order.
type index[T object] struct {
	keys func(T) []string
	rows map[string][]T
}

// newIndex makes an index over the keys that keysOf gives; an empty key is left out.
func newIndex[T object](keysOf func(T) []string) *index[T] {
	return &index[T]{keys: keysOf, rows: map[string][]T{}}
}

func newTable[T object](indexes ...*index[T]) *table[T] {
	return &table[T]{rows: map[string]T{}, indexes: indexes}
}

func (t *table[T]) get(name string) (T, bool) {
	row, ok := t.rows[name]
	return row, ok
}

func (t *table[T]) put(name string, row T) {
	t.remove(name)
	t.rows[name] = row
	for _, ix := range t.indexes {
		for _, key := range ix.distinct(row) {
			at, _ := ix.find(key, row)
			ix.rows[key] = slices.Insert(ix.rows[key], at, row)
		}
	}
}

// hasRoom tells whether fewer rows than a limit count. Which do is asked only where that many are there.
func (t *table[T]) hasRoom(limit int, counts func(T) bool) bool {
	if len(t.rows) < limit {
		return true
	}
	counted := 0
	for _, row := range t.rows {
		if counts(row) {
			counted++
		}
	}
	return counted < limit
}

// drop removes the row of an object that is gone, unless another object of its name has taken its place.
func (t *table[T]) drop(name string, gone object) {
	if row, ok := t.rows[name]; ok && isGone(row, gone) {
		t.remove(name)
	}
}

// isGone tells whether a row is that of an object that is gone. One without a UID was told before it was
// written, and goes with whatever bears its name.
func isGone(row, gone object) bool { return row.GetUID() == "" || row.GetUID() == gone.GetUID() }

func (t *table[T]) remove(name string) {
	old, ok := t.rows[name]
	if !ok {
		return
	}
	delete(t.rows, name)
	for _, ix := range t.indexes {
		for _, key := range ix.distinct(old) {
			if at, found := ix.find(key, old); found {
				ix.rows[key] = slices.Delete(ix.rows[key], at, at+1)
			}
			if len(ix.rows[key]) == 0 {
				delete(ix.rows, key)
			}
		}
	}
}

// distinct sorts the keys of a row, which stay as they are: they may be the row's own.
func (ix *index[T]) distinct(row T) []string {
	keys := slices.DeleteFunc(slices.Clone(ix.keys(row)), func(key string) bool { return key == "" })
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (ix *index[T]) find(key string, row T) (int, bool) {
	return slices.BinarySearchFunc(ix.rows[key], row, func(a, b T) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetNamespace(), b.GetNamespace()))
	})
}

// first gives the only row of most keys without an allocation.
func (ix *index[T]) first(key string) (T, bool) {
	rows := ix.rows[key]
	if len(rows) == 0 {
		var none T
		return none, false
	}
	return rows[0], true
}

func (ix *index[T]) all(key string) []T { return slices.Clone(ix.rows[key]) }
