package operator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// How long the work may rest after a leader was told to stop, and after one was killed.
const (
	handover = 3 * time.Second
	takeover = 20 * time.Second
)

func TestOneReplicaLeadsAndAllServe(t *testing.T) {
	t.Parallel()
	release := ownRelease("replicas")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	// What the chart was not told of may not be read. That harms nobody else.
	options.Release.Tenants = append(options.Release.Tenants, "team-forbidden")
	options.BaseURL = "https://localhost" // one for all, as behind a Service
	options.Flags = append(options.Flags, "--serving-names=127.0.0.1")
	s := sceneIn(release.Tenants[0])
	s.apply(t, s.user(), s.client())

	first := startReplica(t, options)
	g := s.grantNamed("first")
	s.apply(t, g)
	awaitReady(t, g)
	leader := leaseOf(t, release.Namespace)
	second := startReplica(t, options)
	for _, replica := range []*operator.Operator{first, second} {
		if _, err := fetch(t.Context(), replica.URL+"/jwks", secretOf(t, g).Data[v1alpha1.KeyCABundle]); err != nil {
			t.Error(err)
		}
	}
	if now := leaseOf(t, release.Namespace); *now.Spec.HolderIdentity != *leader.Spec.HolderIdentity {
		t.Fatal("the second replica has taken the lease from the first")
	}

	// The leader crashes: until its lease is over nobody writes, and the other one serves on.
	killed := time.Now()
	first.Kill()
	orphan := s.grantNamed("orphan")
	s.apply(t, orphan)
	if _, err := fetch(t.Context(), second.URL+"/jwks", secretOf(t, g).Data[v1alpha1.KeyCABundle]); err != nil {
		t.Error(err)
	}
	awaitReady(t, orphan)
	rested(t, "a kill", killed, takeover)
	taken := leaseOf(t, release.Namespace)
	if *taken.Spec.HolderIdentity == *leader.Spec.HolderIdentity {
		t.Error("somebody wrote while the dead replica held the lease")
	}
	if made := secretOf(t, orphan).CreationTimestamp; made.Add(time.Second).Before(taken.Spec.AcquireTime.Time) {
		t.Errorf("the Secret was made at %s, before the lease was taken at %s", made, taken.Spec.AcquireTime)
	}

	// The new leader is told to stop: the third replica need not wait for the lease to run out.
	startReplica(t, options)
	stopped := time.Now()
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
	last := s.grantNamed("last")
	s.apply(t, last)
	awaitReady(t, last)
	rested(t, "a stop", stopped, handover)
}

// rested tells for how long nobody has worked, which must not be longer than limit.
func rested(t *testing.T, after string, since time.Time, limit time.Duration) {
	t.Helper()
	rest := time.Since(since).Round(10 * time.Millisecond)
	t.Logf("after %s the work rested for %s", after, rest)
	if rest > limit {
		t.Errorf("after %s the work rested for %s, want at most %s", after, rest, limit)
	}
}

// TestAReplicaThatLosesTheLeaseServesOnAndLeadsAgain: an API server that is slow for a while must not
// end the endpoint.
func TestAReplicaThatLosesTheLeaseServesOnAndLeadsAgain(t *testing.T) {
	t.Parallel()
	release := ownRelease("lease")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	s := sceneIn(release.Tenants[0])
	s.apply(t, s.user(), s.client())
	only := startReplica(t, options)
	g := s.grantNamed("before")
	s.apply(t, g)
	awaitReady(t, g)
	bundle := secretOf(t, g).Data[v1alpha1.KeyCABundle]

	const thief = "somebody-else"
	edit(t, leaseOf(t, release.Namespace), func(lease *coordinationv1.Lease) {
		lease.Spec.HolderIdentity, lease.Spec.RenewTime = new(thief), new(metav1.NowMicro())
	})
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if _, err := fetch(ctx, only.URL+"/jwks", bundle); err != nil {
			t.Errorf("the endpoint does not answer: %v", err)
		}
		if holder := *leaseOf(t, release.Namespace).Spec.HolderIdentity; holder == thief {
			return fmt.Errorf("%s still holds the lease", holder)
		}
		return nil
	})
	after := s.grantNamed("after")
	s.apply(t, after)
	awaitReady(t, after)
}

func startReplica(t *testing.T, options operator.Options) *operator.Operator {
	t.Helper()
	options.Dir = t.TempDir()
	o, err := operator.Start(t.Context(), cp, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Kill)
	return o
}

// leaseOf reads the lease once somebody holds it.
func leaseOf(t *testing.T, namespace string) *coordinationv1.Lease {
	t.Helper()
	lease := &coordinationv1.Lease{}
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "grantkeeper"}, lease); err != nil {
			return err
		}
		if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
			return fmt.Errorf("nobody leads")
		}
		return nil
	})
	return lease
}
