package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCPUInStat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stat    string
		want    time.Duration
		wantErr bool
	}{
		"user and system time are added up": {
			stat: "7 (bench) S 1 7 7 0 -1 4194560 100 0 0 0 12 30 0 0 20 0 9 0 100 1 1",
			want: 420 * time.Millisecond,
		},
		"a name may hold what separates fields": {
			stat: "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 9 0 100 1 1",
			want: 30 * time.Millisecond,
		},
		"a stat that ends early is an error": {stat: "7 (bench) S 1 7", wantErr: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := cpuInStat([]byte(tc.stat))
			if got != tc.want || (err != nil) != tc.wantErr {
				t.Errorf("%v, %v; want %v, an error: %t", got, err, tc.want, tc.wantErr)
			}
		})
	}
}

const metrics = `# TYPE apiserver_request_total counter
apiserver_request_total{code="201",group="",resource="secrets",scope="resource",subresource="",verb="POST",version="v1"} 12
apiserver_request_total{code="409",group="",resource="secrets",scope="resource",subresource="",verb="POST",version="v1"} 1
apiserver_request_total{code="200",group="auth.grantkeeper.dev",resource="refreshtokengrants",subresource="status",verb="APPLY"} 1e+06
apiserver_request_total{code="200",group="",resource="secrets",subresource="",verb="LIST"} 99
apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",subresource="",verb="PUT"} 99
apiserver_request_total{code="201",group="",resource="serviceaccounts",subresource="token",verb="POST"} 99
apiserver_request_duration_seconds_count{resource="secrets",verb="POST"} 99
`

func TestWritesIn(t *testing.T) {
	t.Parallel()
	got, err := writesIn([]byte(metrics))
	if err != nil {
		t.Fatal(err)
	}
	want := writes{"POST secrets": 13, "APPLY refreshtokengrants/status": 1000000}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	earlier := writes{"POST secrets": 3, "APPLY refreshtokengrants/status": 1000000}
	since := got.since(earlier)
	if diff := cmp.Diff(writes{"POST secrets": 10}, since); diff != "" {
		t.Errorf("since (-want +got):\n%s", diff)
	}
	if got, want := since.per(4), "2.50 POST secrets"; got != want {
		t.Errorf("per grant: %q, want %q", got, want)
	}
}

func TestWritesInRefusesWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	if _, err := writesIn([]byte(`apiserver_request_total{resource="secrets",verb="POST"} many`)); err == nil {
		t.Error("no error")
	}
}

func TestRatioOf(t *testing.T) {
	t.Parallel()
	got := ratioOf([]float64{30, 10, 80, 24}, []float64{20, 10, 20, 20})
	if want := (ratio{least: 1, middle: 1.35, most: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	values := []time.Duration{5, 1, 4, 2, 3}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, share); got != want {
			t.Errorf("quantile %v: %d, want %d", share, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var figures table
	figures.ratioAtMost("a ratio", ratio{1, 1.2, 1.4}, 1.5)
	figures.countAtMost("a count", 3, 2)
	figures.percentAtLeast("a share", 0.7, 0.6, "(7/s of 10/s)")
	figures.tell("a note", "1 µs")
	var out bytes.Buffer
	if err := figures.print(&out); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line))
	}
	want := [][]string{
		{"FIGURE", "MEASURED", "TARGET", "MET"},
		{"a", "ratio", "1.20", "(1.00", "to", "1.40)", "≤", "1.50", "met"},
		{"a", "count", "3", "≤", "2", "NOT", "MET"},
		{"a", "share", "70", "%", "(7/s", "of", "10/s)", "≥", "60", "%", "met"},
		{"a", "note", "1", "µs"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
