package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// LiveResult is what came of looking for what memory does not know.
type LiveResult int

// The results.
const (
	LiveFound LiveResult = iota
	LiveAbsent
	LiveFailed
	LiveCoalesced
	LiveRemembered
	LiveThrottled
	liveResults
)

var liveLabels = [liveResults]string{"Found", "Absent", "Failed", "Coalesced", "Remembered", "Throttled"}

// LiveCounts counts the lookups of one kind. Its method may be called at once from many goroutines,
// and on nil.
type LiveCounts struct {
	counters [liveResults]prometheus.Counter
}

// Count counts one lookup.
func (c *LiveCounts) Count(result LiveResult) {
	if c != nil {
		c.counters[result].Inc()
	}
}

// Live counts lookups. The zero value counts nothing.
type Live struct{ Sessions, Grants, Users *LiveCounts }

// NewLive makes and registers the counters.
func NewLive(registry prometheus.Registerer) (Live, error) {
	all := LiveReads.CounterVec()
	of := func(kind string) *LiveCounts {
		c := &LiveCounts{}
		for result, label := range liveLabels {
			c.counters[result] = all.WithLabelValues(kind, label)
		}
		return c
	}
	return Live{Sessions: of("AuthSession"), Grants: of("RefreshTokenGrant"), Users: of("AuthUser")}, register(registry, all)
}
