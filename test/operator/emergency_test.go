package operator_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestAnEmergencyEndsAllThatALeakedKeyringCouldMake(t *testing.T) {
	t.Parallel()
	s := sceneIn(emergencyTenant)
	settings, user := gen.AuthTenant(), s.user()
	c := s.client(gen.EveryGrantType(), gen.DefaultScopes("orders:read"))
	g, reference := s.grant(gen.DeliversRefreshToken()), s.grantNamed("reference", gen.ForWazo("phone"), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = nil })
	s.apply(t, settings, user, c, g, reference)
	awaitReady(t, settings, user, c, g, reference)
	before, session := secretOf(t, g), secretOf(t, reference)
	credential := secretNamed(t, s.namespace, c.Spec.Secret.Generate.SecretName)
	leaked, err := keyrings.Read(s.namespace, keyringOf(t, s.namespace))
	if err != nil {
		t.Fatal(err)
	}

	edit(t, settings, gen.TenantAnnotation(v1alpha1.AnnotationRevokeKeys, "leaked"))
	after := awaitSecret(t, s.namespace, before.Name, hasRevision(2))
	awaitSecret(t, s.namespace, session.Name, hasRevision(2))
	changed := awaitSecret(t, s.namespace, credential.Name, func(secret *corev1.Secret) error {
		if bytes.Equal(secret.Data[v1alpha1.KeyClientSecret], credential.Data[v1alpha1.KeyClientSecret]) {
			return errors.New("the client's secret is the same")
		}
		return nil
	})
	awaitReady(t, settings, user, c, g, reference)
	if settings.Status.RevokeRequest != "leaked" || g.Status.Revision != 2 {
		t.Errorf("acted on %q; the grant is at revision %d", settings.Status.RevokeRequest, g.Status.Revision)
	}
	keySet := jwks(t, after)
	for _, key := range leaked.SigningKeys() {
		if bytes.Contains(keySet, []byte(key.ID)) {
			t.Errorf("%v is still published", key)
		}
	}
	if _, err := byGoJose(string(after.Data[v1alpha1.KeyAccessToken]), keySet); err != nil {
		t.Errorf("the new token: %v", err)
	}
	if _, err := byGoJose(string(before.Data[v1alpha1.KeyAccessToken]), keySet); err == nil {
		t.Error("the old token still verifies")
	}
	caller, clientID := newCaller(t, after), string(changed.Data[v1alpha1.KeyClientID])
	refresh := func(secret *corev1.Secret) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(secret.Data[v1alpha1.KeyRefreshToken])}}
	}
	caller.form(t, clientID, string(credential.Data[v1alpha1.KeyClientSecret]), refresh(after), http.StatusUnauthorized)
	caller.form(t, clientID, string(changed.Data[v1alpha1.KeyClientSecret]), refresh(before), http.StatusBadRequest)
	caller.form(t, clientID, string(changed.Data[v1alpha1.KeyClientSecret]), refresh(after), http.StatusOK)
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		sessions := &v1alpha1.AuthSessionList{}
		if err := admin.List(ctx, sessions, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		if len(sessions.Items) != 1 {
			return fmt.Errorf("%d sessions, want that of the new reference token alone", len(sessions.Items))
		}
		return nil
	})
}

func TestAKeyringIsAdoptedByTheNamespaceThatWasMadeAgain(t *testing.T) {
	t.Parallel()
	s := sceneIn(adoptTenant)
	const uidBefore = "11111111-2222-4333-8444-555555555555"
	restored, err := keys.Generate(rand.Reader, time.Now().Add(-time.Hour), keys.Tenant{
		Namespace: s.namespace, UID: uidBefore, Issuer: issuerOf(s.namespace),
	}, []keys.Algorithm{keys.ES256, keys.RS256})
	if err != nil {
		t.Fatal(err)
	}
	content, err := keyrings.Content(restored, keyrings.Record{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{}
	if err := admin.Get(t.Context(), types.NamespacedName{Name: s.namespace}, namespace); err != nil {
		t.Fatal(err)
	}
	backup := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: operatorNamespace, Name: keyrings.Name(s.namespace, uidBefore), Labels: content.Labels, Annotations: content.Annotations,
		},
		Data: content.Data,
	}
	backup.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialKeyring
	backup.Annotations[v1alpha1.AnnotationTenantUID] = uidBefore
	backup.Annotations[v1alpha1.AnnotationAdopt] = string(namespace.UID)
	// The keyring first, then what it has signed and sealed.
	if err := admin.Create(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	settings := gen.AuthTenant()
	s.apply(t, settings)
	g, issued := s.issued(t)
	awaitReady(t, settings)
	if keySet := jwks(t, issued); !bytes.Equal(keySet, restored.JWKS()) {
		t.Error("other keys are published than those that were restored")
	}
	own := keyringOf(t, s.namespace)
	if own.Annotations[v1alpha1.AnnotationAdoptedFrom] != uidBefore {
		t.Errorf("annotations %v", own.Annotations)
	}
	// A keyring that somebody brings now comes too late, and one without its name is nobody's.
	stray := own.DeepCopy()
	stray.ObjectMeta = metav1.ObjectMeta{Namespace: operatorNamespace, Name: "newer-keyring", Labels: own.Labels, Annotations: own.Annotations}
	if err := admin.Create(t.Context(), stray); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Delete(context.Background(), stray) })
	edit(t, settings, gen.TenantAnnotation("example.com/look", "again"))
	awaitReady(t, settings, g)
	if keySet := jwks(t, issued); !bytes.Equal(keySet, restored.JWKS()) {
		t.Error("the stray keyring serves")
	}
}
