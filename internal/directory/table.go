package directory

import (
	"cmp"
	"slices"
)

// table holds rows by object name, and by the keys of each of its indexes. It has no lock of its
// own: a tenant's tables share the tenant's.
type table[T any] struct {
	rows    map[string]T
	indexes []*index[T]
}

// index finds rows by keys that are not unique. The rows of a key are ordered by object name, so
// that every replica sees them in one order.
type index[T any] struct {
	keys func(T) []string
	rows map[string][]named[T]
}

type named[T any] struct {
	name string
	row  T
}

// newIndex makes an index over the keys that keysOf gives; an empty key is left out.
func newIndex[T any](keysOf func(T) []string) *index[T] {
	return &index[T]{keys: keysOf, rows: map[string][]named[T]{}}
}

func newTable[T any](indexes ...*index[T]) *table[T] {
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
			at, _ := ix.find(key, name)
			ix.rows[key] = slices.Insert(ix.rows[key], at, named[T]{name, row})
		}
	}
}

func (t *table[T]) remove(name string) {
	old, ok := t.rows[name]
	if !ok {
		return
	}
	delete(t.rows, name)
	for _, ix := range t.indexes {
		for _, key := range ix.distinct(old) {
			if at, found := ix.find(key, name); found {
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

func (ix *index[T]) find(key, name string) (int, bool) {
	return slices.BinarySearchFunc(ix.rows[key], name, func(row named[T], name string) int {
		return cmp.Compare(row.name, name)
	})
}

// first gives the only row of most keys without an allocation.
func (ix *index[T]) first(key string) (T, bool) {
	rows := ix.rows[key]
	if len(rows) == 0 {
		var none T
		return none, false
	}
	return rows[0].row, true
}

func (ix *index[T]) all(key string) []T {
	rows := ix.rows[key]
	all := make([]T, len(rows))
	for i := range rows {
		all[i] = rows[i].row
	}
	return all
}
