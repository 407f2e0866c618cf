package operator_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestWhateverTheOrderInWhichTheyAreAppliedEverythingBecomesReady(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]int{
		"user, client, grant": {0, 1, 2, 3},
		"grant, client, user": {3, 2, 1, 0},
		"client, grant, user": {1, 3, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			user := s.user(gen.Password(), func(u *v1alpha1.AuthUser) { u.Spec.Subject = "" })
			all := []client.Object{gen.PasswordSecret(user.Name, "open sesame"), user, s.client(), s.grant(withoutID)}
			for i, which := range order {
				s.apply(t, all[which])
				if g, isGrant := all[which].(*v1alpha1.RefreshTokenGrant); isGrant && i < len(order)-1 {
					awaitRefused(t, g, v1alpha1.ReasonRefNotFound)
				}
			}
			awaitReady(t, all[1:]...)
			g := all[3].(*v1alpha1.RefreshTokenGrant)
			if user.Spec.Subject == "" || g.Spec.ID == "" || g.Status.Revision != 1 || g.Status.Username != user.Name {
				t.Errorf("subject %q, id %q, status %+v", user.Spec.Subject, g.Spec.ID, g.Status)
			}
		})
	}
}

func TestTheSecretHoldsWhatAWorkloadNeeds(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, secret := s.issued(t, gen.DeliversRefreshToken(), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.KeyVersion = 0 })

	wantKeys := []string{"ca.crt", "client_id", "expires_at", "issuer", "refresh_token", "token", "token_type", "token_url"}
	if diff := cmp.Diff(wantKeys, slices.Sorted(maps.Keys(secret.Data))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	issuer := issuerOf(s.namespace)
	for key, want := range map[string]string{
		v1alpha1.KeyTokenType: "Bearer",
		v1alpha1.KeyClientID:  s.name("billing"),
		v1alpha1.KeyIssuer:    issuer,
		v1alpha1.KeyTokenURL:  issuer + "/token",
		v1alpha1.KeyExpiry:    g.Status.NotAfter.UTC().Format(time.RFC3339),
	} {
		if got := string(secret.Data[key]); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	wantAnnotations := map[string]string{
		v1alpha1.AnnotationGrantID:   g.Spec.ID,
		v1alpha1.AnnotationRevision:  "1",
		v1alpha1.AnnotationIssuedAt:  g.Status.NotBefore.Add(time.Minute).UTC().Format(time.RFC3339),
		v1alpha1.AnnotationExpiresAt: g.Status.NotAfter.UTC().Format(time.RFC3339),
		v1alpha1.AnnotationKeyID:     g.Status.KeyID,
	}
	if diff := cmp.Diff(wantAnnotations, secret.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	owned := len(secret.OwnerReferences) == 1 && secret.OwnerReferences[0].UID == g.UID &&
		secret.OwnerReferences[0].BlockOwnerDeletion != nil && !*secret.OwnerReferences[0].BlockOwnerDeletion
	if !owned || secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialOutput {
		t.Errorf("owners %v, labels %v", secret.OwnerReferences, secret.Labels)
	}
	if g.Spec.RefreshToken.KeyVersion != 1 || g.Status.NextRenewal == "" {
		t.Errorf("key version %d, next renewal %q", g.Spec.RefreshToken.KeyVersion, g.Status.NextRenewal)
	}
}

func TestDataKeysCanBeRenamed(t *testing.T) {
	t.Parallel()
	s := newScene()
	_, secret := s.issued(t, func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.Target.Keys = &v1alpha1.TargetKeys{AccessToken: "bearer", CABundle: "trust.pem"}
	})
	wantKeys := []string{"bearer", "client_id", "expires_at", "issuer", "token_type", "token_url", "trust.pem"}
	if diff := cmp.Diff(wantKeys, slices.Sorted(maps.Keys(secret.Data))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestTheTokenVerifiesOfflineInEveryLibrary(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []v1alpha1.SigningAlgorithm{v1alpha1.SigningAlgorithmES256, v1alpha1.SigningAlgorithmRS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g := s.grant()
			s.apply(t, s.user(), s.client(gen.SignedWith(algorithm)), g)
			awaitReady(t, g)
			secret := secretOf(t, g)
			token, keySet := string(secret.Data[v1alpha1.KeyAccessToken]), jwks(t, secret)
			want := map[string]any{
				"iss": issuerOf(s.namespace), "sub": gen.Subject(s.name("alice")), "aud": issuerOf(s.namespace),
				"client_id": s.name("billing"), "scope": "orders:read", "sid": g.Spec.ID + ".1", "jti": g.Status.TokenID,
				"exp": float64(g.Status.NotAfter.Unix()), "nbf": float64(g.Status.NotBefore.Unix()), "iat": float64(g.Status.NotBefore.Unix() + 60),
			}
			for library, verify := range map[string]func(string, []byte) (map[string]any, error){
				"go-jose": byGoJose, "golang-jwt": byGolangJWT, "jwx": byJWX,
			} {
				claims, err := verify(token, keySet)
				if err != nil {
					t.Errorf("%s: %v", library, err)
					continue
				}
				if diff := cmp.Diff(want, claims); diff != "" {
					t.Errorf("%s (-want +got):\n%s", library, diff)
				}
			}
		})
	}
}

func TestAReferenceTokenStandsOnASession(t *testing.T) {
	t.Parallel()
	s := newScene()
	g := s.grant(gen.ForWazo("desk-phone"), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = nil })
	s.apply(t, s.user(), g)
	awaitReady(t, g)
	token := string(secretOf(t, g).Data[v1alpha1.KeyAccessToken])
	if !tokens.IsReference(token) {
		t.Fatal("the token is no UUID")
	}
	session := &v1alpha1.AuthSession{}
	key := types.NamespacedName{Namespace: s.namespace, Name: tokens.SessionName(token)}
	if err := admin.Get(t.Context(), key, session); err != nil {
		t.Fatal(err)
	}
	type summary struct {
		Subject, Username, ClientID, GrantID string
		ExpiresAt                            int64
	}
	spec := &session.Spec
	got := summary{spec.Subject, spec.Username, spec.ClientID, spec.GrantID, spec.ExpiresAt.Unix()}
	want := summary{gen.Subject(s.name("alice")), s.name("alice"), "desk-phone", g.Spec.ID, g.Status.NotAfter.Unix()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
}

// issuerOf is the issuer of a tenant of the shared operator.
func issuerOf(namespace string) string {
	if namespace == sharedTenants[0] {
		return shared.URL
	}
	return shared.URL + "/t/" + namespace
}

// jwks fetches the keys of the Secret's issuer, over TLS, with nothing but what the Secret holds.
func jwks(t *testing.T, secret *corev1.Secret) (keySet []byte) {
	t.Helper()
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		var err error
		keySet, err = fetch(ctx, string(secret.Data[v1alpha1.KeyIssuer])+"/jwks", secret.Data[v1alpha1.KeyCABundle])
		return err
	})
	return keySet
}

func fetch(ctx context.Context, url string, bundle []byte) ([]byte, error) {
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%s: no CA to trust", url)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

func byGoJose(token string, keySet []byte) (claims map[string]any, err error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keySet, &set); err != nil {
		return nil, err
	}
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return nil, err
	}
	return claims, parsed.Claims(set, &claims)
}

func byGolangJWT(token string, keySet []byte) (map[string]any, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keySet, &set); err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		for _, key := range set.Key(id) {
			return key.Key, nil
		}
		return nil, fmt.Errorf("no key %q", id)
	}, jwt.WithExpirationRequired(), jwt.WithValidMethods([]string{"ES256", "RS256"}))
	return claims, err
}

func byJWX(token string, keySet []byte) (claims map[string]any, err error) {
	set, err := jwk.Parse(keySet)
	if err != nil {
		return nil, err
	}
	parsed, err := jwxjwt.Parse([]byte(token), jwxjwt.WithKeySet(set), jwxjwt.WithValidate(true))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(parsed)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return nil, err
	}
	if audience, ok := claims["aud"].([]any); ok && len(audience) == 1 { // which is how jwx writes one
		claims["aud"] = audience[0]
	}
	return claims, nil
}
