package operator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// ask annotates a grant with a request for a new revision; empty takes it back.
func ask(t *testing.T, g *v1alpha1.RefreshTokenGrant, value string) {
	t.Helper()
	edit(t, g, func(g *v1alpha1.RefreshTokenGrant) {
		delete(g.Annotations, v1alpha1.AnnotationRenewRequested)
		if value != "" {
			g.Annotations = map[string]string{v1alpha1.AnnotationRenewRequested: value}
		}
	})
}

// awaitRequestDone waits until status says that a request was acted on.
func awaitRequestDone(t *testing.T, g *v1alpha1.RefreshTokenGrant, value string) {
	t.Helper()
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(g), g); err != nil {
			return err
		}
		if g.Status.RenewRequest != value {
			return fmt.Errorf("acted on %q, want %q", g.Status.RenewRequest, value)
		}
		return nil
	})
}

func TestARequestMakesOneRevisionWhateverIsLost(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, first := s.issued(t, format)
			ask(t, g, "one")
			second := awaitSecret(t, s.namespace, first.Name, hasRevision(2))
			awaitRequestDone(t, g, "one")
			for _, value := range []string{"", "one"} {
				ask(t, g, value)
				loseStatus(t, g)
				awaitRequestDone(t, g, "one")
			}
			edit(t, second, func(secret *corev1.Secret) { delete(secret.Annotations, v1alpha1.AnnotationRenewRequested) })
			awaitSecret(t, s.namespace, first.Name, func(now *corev1.Secret) error { return sameMetadata(now, second) })
			remove(t, secretOf(t, g))
			again := awaitSecret(t, s.namespace, first.Name, isNew(second))
			sameData(t, "after all that", again, second)
			ask(t, g, "two")
			awaitSecret(t, s.namespace, first.Name, hasRevision(3))
			awaitRequestDone(t, g, "two")
		})
	}
}

func TestARequestWaitsWhileAGrantIsSuspended(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, secret := s.issued(t)
	edit(t, g, gen.GrantState(v1alpha1.GrantStateSuspended))
	awaitRefused(t, g, v1alpha1.ReasonSuspended)
	ask(t, g, "meanwhile")
	awaitTime(t, time.Now().Add(2*time.Second))
	if now := secretOf(t, g); now.ResourceVersion != secret.ResourceVersion {
		t.Error("the Secret was written while the grant was suspended")
	}
	edit(t, g, gen.GrantState(v1alpha1.GrantStateActive))
	awaitSecret(t, s.namespace, secret.Name, hasRevision(2))
	awaitRequestDone(t, g, "meanwhile")
}
