package endpoint

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// family returns the metrics of one name.
func family(t *testing.T, server *running, name string) []*dto.Metric {
	t.Helper()
	families, err := server.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range families {
		if found.GetName() == name {
			return found.GetMetric()
		}
	}
	return nil
}

// value returns a metric that has no labels.
func value(t *testing.T, server *running, name string) float64 {
	t.Helper()
	metrics := family(t, server, name)
	if len(metrics) != 1 {
		t.Fatalf("%d metrics are called %s", len(metrics), name)
	}
	return metrics[0].GetCounter().GetValue() + metrics[0].GetGauge().GetValue()
}

// counts are the requests that were counted, by their labels.
func counts(t *testing.T, server *running) map[string]uint64 {
	t.Helper()
	counts := map[string]uint64{}
	for _, metric := range family(t, server, "grantkeeper_http_request_duration_seconds") {
		var labels []string
		for _, label := range metric.GetLabel() {
			labels = append(labels, label.GetName()+"="+label.GetValue())
		}
		counts[strings.Join(labels, " ")] = metric.GetHistogram().GetSampleCount()
	}
	return counts
}

func TestRequestsAreCountedByTemplate(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: twoDialects()})
	for _, path := range []string{"/0.1/token/a", "/0.1/token/b", "/t/team-a/0.1/token/c"} {
		server.get(t, path)
	}
	server.do(t, "BREW", "/0.1/token/d", nil)
	server.do(t, "BREW", "/nothing", nil)
	want := map[string]uint64{
		"code=2xx method=GET route=/0.1/token/{token}":   3,
		"code=4xx method=other route=/0.1/token/{token}": 1,
		"code=4xx method=other route=unmatched":          1,
	}
	await(t, "all requests are counted", func() bool { return cmp.Equal(want, counts(t, server)) })
}

func TestRequestsInFlight(t *testing.T) {
	t.Parallel()
	waiting := newBlocking()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{waiting.dialect()}})
	answered := make(chan reply, 1)
	go func() { answered <- server.get(t, "/wait") }()
	<-waiting.entered
	if got := value(t, server, "grantkeeper_http_requests_in_flight"); got != 1 {
		t.Errorf("%v in flight, want 1", got)
	}
	close(waiting.release)
	<-answered
	await(t, "none is in flight", func() bool { return value(t, server, "grantkeeper_http_requests_in_flight") == 0 })
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	if _, err := NewMetrics(registry); err != nil {
		t.Fatal(err)
	}
	if _, err := NewMetrics(registry); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestStatusesFallIntoClasses(t *testing.T) {
	t.Parallel()
	metrics := muxOptions(t).Metrics
	for status, class := range map[int]int{http.StatusSwitchingProtocols: 0, 200: 1, 299: 1, 304: 2, 404: 3, 503: 4, 999: 4, 42: 0} {
		measured := &operation{route: "/x", method: "GET"}
		metrics.observe(measured, status, 0)
		if measured.timings[class].Load() == nil {
			t.Errorf("%d is not counted as %s", status, classes[class])
		}
	}
}
