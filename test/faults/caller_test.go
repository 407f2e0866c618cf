package faults_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// caller is billing, calling one replica on behalf of one tenant.
type caller struct {
	http *http.Client
	base string
}

// newCaller trusts what a delivered Secret says. An empty tenant is the one at the root.
func newCaller(t *testing.T, delivered *corev1.Secret, replica *operator.Operator, tenant string) *caller {
	t.Helper()
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(delivered.Data[v1alpha1.KeyCABundle]) {
		t.Fatal("the Secret has no CA bundle")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	base := replica.URL
	if tenant != "" {
		base += "/t/" + tenant
	}
	return &caller{http: &http.Client{Transport: transport, Timeout: 20 * time.Second}, base: base}
}

// post sends a form and returns the answer's status and what it says.
func (c *caller) post(ctx context.Context, path string, form url.Values) (status int, answer map[string]any, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(clientID, clientSecret)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return response.StatusCode, nil, fmt.Errorf("read the answer to %s: %w", path, err)
	}
	return response.StatusCode, answer, nil
}

// clientCredentials asks for a token of billing's own.
func (c *caller) clientCredentials(ctx context.Context) error {
	return c.token(ctx, url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}})
}

// refresh asks for an access token with a delivered refresh token.
func (c *caller) refresh(ctx context.Context, delivered *corev1.Secret) error {
	return c.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(delivered.Data[v1alpha1.KeyRefreshToken])}})
}

func (c *caller) token(ctx context.Context, form url.Values) error {
	status, answer, err := c.post(ctx, "/token", form)
	if err != nil {
		return err
	}
	if token, _ := answer["access_token"].(string); status != http.StatusOK || token == "" {
		return fmt.Errorf("%s: status %d, %v", form.Get("grant_type"), status, answer["error"])
	}
	return nil
}

// active asks whether a token counts.
func (c *caller) active(ctx context.Context, token []byte) (bool, error) {
	status, answer, err := c.post(ctx, "/introspect", url.Values{"token": {string(token)}})
	if err != nil {
		return false, err
	}
	active, said := answer["active"].(bool)
	if status != http.StatusOK || !said {
		return false, fmt.Errorf("introspection: status %d, %v", status, answer["error"])
	}
	return active, nil
}

// mustBeActive fails where a token does not count.
func (c *caller) mustBeActive(ctx context.Context, token []byte) error {
	active, err := c.active(ctx, token)
	if err == nil && !active {
		err = fmt.Errorf("a good token is not active")
	}
	return err
}
