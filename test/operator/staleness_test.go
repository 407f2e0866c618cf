package operator_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// apiPath is a way to the API server that can be cut, wholly or in part.
type apiPath interface {
	url() string
	cut()
	restore()
}

// slack is what the operator may take beyond the limit of staleness, and beyond the minute after which
// the API server tells a watch how far it is.
const slack = 15 * time.Second

// TestPastMaxStalenessNothingIsIssuedOrCheckedUntilTheWatchesDeliverAgain: a user who was deleted while
// the watches said nothing must not be served for longer than that.
func TestPastMaxStalenessNothingIsIssuedOrCheckedUntilTheWatchesDeliverAgain(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*testing.T, operator.Release) apiPath{
		"watches that have stalled": func(t *testing.T, release operator.Release) apiPath {
			t.Helper()
			return newStallingProxy(t, release)
		},
		"an API server that is away": func(t *testing.T, _ operator.Release) apiPath {
			t.Helper()
			return newLine(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := ownRelease("stale")
			options, err := install(t.Context(), t.TempDir(), release)
			if err != nil {
				t.Fatal(err)
			}
			way := between(t, release)
			options.APIServer = way.url()
			options.Flags = append(options.Flags, "--max-staleness="+freshness.MinLimit.String())
			s := sceneIn(release.Tenants[0])
			alice := s.user()
			s.apply(t, alice, s.client())
			startReplica(t, options)
			g := s.grant()
			s.apply(t, g)
			awaitReady(t, g)
			secret := secretOf(t, g)
			status := tokenStatus(t, s, secret)
			if got, err := status(t.Context()); err != nil || got != "active" {
				t.Fatalf("at first the token is %q, %v", got, err)
			}

			way.cut()
			failed := time.Now()
			remove(t, alice)
			awaitStatus(t, status, "503", freshness.MinLimit+slack)
			t.Logf("503 %s after the watches had gone silent", time.Since(failed).Round(time.Second))
			if _, err := fetch(t.Context(), string(secret.Data[v1alpha1.KeyIssuer])+"/jwks", secret.Data[v1alpha1.KeyCABundle]); err == nil {
				t.Error("keys are published that may have been revoked")
			}

			way.restore()
			healed := time.Now()
			awaitStatus(t, status, "inactive", time.Minute+slack)
			t.Logf("served %s after they spoke again", time.Since(healed).Round(time.Second))
		})
	}
}

// TestAnIdleTenantIsServedHoweverLongNothingHappens: silence is no staleness.
func TestAnIdleTenantIsServedHoweverLongNothingHappens(t *testing.T) {
	t.Parallel()
	release := ownRelease("idle")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	options.Flags = append(options.Flags, "--max-staleness="+freshness.MinLimit.String(), "--leader-elect=false")
	startReplica(t, options)
	s := sceneIn(release.Tenants[0])
	g, secret := s.issued(t)
	status := tokenStatus(t, s, secret)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for end := time.After(freshness.MinLimit + slack); ; {
		if got, err := status(t.Context()); err != nil || got != "active" {
			t.Fatalf("the token of %q is %q, %v", g.Name, got, err)
		}
		select {
		case <-ticker.C:
			continue
		case <-end:
		}
		break
	}
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

// stallingProxy is an API server whose watches can fall silent, as behind a proxy that has lost its
// other side, while every other request is answered.
type stallingProxy struct {
	*httptest.Server
	mu      sync.Mutex
	flowing chan struct{} // closed while watches deliver
}

// newStallingProxy speaks for the operator of a release: over plain HTTP that would not show its token.
func newStallingProxy(t *testing.T, release operator.Release) *stallingProxy {
	t.Helper()
	account, err := cp.ServiceAccountConfig(t.Context(), release.Namespace, release.Name)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(cp.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(cp.Config.CAData)
	p := &stallingProxy{flowing: make(chan struct{})}
	close(p.flowing)
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Set("Authorization", "Bearer "+account.BearerToken)
	}}
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	proxy.ModifyResponse = func(response *http.Response) error {
		if response.Request.URL.Query().Get("watch") == "true" {
			response.Body = &stallingBody{response.Body, p, response.Request.Context()}
		}
		return nil
	}
	p.Server = httptest.NewServer(proxy)
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func (p *stallingProxy) url() string { return p.URL }

func (p *stallingProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing = make(chan struct{})
}

func (p *stallingProxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.flowing)
}

func (p *stallingProxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flowing
}

// stallingBody holds back what it has read.
type stallingBody struct {
	io.ReadCloser
	proxy   *stallingProxy
	request context.Context //nolint:containedctx // Read is given none
}

func (b *stallingBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	select {
	case <-b.proxy.gate():
	case <-b.request.Done():
	}
	return n, err
}
