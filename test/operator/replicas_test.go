package operator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// handover is how long the work may rest after a leader was told to stop. A lease that is not given
// back lasts 15 seconds.
const handover = 10 * time.Second

func TestOneReplicaLeadsAndAllServe(t *testing.T) {
	t.Parallel()
	const name = "grantkeeper-replicas"
	release := operator.Release{Name: name, Namespace: name, Tenants: []string{"team-replicas"}}
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	options.BaseURL = "https://localhost" // one for all, as behind a Service
	options.Flags = append(options.Flags, "--serving-names=127.0.0.1")
	s := sceneIn(release.Tenants[0])
	s.apply(t, s.user(), s.client())

	first := startReplica(t, options)
	g := s.grantNamed("first")
	s.apply(t, g)
	awaitReady(t, g)
	leader := leaseOf(t, name)
	second := startReplica(t, options)
	for _, replica := range []*operator.Operator{first, second} {
		if _, err := fetch(t.Context(), replica.URL+"/jwks", secretOf(t, g).Data["ca.crt"]); err != nil {
			t.Error(err)
		}
	}
	if now := leaseOf(t, name); *now.Spec.HolderIdentity != *leader.Spec.HolderIdentity {
		t.Fatal("the second replica has taken the lease from the first")
	}

	// The leader crashes: until its lease is over nobody writes, and the other one serves on.
	first.Kill()
	orphan := s.grantNamed("orphan")
	s.apply(t, orphan)
	if _, err := fetch(t.Context(), second.URL+"/jwks", secretOf(t, g).Data["ca.crt"]); err != nil {
		t.Error(err)
	}
	awaitReady(t, orphan)
	taken := leaseOf(t, name)
	if *taken.Spec.HolderIdentity == *leader.Spec.HolderIdentity {
		t.Error("somebody wrote while the dead replica held the lease")
	}
	if made := secretOf(t, orphan).CreationTimestamp; made.Add(time.Second).Before(taken.Spec.AcquireTime.Time) {
		t.Errorf("the Secret was made at %s, before the lease was taken at %s", made, taken.Spec.AcquireTime)
	}

	// The new leader is told to stop: the third replica need not wait for the lease to run out.
	startReplica(t, options)
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
	stopped := time.Now()
	last := s.grantNamed("last")
	s.apply(t, last)
	awaitReady(t, last)
	if rest := time.Since(stopped); rest > handover {
		t.Errorf("the work rested for %s, want at most %s", rest, handover)
	}
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
