package app

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

var watchStaleness = metrics.WatchStaleness.Desc()

// staleness is a prometheus.Collector of the age of views.
type staleness struct {
	clock clock.PassiveClock
	views []*view
}

// Describe implements prometheus.Collector.
func (s *staleness) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- watchStaleness }

// Collect implements prometheus.Collector.
func (s *staleness) Collect(collected chan<- prometheus.Metric) {
	now := s.clock.Now()
	for _, v := range s.views {
		if asOf, _ := v.asOf(); !asOf.IsZero() {
			collected <- prometheus.MustNewConstMetric(watchStaleness, prometheus.GaugeValue,
				max(freshness.Age(now, asOf), 0).Seconds(), metrics.NamespaceLabel(v.namespace))
		}
	}
}
