package operator_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

const (
	rotations = 4
	// A key is published for minStandby before it signs, many times as long as a copy of the key set is
	// good.
	jwksMaxAge = time.Second
	minStandby = 5 * time.Second
)

// TestValidationNeverFailsWhileKeysRotate mints and checks without a pause, on two replicas and
// offline, while keys rotate on request; then a person accepts another issuer.
func TestValidationNeverFailsWhileKeysRotate(t *testing.T) {
	t.Parallel()
	release := ownRelease("rotation")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	options.Flags = append(options.Flags, "--jwks-max-age="+jwksMaxAge.String(), "--min-standby="+minStandby.String())
	first := startReplica(t, options)
	options.BaseURL = first.URL
	second := startReplica(t, options)

	s := sceneIn(release.Tenants[0])
	settings := gen.AuthTenant()
	c := s.client(gen.EveryGrantType(), gen.DefaultScopes("orders:read"))
	g := s.grant()
	s.apply(t, settings, s.user(), c, g)
	awaitReady(t, settings, c, g)
	x := newTraffic(t, secretOf(t, g), secretNamed(t, s.namespace, c.Spec.Secret.Generate.SecretName), first.URL, second.URL)
	ended := x.run(t)
	for i := range rotations {
		rotate(t, settings, strconv.Itoa(i+1))
	}
	controlplane.Eventually(t, patience, func(context.Context) error { // the newest key has signed, too
		if signers := x.signers(); signers <= rotations {
			return fmt.Errorf("tokens of %d keys were checked, though keys rotated %d times", signers, rotations)
		}
		return nil
	})
	x.stop.Store(true)
	ended.Wait()
	x.report(t)
	if issued := secretOf(t, g).Annotations[v1alpha1.AnnotationRevision]; issued != "1" {
		t.Errorf("the grant's token is revision %s: rotation is no reason to issue anew", issued)
	}

	if err := errors.Join(second.Stop(), first.Stop()); err != nil {
		t.Error(err)
	}
	acceptAnotherIssuer(t, options, settings, g)
}

// rotate asks for a rotation and waits until it was acted on.
func rotate(t *testing.T, settings *v1alpha1.AuthTenant, request string) {
	t.Helper()
	before := currentKeys(settings)
	edit(t, settings, gen.TenantAnnotation(v1alpha1.AnnotationRotateKeys, request))
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(settings), settings); err != nil {
			return err
		}
		if settings.Status.RotateRequest != request {
			return fmt.Errorf("the request acted on last is %q", settings.Status.RotateRequest)
		}
		return nil
	})
	if after := currentKeys(settings); len(after) != 2 || slices.ContainsFunc(after, func(id string) bool { return slices.Contains(before, id) }) {
		t.Errorf("keys %v sign after %v", after, before)
	}
}

func currentKeys(settings *v1alpha1.AuthTenant) (ids []string) {
	for _, key := range settings.Status.Keys {
		if key.State == "Current" {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

// acceptAnotherIssuer starts an operator whose flags ask for another issuer.
func acceptAnotherIssuer(t *testing.T, options operator.Options, settings *v1alpha1.AuthTenant, g *v1alpha1.RefreshTokenGrant) {
	t.Helper()
	held := options.BaseURL
	options.BaseURL = strings.Replace(held, "127.0.0.1", "localhost", 1)
	startReplica(t, options)
	message := await(t, settings, v1alpha1.ConditionIssuerChanged, "True", v1alpha1.ReasonIssuerKept)
	awaitReady(t, settings, g)
	if settings.Status.Issuer != held || !strings.Contains(message, options.BaseURL) {
		t.Errorf("issuer %q; the condition says %q", settings.Status.Issuer, message)
	}
	keyring := keyringIn(t, options.Release.Namespace, settings.Namespace)
	edit(t, keyring, func(secret *corev1.Secret) { secret.Annotations[v1alpha1.AnnotationIssuer] = options.BaseURL })
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(settings), settings); err != nil {
			return err
		}
		if settings.Status.Issuer != options.BaseURL || meta.FindStatusCondition(settings.Status.Conditions, v1alpha1.ConditionIssuerChanged) != nil {
			return fmt.Errorf("issuer %q", settings.Status.Issuer)
		}
		return nil
	})
	awaitSecret(t, g.Namespace, secretOf(t, g).Name, func(secret *corev1.Secret) error {
		if issuer := string(secret.Data[v1alpha1.KeyIssuer]); issuer != options.BaseURL {
			return fmt.Errorf("the grant's token is of issuer %q", issuer)
		}
		return nil
	})
}

// traffic is everybody who mints and checks tokens meanwhile.
type traffic struct {
	http             *http.Client
	replicas         []string
	clientID, secret string
	offline          map[string]*offlineValidator

	stop           atomic.Bool
	minted, checks atomic.Int64
	kids           sync.Map

	mu       sync.Mutex
	failures []string
	held     []string // tokens that were good
}

func newTraffic(t *testing.T, delivered, credential *corev1.Secret, replicas ...string) *traffic {
	t.Helper()
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(delivered.Data[v1alpha1.KeyCABundle])
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	x := &traffic{
		http:     &http.Client{Transport: transport, Timeout: patience},
		replicas: replicas,
		clientID: string(credential.Data[v1alpha1.KeyClientID]),
		secret:   string(credential.Data[v1alpha1.KeyClientSecret]),
		held:     []string{string(delivered.Data[v1alpha1.KeyAccessToken])},
	}
	x.offline = map[string]*offlineValidator{
		"go-jose":    {traffic: x, verify: byGoJose},
		"golang-jwt": {traffic: x, verify: byGolangJWT},
		"jwx":        {traffic: x, verify: byJWX},
	}
	return x
}

// run mints and checks until it is stopped.
func (x *traffic) run(t *testing.T) *sync.WaitGroup {
	t.Helper()
	ended := &sync.WaitGroup{}
	for _, replica := range x.replicas {
		ended.Go(func() {
			for !x.stop.Load() {
				if token, err := x.mint(t.Context(), replica); err != nil {
					x.fail("mint at %s: %v", replica, err)
				} else {
					x.minted.Add(1)
					x.kids.Store(keyOf(token), true)
					x.check(t.Context(), token)
				}
			}
		})
	}
	return ended
}

func (x *traffic) fail(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.failures = append(x.failures, fmt.Sprintf(format, args...))
}

// check checks a token that was minted this moment, and one of those from before.
func (x *traffic) check(ctx context.Context, token string) {
	for _, each := range []string{token, x.earlier(token)} {
		for _, replica := range x.replicas {
			if err := x.introspect(ctx, replica, each); err != nil {
				x.fail("introspect at %s: %v", replica, err)
			}
			x.checks.Add(1)
		}
		for name, validator := range x.offline {
			if err := validator.check(ctx, each); err != nil {
				x.fail("%s: %v", name, err)
			}
			x.checks.Add(1)
		}
	}
}

// earlier is one of the tokens that were kept, of which a new one is every twentieth.
func (x *traffic) earlier(token string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := int(x.minted.Load())
	if n%20 == 0 {
		x.held = append(x.held, token)
	}
	return x.held[n%len(x.held)]
}

func (x *traffic) mint(ctx context.Context, replica string) (string, error) {
	answer, err := x.post(ctx, replica+"/token", url.Values{"grant_type": {"client_credentials"}})
	token, _ := answer["access_token"].(string)
	return token, err
}

func (x *traffic) introspect(ctx context.Context, replica, token string) error {
	answer, err := x.post(ctx, replica+"/introspect", url.Values{"token": {token}})
	if err == nil && answer["active"] != true {
		err = errors.New("the token is not active")
	}
	return err
}

func (x *traffic) post(ctx context.Context, to string, form url.Values) (answer map[string]any, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(x.clientID), url.QueryEscape(x.secret))
	response, err := x.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", to, response.Status)
	}
	return answer, json.NewDecoder(response.Body).Decode(&answer)
}

// signers counts the keys of the tokens that were minted.
func (x *traffic) signers() (signers int) {
	x.kids.Range(func(any, any) bool { signers++; return true })
	return signers
}

func (x *traffic) report(t *testing.T) {
	t.Helper()
	t.Logf("%d tokens of %d keys, %d checks, %d failures", x.minted.Load(), x.signers(), x.checks.Load(), len(x.failures))
	for _, failure := range x.failures[:min(len(x.failures), 10)] {
		t.Error(failure)
	}
}

// offlineValidator holds a copy of the key set for as long as it may, and asks nobody about a key that
// is not in it.
type offlineValidator struct {
	*traffic
	verify func(token string, keySet []byte) (map[string]any, error)

	mu      sync.Mutex
	keySet  []byte
	until   time.Time
	fetched int
}

func (v *offlineValidator) check(ctx context.Context, token string) error {
	keySet, err := v.keys(ctx)
	if err != nil {
		return err
	}
	_, err = v.verify(token, keySet)
	return err
}

func (v *offlineValidator) keys(ctx context.Context) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Now().Before(v.until) {
		return v.keySet, nil
	}
	v.fetched++
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.replicas[v.fetched%len(v.replicas)]+"/jwks", nil)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	response, err := v.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	seconds, found := strings.CutPrefix(response.Header.Get("Cache-Control"), "public, max-age=")
	age, err := strconv.Atoi(seconds)
	if !found || err != nil || age != int(jwksMaxAge/time.Second) {
		return nil, fmt.Errorf("Cache-Control %q", response.Header.Get("Cache-Control"))
	}
	if v.keySet, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	v.until = asked.Add(time.Duration(age) * time.Second)
	var set jose.JSONWebKeySet
	return v.keySet, json.Unmarshal(v.keySet, &set)
}
