package store_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

func TestEveryLookupIsCountedByWhatCameOfIt(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	registry := prometheus.NewRegistry()
	var err error
	if x.Counts, err = metrics.NewLive(registry); err != nil {
		t.Fatal(err)
	}
	there := session(namespace, "a token")
	if err := x.client.Create(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	look := func(name string) error {
		_, err := x.Session(t.Context(), namespace, name)
		return err
	}
	if err := look(there.Name); err != nil { // Found
		t.Fatal(err)
	}
	for range 2 { // Absent, and then Remembered
		if err := look("x"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	x.gate = make(chan error)
	const together = 5
	var waiting sync.WaitGroup
	waiting.Add(together)
	answers := make(chan error, together)
	for range together { // one Failed, the others Coalesced with it
		go func() {
			_, err := x.Session(waiter{t.Context(), waiting.Done}, namespace, "y")
			answers <- err
		}()
	}
	waiting.Wait()
	x.gate <- apierrors.NewServiceUnavailable("etcd has no leader")
	for range together {
		if err := <-answers; !apierrors.IsServiceUnavailable(err) {
			t.Fatal(err)
		}
	}
	close(x.gate)
	for i := range 50 { // of which the limit lets 47 through: three reads were made before
		if err := look("z" + strconv.Itoa(i)); i == 49 && !errors.Is(err, store.ErrThrottled) {
			t.Errorf("the last of too many: %v, want ErrThrottled", err)
		}
	}
	want := map[string]float64{
		"AuthSession Found": 1, "AuthSession Absent": 48, "AuthSession Remembered": 1, "AuthSession Failed": 1, "AuthSession Coalesced": together - 1,
		"AuthSession Throttled": 3,
	}
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range families[0].GetMetric() {
		labels := metric.GetLabel()
		if value := metric.GetCounter().GetValue(); value > 0 {
			got[labels[0].GetValue()+" "+labels[1].GetValue()] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
}
