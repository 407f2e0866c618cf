package passwords

import "k8s.io/utils/lru"

// table is a bounded map from digests that forgets its least recently used
// entry. It is safe for concurrent use.
type table[V any] struct{ entries *lru.Cache }

func newTable[V any](size int) table[V] { return table[V]{entries: lru.New(size)} }

func (t table[V]) get(key digest) (V, bool) {
	value, _ := t.entries.Get(key)
	typed, ok := value.(V)
	return typed, ok
}

func (t table[V]) put(key digest, value V) { t.entries.Add(key, value) }

func (t table[V]) remove(key digest) { t.entries.Remove(key) }
