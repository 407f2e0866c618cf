package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

func TestStalenessIsTheAgeOfEachViewThatHasBeenRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	read := func(namespace string, ago time.Duration) *view {
		v := &view{namespace: namespace, rule: freshness.NewView(1)}
		v.rule.Asked(0, now.Add(-ago), "7", time.Minute)
		v.rule.Saw(0, "7")
		return v
	}
	lost := read("team-lost", time.Hour)
	lost.rule.Refused(0)
	lost.rule.Refused(0)
	collector := &staleness{clock: clocktesting.NewFakePassiveClock(now), views: []*view{
		read("team-a", 90*time.Second), read("", 0), lost, read("team-clock-set-back", -time.Hour),
		{namespace: "team-unread"}, {namespace: "team-asked", rule: freshness.NewView(1)},
	}}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		got[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
	}
	want := map[string]float64{"team-a": 90, "*": 0, "team-lost": 3600, "team-clock-set-back": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
}
