package endpoint

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

// classes are the values of the label "code". Exact codes would multiply the series and tell little
// that the log does not.
var classes = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// timings are the histograms of one operation by class of status, resolved when first needed: the
// series that never occur are never exported, and a request pays for no label lookup.
type timings [len(classes)]atomic.Pointer[prometheus.Observer]

// Metrics are what the server tells about requests. Routes are labelled by their template, without
// the tenant.
type Metrics struct {
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter
}

// NewMetrics makes and registers the server's metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		duration: metrics.RequestDuration.HistogramVec([]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}),
		inFlight: metrics.RequestsInFlight.Gauge(),
		panics:   metrics.Panics.Counter(),
	}
	for _, collector := range []prometheus.Collector{m.duration, m.inFlight, m.panics} {
		if err := registry.Register(collector); err != nil {
			return nil, fmt.Errorf("register metrics of the endpoint: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) observe(operation *operation, status int, elapsed time.Duration) {
	class := min(max(status/100-1, 0), len(classes)-1)
	slot := &operation.timings[class]
	observer := slot.Load()
	if observer == nil {
		resolved := m.duration.WithLabelValues(operation.route, operation.method, classes[class])
		observer = &resolved
		slot.Store(observer)
	}
	(*observer).Observe(elapsed.Seconds())
}
