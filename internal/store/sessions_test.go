package store_test

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestMemoryIsNotBelievedForLongWhatNoWatchHasBrought has a replica whose watch is broken off: a session of
// its own ends elsewhere, and no watch that begins anew tells so.
func TestMemoryIsNotBelievedForLongWhatNoWatchHasBrought(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	clock := clocktesting.NewFakeClock(time.Now())
	objects := store.NewKubernetes(c)
	d := directory.New()
	d.SetRing(namespace, nil, nil)
	s, tenant := store.NewSessions(d, objects, store.NewLive(objects, clock), clock), keys.Tenant{Namespace: namespace}
	made := session(namespace, "a token")
	made.Spec.ExpiresAt = metav1.NewTime(clock.Now().Add(time.Hour))
	if err := s.Create(t.Context(), tenant, made.DeepCopy(), store.Bounds{Subject: 1, Tenant: 1}); err != nil {
		t.Fatal(err)
	}
	if err := objects.DeleteSession(t.Context(), namespace, made.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(t.Context(), tenant, made.Name); err != nil {
		t.Fatalf("right after it was made: %v", err)
	}
	clock.Step(10 * time.Second)
	if all, err := gen.Collect(s.OfTenant(t.Context(), tenant)); len(all) > 0 || err != nil {
		t.Errorf("later %d sessions are listed, error %v", len(all), err)
	}
	if _, err := s.Session(t.Context(), tenant, made.Name); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("later: %v, want ErrNotFound", err)
	}
	if err := s.Room(t.Context(), tenant, store.OwnerOf(made), store.Bounds{Subject: 1, Tenant: 1}); err != nil {
		t.Errorf("it takes room: %v", err)
	}
}
