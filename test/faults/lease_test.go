package faults_test

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ledBy waits for the leader that came after so many others.
func (s *site) ledBy(ctx context.Context, transitions int) error {
	lease := &coordinationv1.Lease{}
	if err := admin.Get(ctx, client.ObjectKey{Namespace: s.release.Namespace, Name: "grantkeeper"}, lease); err != nil {
		return err
	}
	holder, count := lease.Spec.HolderIdentity, lease.Spec.LeaseTransitions
	if holder == nil || *holder == "" || count == nil || int(*count) < transitions {
		return fmt.Errorf("the lease has not changed hands")
	}
	return nil
}
