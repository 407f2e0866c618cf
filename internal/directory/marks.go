package directory

import (
	"errors"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

// Why nothing may be concluded from what a directory holds of a namespace: a user who is not found may
// be there, and a revocation may be missing.
var (
	// ErrUnread: it has not been read whole yet.
	ErrUnread = errors.New("the namespace has not been read yet")
	// ErrStale: it was read, and nobody knows any more whether it is still so.
	ErrStale = errors.New("what is known of the namespace is too old")
	// ErrLost: the API server says that it may not be read, or not any more.
	ErrLost = errors.New("the namespace may not be read")
)

// mark is how far a namespace is known.
type mark struct {
	until time.Time
	lost  bool
}

// MarkRead says that everything in a namespace is known, and until when that may be relied on; in the
// empty one: everywhere.
func (d *Directory) MarkRead(namespace string, until time.Time) {
	d.setMark(namespace, mark{until: until})
}

// MarkLost says that a namespace cannot be read, whether it was before or not, which MarkRead takes
// back; the empty one: everywhere. What is known of it stays.
func (d *Directory) MarkLost(namespace string) { d.setMark(namespace, mark{lost: true}) }

// setMark tells the subscribers where a namespace could not be read before and can now, or the other
// way round.
func (d *Directory) setMark(namespace string, m mark) {
	d.mu.Lock()
	before, marked := d.marks[namespace]
	d.marks[namespace] = m
	d.mu.Unlock()
	if !marked || before.lost != m.lost {
		d.notify(Change{Namespaces, namespace, namespace})
	}
}

// Await says that a namespace is about to be read; the empty one: all of them.
func (d *Directory) Await(namespace string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.awaited[namespace] = true
}

// IsWatched tells whether a namespace has been read, or is to be. What is not found in one that is not
// watched is not there.
func (d *Directory) IsWatched(namespace string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.awaited[namespace] || d.awaited[""] || d.isMarked(namespace)
}

// IsAwaited tells whether a namespace is to be read and nothing is known of it yet.
func (d *Directory) IsAwaited(namespace string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return (d.awaited[namespace] || d.awaited[""]) && !d.isMarked(namespace)
}

// isMarked needs the lock.
func (d *Directory) isMarked(namespace string) bool {
	_, itself := d.marks[namespace]
	_, all := d.marks[""]
	return itself || all
}

// Known tells whether what is held of a namespace may be relied on now: nil, ErrUnread, ErrStale or
// ErrLost. It is over when either the wall clock, which runs on while a machine sleeps, or the time that
// has passed says so.
func (d *Directory) Known(namespace string, now time.Time) error {
	d.mu.RLock()
	m, marked := d.marks[namespace]
	if !marked {
		m, marked = d.marks[""]
	}
	d.mu.RUnlock()
	switch {
	case !marked:
		return ErrUnread
	case m.lost:
		return ErrLost
	case freshness.Age(now, m.until) >= 0:
		return ErrStale
	}
	return nil
}
