package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// rotating is a grant that is renewed every five to ten seconds.
func (s *site) rotating(t *testing.T, tenant string) *v1alpha1.RefreshTokenGrant {
	t.Helper()
	g := grant(tenant, "rotating", lifetime(70*time.Second, time.Minute))
	s.apply(t, g)
	awaitReady(t, g)
	return g
}

// awaitRotation waits until a grant has a revision that it did not have.
func (s *site) awaitRotation(t *testing.T, g *v1alpha1.RefreshTokenGrant) {
	t.Helper()
	before := s.seen.Currents()[g.Spec.ID].Token
	eventually(t, func(context.Context) error {
		if s.seen.Currents()[g.Spec.ID].Token == before {
			return fmt.Errorf("the token of %q has not been renewed", g.Name)
		}
		return nil
	})
}

// mustAnswer503 holds a tenant that cannot be read to saying so.
func mustAnswer503(t *testing.T, c *caller) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}}
	if status, answer, err := c.post(t.Context(), "/token", form); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("a tenant that cannot be read: %d, %v, %v; want 503", status, answer, err)
	}
}

// TestANamespaceDeletedWhileTheOperatorWasDownHarmsNoOther, and its keyring is kept.
func TestANamespaceDeletedWhileTheOperatorWasDownHarmsNoOther(t *testing.T) {
	t.Parallel()
	s := newSite(t, "gone", "stays", "goes")
	stays, goes := s.release.Tenants[0], s.release.Tenants[1]
	o := s.start(t)
	for _, tenant := range s.release.Tenants {
		s.populate(t, tenant)
	}
	g := s.rotating(t, stays)
	before := grant(goes, "before")
	s.apply(t, before)
	awaitReady(t, before)
	old := secretOf(t, before)
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	s.deleteNamespace(t, goes)

	started := time.Now()
	o = s.start(t)
	figure(t, "namespace: from start to ready without one of two namespaces", since(started))
	delivered := secretOf(t, g)
	if err := newCaller(t, delivered, o, "").clientCredentials(t.Context()); err != nil {
		t.Error(err)
	}
	mustAnswer503(t, newCaller(t, delivered, o, goes))
	s.awaitRotation(t, g)
	s.wantKeyrings(t, goes, 1)

	// Who makes it again gets another tenant, and the operator needs no restart.
	s.apply(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: goes}})
	if err := operator.Install(t.Context(), cp.Kubeconfig, s.release); err != nil {
		t.Fatal(err) // the Role went with the namespace
	}
	again := time.Now()
	s.populate(t, goes)
	after := grant(goes, "after")
	s.apply(t, after)
	awaitReady(t, after)
	figure(t, "namespace: until a grant in the namespace made again was Ready", since(again))
	s.wantKeyrings(t, goes, 2)
	if active, err := newCaller(t, delivered, o, goes).active(t.Context(), old.Data[v1alpha1.KeyAccessToken]); err != nil || active {
		t.Errorf("a token of the namespace that was deleted counts in the new one: %t, %v", active, err)
	}
	s.seen.Check(t)
}

// TestATenantWhoseRoleIsGoneAnswers503Alone: everything is restarted without it.
func TestATenantWhoseRoleIsGoneAnswers503Alone(t *testing.T) {
	t.Parallel()
	s := newSite(t, "role", "first", "second", "third")
	third := s.release.Tenants[2]
	o := s.start(t)
	var rotate []*v1alpha1.RefreshTokenGrant
	for _, tenant := range s.release.Tenants {
		s.populate(t, tenant)
		rotate = append(rotate, s.rotating(t, tenant))
	}
	meta := metav1.ObjectMeta{Namespace: third, Name: s.release.Name}
	if err := admin.Delete(t.Context(), &rbacv1.Role{ObjectMeta: meta}); err != nil {
		t.Fatal(err)
	}
	if err := o.Stop(); err != nil {
		t.Error(err)
	}
	started := time.Now()
	o = s.start(t)
	figure(t, "role: from start to ready without the Role of one of three namespaces", since(started))
	delivered := secretOf(t, rotate[0])
	callers := []*caller{newCaller(t, delivered, o, ""), newCaller(t, delivered, o, s.release.Tenants[1]), newCaller(t, delivered, o, third)}
	for i := range 2 {
		if err := callers[i].clientCredentials(t.Context()); err != nil {
			t.Errorf("tenant %d: %v", i, err)
		}
		s.awaitRotation(t, rotate[i])
	}
	mustAnswer503(t, callers[2])

	s.restoreRole(t)
	restored := time.Now()
	eventually(t, callers[2].clientCredentials)
	figure(t, "role: from the Role's return until the tenant served, without a restart", since(restored))
	s.awaitRotation(t, rotate[2])
	s.seen.Check(t)
}

// restoreRole upgrades the release: helm makes again what is missing.
func (s *site) restoreRole(t *testing.T) {
	t.Helper()
	if err := operator.Install(t.Context(), cp.Kubeconfig, s.release); err != nil {
		t.Fatal(err)
	}
}

func (s *site) deleteNamespace(t *testing.T, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := admin.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(namespace), namespace); !apierrors.IsNotFound(err) {
			return fmt.Errorf("namespace %q is still there: %w", name, err)
		}
		return nil
	})
}

// wantKeyrings waits for a number of keyrings, of all namespaces that ever had a name.
func (s *site) wantKeyrings(t *testing.T, tenant string, want int) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		list := &corev1.SecretList{}
		if err := admin.List(ctx, list, client.InNamespace(s.release.Namespace), client.MatchingLabels{v1alpha1.LabelTenant: tenant}); err != nil {
			return err
		}
		if len(list.Items) != want {
			return fmt.Errorf("%d keyrings of %q, want %d", len(list.Items), tenant, want)
		}
		return nil
	})
}
