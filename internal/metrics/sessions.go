package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// SessionOperation is what the session store is asked for.
type SessionOperation int

// The operations.
const (
	SessionRoom SessionOperation = iota
	SessionCreate
	SessionRead
	SessionDelete
	SessionList
	sessionOperations
)

var sessionOperationLabels = [sessionOperations]string{"Room", "Create", "Read", "Delete", "List"}

// SessionStore measures the calls to a session store outside of Kubernetes. Its method may be called at
// once from many goroutines, and on nil.
type SessionStore struct {
	answered, failed [sessionOperations]prometheus.Observer
}

// sessionStoreBuckets reach from a call to the same machine to the limit of a second.
var sessionStoreBuckets = []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1}

// NewSessionStore makes and registers the histograms.
func NewSessionStore(registry prometheus.Registerer) (*SessionStore, error) {
	durations := SessionStoreDuration.HistogramVec(sessionStoreBuckets)
	s := &SessionStore{}
	for operation, label := range sessionOperationLabels {
		s.answered[operation] = durations.WithLabelValues(label, "Answered")
		s.failed[operation] = durations.WithLabelValues(label, "Failed")
	}
	return s, register(registry, durations)
}

// Called counts one call and how long it took. One that was not answered has failed.
func (s *SessionStore) Called(operation SessionOperation, answered bool, took time.Duration) {
	switch {
	case s == nil:
	case answered:
		s.answered[operation].Observe(took.Seconds())
	default:
		s.failed[operation].Observe(took.Seconds())
	}
}
