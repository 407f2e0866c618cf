package operator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// canaries are secrets that tests have planted or been given, by what they are.
var canaries = struct {
	sync.Mutex
	of map[string]string
}{of: map[string]string{}}

func plant(what, secret string) {
	canaries.Lock()
	defer canaries.Unlock()
	canaries.of[what] = secret
}

func TestNoSecretReachesAnErrorBody(t *testing.T) {
	t.Parallel()
	s := sceneIn(canaryTenant)
	password, wrong, secret := "canary-pass-0b7e1f", "canary-wrong-9d22c4", "canary-consumer-51ac07"
	plant("the password", password)
	plant("a wrong password", wrong)
	plant("the client's secret", secret)
	user := s.user(gen.Password())
	c := gen.AuthClient(s.name("billing"), gen.EveryGrantType(), gen.ClientScopes("orders:*"))
	g := s.grant(gen.DeliversRefreshToken())
	generated := gen.AuthUser(s.name("generated"), func(u *v1alpha1.AuthUser) {
		u.Spec.Password = &v1alpha1.UserPassword{Generate: &v1alpha1.GeneratedPassword{SecretName: s.name("generated")}}
	})
	// A hash that is good, and one that is not, where a password may have been put by mistake.
	hash, noHash := bcryptOf, "canary-no-hash-77e0d4"
	plant("the hash of a password", hash)
	plant("a password in the place of a hash", noHash)
	moved, mistaken := gen.AuthUser(s.name("moved"), gen.PasswordHash()), gen.AuthUser(s.name("mistaken"), gen.PasswordHash())
	s.apply(t, gen.PasswordSecret(moved.Name, hash), gen.PasswordSecret(mistaken.Name, noHash), moved, mistaken)
	s.apply(t, gen.AuthTenant(gen.Dialects(v1alpha1.DialectOAuth2, v1alpha1.DialectWazo)))
	s.apply(t, gen.PasswordSecret(user.Name, password), gen.ClientSecret(c.Name, secret), user, c, g, generated)
	awaitReady(t, user, c, g, generated, moved)
	awaitRefused(t, mistaken, v1alpha1.ReasonSecretInvalid)
	delivered := secretOf(t, g)
	plant("the delivered refresh token", string(delivered.Data[v1alpha1.KeyRefreshToken]))
	plant("the generated password", string(secretNamed(t, s.namespace, s.name("generated")).Data[v1alpha1.KeyPassword]))
	plant("the keyring", string(keyringOf(t, s.namespace).Data[keyrings.DataKey]))

	caller := newCaller(t, delivered)
	answer := caller.form(t, c.Name, secret, url.Values{"grant_type": {"password"}, "username": {user.Name}, "password": {password}}, http.StatusOK)
	plant("an access token from a login", answer["access_token"].(string))
	plant("a refresh token from a login", answer["refresh_token"].(string))
	answer = caller.json(t, http.MethodPost, "/token", user.Name, password, `{"backend": "wazo_user", "expiration": 60}`, http.StatusOK)
	session := answer["data"].(map[string]any)["token"].(string)
	plant("a reference token", session)

	caller.form(t, c.Name, wrong, url.Values{"grant_type": {"password"}, "username": {user.Name}, "password": {password}}, http.StatusUnauthorized)
	caller.form(t, c.Name, secret, url.Values{"grant_type": {"password"}, "username": {user.Name}, "password": {wrong}}, http.StatusBadRequest)
	caller.form(t, c.Name, secret, url.Values{"grant_type": {"password", wrong}, "username": {user.Name}, "password": {password}}, http.StatusBadRequest)
	caller.form(t, c.Name, secret, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(delivered.Data[v1alpha1.KeyRefreshToken]) + "x"}}, http.StatusBadRequest)
	caller.json(t, http.MethodPost, "/token", user.Name, wrong, `{}`, http.StatusUnauthorized)
	caller.json(t, http.MethodPost, "/token", user.Name, password, `{"expiration": "`+secret+`"}`, http.StatusBadRequest)
	caller.json(t, http.MethodGet, "/api/auth/0.1/token/"+session+"0", "", "", "", http.StatusNotFound)
	caller.json(t, http.MethodDelete, "/api/auth/0.1/token/"+session, "", "", "", http.StatusOK)
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if _, err := fetch(ctx, caller.issuer+"/api/auth/0.1/token/"+session, delivered.Data[v1alpha1.KeyCABundle]); err == nil {
			return errors.New("the deleted token is still good")
		}
		return nil
	})
	caller.json(t, http.MethodGet, "/api/auth/0.1/token/"+session, "", "", "", http.StatusNotFound)
}

// caller calls the endpoint of a tenant, and holds every answer that is an error to telling no canary.
type caller struct {
	http   *http.Client
	issuer string
}

func newCaller(t *testing.T, delivered *corev1.Secret) *caller {
	t.Helper()
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(delivered.Data[v1alpha1.KeyCABundle])
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{http: &http.Client{Transport: transport}, issuer: string(delivered.Data[v1alpha1.KeyIssuer])}
}

func (c *caller) form(t *testing.T, clientID, secret string, form url.Values, wantStatus int) map[string]any {
	t.Helper()
	return c.call(t, http.MethodPost, "/token", clientID, secret, "application/x-www-form-urlencoded", form.Encode(), wantStatus)
}

func (c *caller) json(t *testing.T, method, path, login, password, body string, wantStatus int) map[string]any {
	t.Helper()
	return c.call(t, method, path, login, password, "application/json", body, wantStatus)
}

func (c *caller) call(t *testing.T, method, path, login, password, contentType, body string, wantStatus int) (answer map[string]any) {
	t.Helper()
	status, answer := c.send(t, method, path, login, password, contentType, body)
	if status != wantStatus {
		t.Errorf("%s %s: %d, want %d", method, path, status, wantStatus)
	}
	return answer
}

// send is call where the status is what the test is about.
func (c *caller) send(t *testing.T, method, path, login, password, contentType, body string) (status int, answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.issuer+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	if login != "" {
		request.SetBasicAuth(login, password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		for what := range tellTales(text) {
			t.Errorf("%s %s: the error's body tells %s", method, path, what)
		}
		return response.StatusCode, nil
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, answer
}

// tellTales are the canaries that a text holds. None is ever printed.
func tellTales(text []byte) map[string]bool {
	found := map[string]bool{}
	canaries.Lock()
	defer canaries.Unlock()
	for what, secret := range canaries.of {
		if bytes.Contains(text, []byte(secret)) {
			found[what] = true
		}
	}
	for of, token := range seen.All() {
		if bytes.Contains(text, []byte(token.Token)) {
			found["revision "+of.Revision+" of grant "+of.GrantID] = true
		}
	}
	return found
}

// leaks looks for canaries and for every token that was ever in a Secret, wherever the operator has
// written something that more people may read than may read Secrets.
func leaks(ctx context.Context) (problems []error) {
	log, err := os.ReadFile(shared.Log)
	if err != nil {
		return []error{err}
	}
	if bytes.Contains(log, []byte("Observed a panic")) {
		problems = append(problems, errors.New("the operator's log tells of a panic"))
	}
	texts := map[string][]byte{"the operator's log": log}
	for what, list := range map[string]client.ObjectList{
		"an Event": &eventsv1.EventList{}, "an AuthUser": &v1alpha1.AuthUserList{}, "an AuthClient": &v1alpha1.AuthClientList{},
		"a RefreshTokenGrant": &v1alpha1.RefreshTokenGrantList{}, "an AuthSession": &v1alpha1.AuthSessionList{},
		"a TokenRevocation": &v1alpha1.TokenRevocationList{},
	} {
		if err := admin.List(ctx, list); err != nil {
			return append(problems, err)
		}
		if texts[what], err = json.Marshal(list); err != nil {
			return append(problems, err)
		}
	}
	for where, text := range texts {
		for what := range tellTales(text) {
			problems = append(problems, fmt.Errorf("%s tells %s", where, what))
		}
	}
	return problems
}
