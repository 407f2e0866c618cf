package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Type is what a metric is to a Prometheus.
type Type string

// The types.
const (
	TypeCounter   Type = "counter"
	TypeGauge     Type = "gauge"
	TypeHistogram Type = "histogram"
)

// Label is one label of a metric.
type Label struct {
	Name string
	// Values says which ones there are, for a person.
	Values string
}

// Definition is one metric as it is registered and documented.
type Definition struct {
	// Name in full: grantkeeper_<noun>_<unit>, with _total where it is a counter.
	Name string
	Type Type
	// Help is one sentence or two, for a person.
	Help   string
	Labels []Label
}

func (d *Definition) labels() []string {
	names := make([]string, len(d.Labels))
	for i, label := range d.Labels {
		names[i] = label.Name
	}
	return names
}

func (d *Definition) opts() prometheus.Opts {
	return prometheus.Opts{Name: d.Name, Help: d.Help}
}

// Counter makes the counter of a definition without labels.
func (d *Definition) Counter() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts(d.opts()))
}

// CounterVec makes the counters of a definition.
func (d *Definition) CounterVec() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts(d.opts()), d.labels())
}

// Gauge makes the gauge of a definition without labels.
func (d *Definition) Gauge() prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts(d.opts()))
}

// HistogramVec makes the histograms of a definition. The buckets are upper bounds in its unit.
func (d *Definition) HistogramVec(buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: buckets}, d.labels())
}

// Desc describes the metric for a collector.
func (d *Definition) Desc() *prometheus.Desc {
	return prometheus.NewDesc(d.Name, d.Help, d.labels(), nil)
}
