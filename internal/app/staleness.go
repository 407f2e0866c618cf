package app

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

// everyNamespace is what cluster mode's one view is called in metrics.
const everyNamespace = "*"

var watchStaleness = prometheus.NewDesc("grantkeeper_watch_staleness_seconds",
	"How old at most that may be which this replica knows of a namespace; absent before it has been read. Minutes are usual, and past --max-staleness the tenant is not served.",
	[]string{"namespace"}, nil)

// staleness is a prometheus.Collector of the age of views.
type staleness struct {
	clock clock.PassiveClock
	views []*view
}

// Describe implements prometheus.Collector.
func (s *staleness) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- watchStaleness }

// Collect implements prometheus.Collector.
func (s *staleness) Collect(metrics chan<- prometheus.Metric) {
	now := s.clock.Now()
	for _, v := range s.views {
		if asOf, _ := v.asOf(); !asOf.IsZero() {
			metrics <- prometheus.MustNewConstMetric(watchStaleness, prometheus.GaugeValue,
				max(freshness.Age(now, asOf), 0).Seconds(), cmp.Or(v.namespace, everyNamespace))
		}
	}
}
