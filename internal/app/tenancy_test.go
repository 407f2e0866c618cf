package app

import (
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

var noon = time.Date(2026, time.January, 2, 12, 0, 0, 0, time.UTC)

// known is a view of which everything was known some time before noon.
func known(ago time.Duration) *view {
	v := &view{rule: freshness.NewView(1)}
	learn(v, ago)
	return v
}

func learn(v *view, ago time.Duration) {
	v.rule.Asked(0, noon.Add(-ago), "7", time.Minute)
	v.rule.Saw(0, "7")
}

func taken(v *view) *view {
	v.rule.Refused(0)
	v.rule.Refused(0)
	return v
}

func TestANamespaceIsServedWhileItAndTheKeyringsAreKnown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		namespace, keyrings *view
		want                error
	}{
		"both known":                          {namespace: known(time.Minute), keyrings: known(time.Minute)},
		"almost too long ago":                 {namespace: known(time.Hour - 1), keyrings: known(time.Hour - 1)},
		"too long ago":                        {namespace: known(time.Hour), keyrings: known(time.Minute), want: directory.ErrStale},
		"the keyrings too long ago":           {namespace: known(time.Minute), keyrings: known(time.Hour), want: directory.ErrStale},
		"never read":                          {namespace: &view{rule: freshness.NewView(1)}, keyrings: known(0), want: directory.ErrUnread},
		"the keyrings never read":             {namespace: known(0), keyrings: &view{}, want: directory.ErrUnread},
		"not to be read any more":             {namespace: taken(known(0)), keyrings: known(0), want: directory.ErrLost},
		"the keyrings not to be read":         {namespace: known(0), keyrings: taken(known(0)), want: directory.ErrLost},
		"not to be read, and long ago":        {namespace: taken(known(time.Hour)), keyrings: known(0), want: directory.ErrLost},
		"known in a time that is yet to come": {namespace: known(-time.Hour), keyrings: known(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenancy := newTenancy(tc.namespace, tc.keyrings, logr.Discard())
			tenancy.mark()
			if err := tenancy.directory.Known("team-a", noon); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if ready := tenancy.ready() == nil; ready == errors.Is(tc.want, directory.ErrUnread) {
				t.Errorf("ready: %t", ready)
			}
		})
	}
}

func TestWhatBecomesOfANamespaceIsToldOnce(t *testing.T) {
	t.Parallel()
	var told []string
	log := funcr.New(func(_, line string) { told = append(told, line) }, funcr.Options{})
	v := known(time.Minute)
	tenancy := newTenancy(v, known(0), log)
	for _, happens := range []func(){
		func() {}, func() { taken(v) }, func() { v.rule.Refused(0) }, func() { learn(v, 0) },
		func() { learn(v, 2*time.Hour) }, func() { learn(v, time.Hour) }, func() { learn(v, 0) },
	} {
		happens()
		tenancy.mark()
		tenancy.mark()
	}
	const (
		back = `"level"=0 "msg"="The namespace has been read"`
		gone = `"level"=0 "msg"="The namespace, or the operator's own, may not be read any more; nothing is issued or checked there until it may"`
		old  = `"level"=0 "msg"="What is known of the namespace is too old; nothing is issued or checked there until it is known again" "asOf"="2026-01-02 10:00:00 +0000 UTC"`
	)
	if diff := cmp.Diff([]string{back, gone, back, old, back}, told); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func newTenancy(namespace, keyrings *view, log logr.Logger) *tenancy {
	return &tenancy{
		namespace: "team-a", view: namespace, keyrings: keyrings, log: log,
		directory: directory.New(), clock: clocktesting.NewFakeClock(noon),
		options: &Options{MaxStaleness: time.Hour}, read: make(chan struct{}),
	}
}
