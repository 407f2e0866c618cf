package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

const (
	// ownWriteGrace is how long a status write is waited for. A watch that is later than that must
	// not keep a token from being renewed.
	ownWriteGrace = 10 * time.Second
	// ownWritePoll is how often it is looked for, where the event that brings it is late.
	ownWritePoll = time.Second
)

// ownWrites knows which status writes of a controller have not come back yet. Objects and their
// Secrets arrive by separate watches, so the event of a Secret often comes before that of the status
// written after it: a reconcile between the two would write the same status again, or look past the
// cache for it. The zero value is ready for use.
type ownWrites struct {
	mu      sync.Mutex
	pending map[types.NamespacedName]ownWrite
}

type ownWrite struct {
	version string // empty: it may have been written or not
	at      time.Time
}

// wrote remembers that a status write gave an object a version; empty where nothing was written.
func (w *ownWrites) wrote(key types.NamespacedName, version string, now time.Time) {
	if version == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == nil {
		w.pending = map[types.NamespacedName]ownWrite{}
	}
	w.pending[key] = ownWrite{version, now}
}

// doubted remembers that a status write has failed: it may have been carried out all the same.
func (w *ownWrites) doubted(key types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == nil {
		w.pending = map[types.NamespacedName]ownWrite{}
	}
	w.pending[key] = ownWrite{}
}

// awaited tells whether the object is older than the last write, and forgets that one once it has
// been seen. What has not come back in time is no longer waited for, but still outstanding.
func (w *ownWrites) awaited(object client.Object, now time.Time) bool {
	key := client.ObjectKeyFromObject(object)
	w.mu.Lock()
	defer w.mu.Unlock()
	write, pending := w.pending[key]
	if !pending || write.version == "" {
		return false
	}
	if freshness.HasReached(object.GetResourceVersion(), write.version) {
		delete(w.pending, key)
		return false
	}
	return now.Sub(write.at) < ownWriteGrace
}

// outstanding tells whether the last write, or one that may have been, has not been seen yet.
func (w *ownWrites) outstanding(key types.NamespacedName) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, pending := w.pending[key]
	return pending
}

// forget drops what is known of an object that is gone.
func (w *ownWrites) forget(key types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pending, key)
}
