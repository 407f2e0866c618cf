package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// register stops at the first collector that is there already.
func register(registry prometheus.Registerer, collectors ...prometheus.Collector) error {
	for _, collector := range collectors {
		if err := registry.Register(collector); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

// Reading is a metric without labels whose value is asked for when it is needed.
type Reading struct {
	Of *Definition
	// Value is called from several goroutines and must not wait.
	Value func() float64
}

// RegisterReadings registers metrics that others keep the value of.
func RegisterReadings(registry prometheus.Registerer, readings ...Reading) error {
	for _, reading := range readings {
		var collector prometheus.Collector
		if reading.Of.Type == TypeCounter {
			collector = prometheus.NewCounterFunc(prometheus.CounterOpts(reading.Of.opts()), reading.Value)
		} else {
			collector = prometheus.NewGaugeFunc(prometheus.GaugeOpts(reading.Of.opts()), reading.Value)
		}
		if err := register(registry, collector); err != nil {
			return err
		}
	}
	return nil
}

// RegisterCaches registers the sizes of caches, by what the caches are called.
func RegisterCaches(registry prometheus.Registerer, sizes map[string]func() int) error {
	return register(registry, caches{desc: CacheEntries.Desc(), sizes: sizes})
}

type caches struct {
	desc  *prometheus.Desc
	sizes map[string]func() int
}

// Describe implements prometheus.Collector.
func (c caches) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- c.desc }

// Collect implements prometheus.Collector.
func (c caches) Collect(metrics chan<- prometheus.Metric) {
	for name, size := range c.sizes {
		metrics <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(size()), name)
	}
}
