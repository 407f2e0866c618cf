package operator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// noticed is how soon a replica has to notice that a namespace may not be read any more.
const noticed = 2 * time.Minute

// TestATenantWhoseRoleOrNamespaceIsTakenAwayIsUnavailableAlone while the operator runs.
func TestATenantWhoseRoleOrNamespaceIsTakenAwayIsUnavailableAlone(t *testing.T) {
	t.Parallel()
	release := ownRelease("rights")
	release.Tenants = []string{release.Tenants[0] + "-stays", release.Tenants[0] + "-role", release.Tenants[0] + "-gone"}
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	replica := startReplica(t, options)
	status := map[string]func(context.Context) (string, error){}
	for _, namespace := range release.Tenants {
		s := sceneIn(namespace)
		_, secret := s.issued(t)
		status[namespace] = tokenStatus(t, s, secret)
	}
	stays, role, gone := release.Tenants[0], release.Tenants[1], release.Tenants[2]

	remove(t, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: role, Name: release.Name}})
	remove(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: gone}})
	taken := time.Now()
	awaitStatus(t, status[role], "503", noticed)
	t.Logf("503 %s after the Role was taken away", time.Since(taken).Round(time.Second))
	awaitStatus(t, status[gone], "503", noticed)
	t.Logf("503 %s after the namespace was", time.Since(taken).Round(time.Second))
	if got, err := status[stays](t.Context()); err != nil || got != "active" {
		t.Errorf("the tenant that stays: %q, %v", got, err)
	}
	if err := operator.Ready(t.Context(), replica.URL); err != nil {
		t.Error(err)
	}
	keyrings := &corev1.SecretList{}
	if err := admin.List(t.Context(), keyrings, client.InNamespace(release.Namespace), client.MatchingLabels{v1alpha1.LabelTenant: gone}); err != nil {
		t.Fatal(err)
	}
	if len(keyrings.Items) != 1 {
		t.Errorf("%d keyrings of the namespace that is gone, want the one that it had", len(keyrings.Items))
	}

	again := release
	again.Tenants = []string{stays, role}
	if err := operator.Install(t.Context(), cp.Kubeconfig, again); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	awaitStatus(t, status[role], "active", noticed)
	t.Logf("served %s after the Role was back", time.Since(back).Round(time.Second))
	if got, err := status[stays](t.Context()); err != nil || got != "active" {
		t.Errorf("the tenant that stays: %q, %v", got, err)
	}
	toldOnce(t, replica.Log, role)
}

// toldOnce holds the log to one line about why a namespace cannot be read, and one about what follows.
func toldOnce(t *testing.T, path, namespace string) {
	t.Helper()
	controlplane.Eventually(t, patience, func(context.Context) error {
		log, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for what, want := range map[string]int{"The API server refuses to be read": 1, "may not be read any more": 1, "The API server can be read again": 1, "The namespace has been read": 2} {
			found := 0
			for line := range bytes.Lines(log) {
				if bytes.Contains(line, []byte(what)) && bytes.Contains(line, []byte(`"namespace":"`+namespace+`"`)) {
					found++
				}
			}
			if found != want {
				return fmt.Errorf("the log says %q of %q %d times, want %d", what, namespace, found, want)
			}
		}
		return nil
	})
}

// tokenStatus asks how the endpoint stands to the token of a Secret, by /introspect with the credentials
// of the scene's client: "active", "inactive", or the status code.
func tokenStatus(t *testing.T, s *scene, secret *corev1.Secret) func(context.Context) (string, error) {
	t.Helper()
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(secret.Data[v1alpha1.KeyCABundle])
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	credential := secretNamed(t, s.namespace, s.name("billing-client")).Data
	body := url.Values{"token": {string(secret.Data[v1alpha1.KeyAccessToken])}}
	return func(ctx context.Context) (string, error) {
		return introspect(ctx, &http.Client{Transport: transport}, string(secret.Data[v1alpha1.KeyIssuer])+"/introspect",
			url.UserPassword(string(credential[v1alpha1.KeyClientID]), string(credential[v1alpha1.KeyClientSecret])), body)
	}
}

func introspect(ctx context.Context, client *http.Client, at string, credential *url.Userinfo, body url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(body.Encode()))
	if err != nil {
		return "", err
	}
	secret, _ := credential.Password()
	request.SetBasicAuth(credential.Username(), secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Active bool }
	if response.StatusCode != http.StatusOK {
		return strconv.Itoa(response.StatusCode), nil
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Active {
		return "active", nil
	}
	return "inactive", nil
}

func awaitStatus(t *testing.T, status func(context.Context) (string, error), want string, within time.Duration) {
	t.Helper()
	controlplane.Eventually(t, within, func(ctx context.Context) error {
		if got, err := status(ctx); err != nil || got != want {
			return fmt.Errorf("the token is %q, want %q; %w", got, want, err)
		}
		return nil
	})
}
