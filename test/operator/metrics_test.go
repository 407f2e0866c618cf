package operator_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// documented finds a metric in the list of docs/metrics.md.
var documented = regexp.MustCompile("(?m)^\\| `(grantkeeper_[a-z_]+)` \\|")

// unmoved have no series here: nothing fails to be delivered, and sessions are in Kubernetes.
var unmoved = []string{"grantkeeper_delivery_failures_total", "grantkeeper_session_store_duration_seconds"}

func TestEveryDocumentedMetricIsServedAndNamesNobody(t *testing.T) {
	t.Parallel()
	release := ownRelease("metrics")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	options.Flags = append(options.Flags, "--metrics-bind-address="+address)
	startReplica(t, options)
	s := sceneIn(release.Tenants[0])
	password, secret := s.name("canary-metrics-pass"), s.name("canary-metrics-consumer")
	user := gen.AuthUser(s.name("canary-metrics-user"), gen.Password(), gen.UserScopes("orders:*"))
	c := gen.AuthClient(s.name("canary-metrics-client"), gen.EveryGrantType(), gen.ClientScopes("orders:*"))
	g := gen.RefreshTokenGrant(s.name("canary-metrics-grant"), gen.ForUser(user.Name), gen.ForClient(c.Name), gen.GrantScopes("orders:read"), gen.Target(""))
	s.apply(t, gen.PasswordSecret(user.Name, password), gen.ClientSecret(c.Name, secret), user, c, g)
	awaitReady(t, user, c, g)
	delivered := secretOf(t, g)
	makeTraffic(t, s, newCaller(t, delivered), user.Name, password, c.Name, secret)
	remove(t, delivered) // to be repaired
	awaitSecret(t, s.namespace, delivered.Name, isNew(delivered))

	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range documented.FindAllStringSubmatch(string(page), -1) {
		names = append(names, match[1])
	}
	scrape := scraper(t, release, address)
	var text string
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if text, err = scrape(ctx); err != nil {
			return err
		}
		for _, name := range names {
			if !slices.Contains(unmoved, name) && !strings.Contains(text, "# TYPE "+name+" ") {
				return fmt.Errorf("%s is documented and not served", name)
			}
		}
		for _, moved := range []string{
			`grantkeeper_leader 1`, `grantkeeper_namespace_readable{namespace="` + s.namespace + `"} 1`, `grantkeeper_secrets_repaired_total 1`,
			`grantkeeper_keyring_readable{tenant="` + s.namespace + `"} 1`, `grantkeeper_mounted_tokens{state="Valid"} 1`,
			`grantkeeper_tokens_issued_total{dialect="OAuth2",grant_type="delivery",kind="JWT"} 1`,
			`grantkeeper_tokens_issued_total{dialect="Wazo",grant_type="password",kind="Reference"} 1`,
			`grantkeeper_token_refusals_total{dialect="OAuth2",reason="InvalidGrant"} 1`,
			`grantkeeper_api_writes_total{resource="refreshtokengrants/status",verb="patch"}`,
		} {
			if !strings.Contains(text, "\n"+moved) {
				return fmt.Errorf("there is no %s", moved)
			}
		}
		return nil
	})
	if strings.Contains(text, "canary") || strings.Contains(text, g.Spec.ID) || strings.Contains(text, user.Spec.Subject) {
		t.Error("a metric names a user, a client, a grant or a token")
	}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "# TYPE "), " ")
		if strings.HasPrefix(line, "# TYPE grantkeeper_") && !slices.Contains(names, name) {
			t.Errorf("%s is served and not documented", name)
		}
	}
}

// makeTraffic is a little of everything that is counted.
func makeTraffic(t *testing.T, s *scene, caller *caller, login, password, clientID, secret string) {
	t.Helper()
	caller.form(t, clientID, secret, url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}}, http.StatusOK)
	caller.form(t, clientID, secret, url.Values{"grant_type": {"password"}, "username": {login}, "password": {s.name("canary-metrics-wrong")}}, http.StatusBadRequest)
	data := caller.json(t, http.MethodPost, "/token", login, password, `{}`, http.StatusOK)["data"].(map[string]any)
	caller.json(t, http.MethodGet, "/api/auth/0.1/token/"+data["token"].(string), "", "", "", http.StatusOK)
	caller.json(t, http.MethodGet, "/api/auth/0.1/token/"+gen.GrantID("unknown"), "", "", "", http.StatusNotFound)
}

// scraper asks for the metrics as a Prometheus does, whom the chart's ClusterRole is bound to.
func scraper(t *testing.T, release operator.Release, address string) func(context.Context) (string, error) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: release.Namespace, Name: "prometheus"}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: release.Name + "-prometheus"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: release.Name + "-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	}
	for _, object := range []client.Object{account, binding} {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	config, err := cp.ServiceAccountConfig(t.Context(), account.Namespace, account.Name)
	if err != nil {
		t.Fatal(err)
	}
	// Every replica signs its own certificate for this port; the token is what counts.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	get := func(ctx context.Context, token string) (int, string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
		if err != nil {
			return 0, "", err
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		return response.StatusCode, string(text), err
	}
	if status, _, err := get(t.Context(), ""); err != nil || status != http.StatusUnauthorized {
		t.Errorf("without a token: %d, %v, want 401", status, err)
	}
	return func(ctx context.Context) (string, error) {
		status, text, err := get(ctx, config.BearerToken)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("scrape: %d", status)
		}
		return text, err
	}
}

// freePort is an address on loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
