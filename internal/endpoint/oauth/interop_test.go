package oauth_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

const ordersAPI = "https://orders.example.com"

// verified is what each library has read of a token that it took for good.
type verified struct {
	Issuer, Subject, ClientID, Scope string
	Audiences                        []string
	ExpiresAt                        time.Time
}

// libraries verify a token as a resource server would: with nothing but the key set, the issuer and
// its own name.
var libraries = map[string]func(t *testing.T, issuer, keySet, token string) verified{
	"go-jose":    withGoJose,
	"golang-jwt": withGolangJWT,
	"jwx":        withJWX,
}

// TestOthersVerifyWhatTheEndpointGives fetches keys and tokens over HTTP.
func TestOthersVerifyWhatTheEndpointGives(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []v1alpha1.SigningAlgorithm{v1alpha1.SigningAlgorithmES256, v1alpha1.SigningAlgorithmRS256} {
		s := inMemory(t)
		billing, _ := s.Rows(t).Client("billing")
		signing := billing.AuthClient.DeepCopy()
		gen.SignedWith(algorithm)(signing)
		s.Put(signing)
		keySet := s.send(t, request{method: http.MethodGet, path: "/jwks"}).Body.String()
		for _, grant := range []struct{ name, form, subject, scope string }{
			{"client_credentials", "grant_type=client_credentials", "billing", "orders:read"},
			{"refresh", form("grant_type", "refresh_token", "refresh_token", s.refreshToken(t)), gen.Subject("alice"), "orders:read orders:write"},
		} {
			var answer tokenAnswer
			text := s.send(t, request{form: grant.form, headers: basic("billing", clientSecret)}).Body.String()
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want := verified{
				Issuer: s.Issuer, Subject: grant.subject, ClientID: "billing", Scope: grant.scope,
				Audiences: []string{ordersAPI, "https://stock.example.com"}, ExpiresAt: tenant.Start.Add(time.Hour),
			}
			for library, verify := range libraries {
				t.Run(string(algorithm)+"-"+grant.name+"-"+library, func(t *testing.T) {
					t.Parallel()
					if diff := cmp.Diff(want, verify(t, s.Issuer, keySet, answer.AccessToken)); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

func withGoJose(t *testing.T, issuer, keySet, token string) verified {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(keySet), &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims josejwt.Claims
	var own struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	if err := parsed.Claims(set, &claims, &own); err != nil {
		t.Fatal(err)
	}
	expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{ordersAPI}, Time: tenant.Start}
	if err := claims.ValidateWithLeeway(expected, 0); err != nil {
		t.Fatal(err)
	}
	return verified{claims.Issuer, claims.Subject, own.ClientID, own.Scope, claims.Audience, claims.Expiry.Time().UTC()}
}

func withGolangJWT(t *testing.T, issuer, keySet, token string) verified {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(keySet), &set); err != nil {
		t.Fatal(err)
	}
	var claims struct {
		jwt.RegisteredClaims
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	_, err := jwt.ParseWithClaims(token, &claims,
		func(parsed *jwt.Token) (any, error) { return set.Key(parsed.Header["kid"].(string))[0].Key, nil },
		jwt.WithStrictDecoding(), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(issuer), jwt.WithAudience(ordersAPI),
		jwt.WithTimeFunc(func() time.Time { return tenant.Start }))
	if err != nil {
		t.Fatal(err)
	}
	return verified{claims.Issuer, claims.Subject, claims.ClientID, claims.Scope, claims.Audience, claims.ExpiresAt.UTC()}
}

func withJWX(t *testing.T, issuer, keySet, token string) verified {
	t.Helper()
	set, err := jwk.Parse([]byte(keySet))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwxjwt.Parse([]byte(token), jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(ordersAPI),
		jwxjwt.WithClock(jwxjwt.ClockFunc(func() time.Time { return tenant.Start })))
	if err != nil {
		t.Fatal(err)
	}
	read := verified{}
	read.Issuer, _ = parsed.Issuer()
	read.Subject, _ = parsed.Subject()
	read.Audiences, _ = parsed.Audience()
	read.ExpiresAt, _ = parsed.Expiration()
	for name, to := range map[string]*string{"client_id": &read.ClientID, "scope": &read.Scope} {
		if err := parsed.Get(name, to); err != nil {
			t.Fatal(err)
		}
	}
	return read
}
