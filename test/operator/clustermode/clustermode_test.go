// Package clustermode_test runs the operator over every namespace. It has a Kubernetes to itself: beside
// another operator the two would write the same Secrets.
package clustermode_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// patience bounds every wait. Only a test that fails reaches it.
const patience = 90 * time.Second

const operatorNamespace = "grantkeeper-system"

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{CRDs: true}))
}

// TestEveryNamespaceButTheOperatorsIsATenantFromItsFirstObject: those that were there when it started, and
// those that come later.
func TestEveryNamespaceButTheOperatorsIsATenantFromItsFirstObject(t *testing.T) {
	t.Parallel()
	w := start(t, "team-first", "team-second")
	if err := w.admin.Create(t.Context(), gen.In(operatorNamespace, gen.AuthUser("alice"))); err != nil {
		t.Fatal(err)
	}
	w.makeNamespace(t, "team-third")
	var tenants []*tenant
	for _, namespace := range []string{"team-first", "team-second", "team-third"} {
		tenants = append(tenants, w.tenant(t, namespace))
	}
	for _, of := range tenants {
		if want := w.operator.URL + "/t/" + of.namespace; of.issuer != want {
			t.Errorf("the issuer of %s is %q, want %q", of.namespace, of.issuer, want)
		}
		for _, by := range tenants {
			answer, status := by.ask(t, http.MethodPost, by.issuer+"/introspect", url.Values{"token": {of.token}})
			if active := strings.Contains(answer, `"active":true`); status != http.StatusOK || active != (of == by) {
				t.Errorf("the token of %s at %s: %d, active: %t", of.namespace, by.namespace, status, active)
			}
		}
	}
	// The operator's namespace has had its object for longer than the last tenant.
	if _, status := tenants[0].ask(t, http.MethodGet, w.operator.URL+"/t/"+operatorNamespace+"/jwks", nil); status != http.StatusNotFound {
		t.Errorf("the keys of the operator's own namespace: %d, want 404", status)
	}
	keyrings := &corev1.SecretList{}
	if err := w.admin.List(t.Context(), keyrings, client.InNamespace(operatorNamespace), client.HasLabels{v1alpha1.LabelTenant}); err != nil {
		t.Fatal(err)
	}
	if len(keyrings.Items) != len(tenants) {
		t.Errorf("%d keyrings, want one for each of the %d tenants", len(keyrings.Items), len(tenants))
	}
}

// world is a Kubernetes with one operator.
type world struct {
	admin    client.Client
	operator *operator.Operator
}

// start makes namespaces, installs the chart in cluster mode and starts the operator.
func start(t *testing.T, namespaces ...string) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	admin, err := client.New(cp.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{admin: admin}
	for _, namespace := range namespaces {
		w.makeNamespace(t, namespace)
	}
	release := operator.Release{Namespace: operatorNamespace}
	if err := operator.Install(t.Context(), cp.Kubeconfig, release); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	binary, err := operator.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if w.operator, err = operator.Start(t.Context(), cp, operator.Options{Release: release, Binary: binary, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.operator.Kill)
	return w
}

func (w *world) makeNamespace(t *testing.T, name string) {
	t.Helper()
	if err := w.admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		t.Fatal(err)
	}
}

// tenant is what one namespace's grant has come to.
type tenant struct {
	namespace, issuer, token string
	http                     *http.Client
	clientID, secret         string
}

// tenant applies a user, a client and a grant, and waits until the grant is Ready.
func (w *world) tenant(t *testing.T, namespace string) *tenant {
	t.Helper()
	g := gen.RefreshTokenGrant("grant", gen.ForUser("alice"), gen.ForClient("billing"), gen.GrantScopes("orders:read"), gen.Target(""))
	for _, object := range []client.Object{
		gen.AuthUser("alice", gen.UserScopes("orders:*")),
		gen.AuthClient("billing", gen.ClientScopes("orders:*"), func(c *v1alpha1.AuthClient) {
			c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: "billing-client"}}
		}),
		g,
	} {
		if err := w.admin.Create(t.Context(), gen.In(namespace, object)); err != nil {
			t.Fatal(err)
		}
	}
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := w.admin.Get(ctx, client.ObjectKeyFromObject(g), g); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(g.Status.Conditions, v1alpha1.ConditionReady) {
			return fmt.Errorf("the grant in %q is not Ready: %+v", namespace, g.Status.Conditions)
		}
		return nil
	})
	name, _ := g.TargetName()
	delivered, credential := w.secret(t, namespace, name), w.secret(t, namespace, "billing-client")
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(delivered[v1alpha1.KeyCABundle])
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &tenant{
		namespace: namespace, issuer: string(delivered[v1alpha1.KeyIssuer]), token: string(delivered[v1alpha1.KeyAccessToken]),
		http:     &http.Client{Transport: transport},
		clientID: string(credential[v1alpha1.KeyClientID]), secret: string(credential[v1alpha1.KeyClientSecret]),
	}
}

func (w *world) secret(t *testing.T, namespace, name string) map[string][]byte {
	t.Helper()
	secret := &corev1.Secret{}
	if err := w.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, secret); err != nil {
		t.Fatal(err)
	}
	return secret.Data
}

// ask asks the endpoint as the tenant's client.
func (x *tenant) ask(t *testing.T, method, at string, form url.Values) (answer string, status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(x.clientID, x.secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := x.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), response.StatusCode
}
