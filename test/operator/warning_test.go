package operator_test

import (
	"context"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestWhatAPersonHasToMendIsAnEvent(t *testing.T) {
	t.Parallel()
	s := newScene()
	user, client := s.user(gen.UserScopes("stock:*")), s.client(gen.ClientScopes("orders:*"))
	g := s.grant(gen.GrantScopes("orders:read"))
	s.apply(t, user, client)
	awaitReady(t, user, client)
	s.apply(t, g)
	awaitRefused(t, g, v1alpha1.ReasonScopeNotGranted)
	controlplane.Eventually(t, patience, func(ctx context.Context) error { return hasOneEvent(ctx, g, v1alpha1.ReasonScopeNotGranted) })
}
