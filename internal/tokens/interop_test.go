package tokens

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// Each library below gets the token and the published key set, as a validator
// would, and returns the claims that it read.
var libraries = map[string]func(t *testing.T, jwks []byte, token string) map[string]any{
	"go-jose":    verifyWithGoJose,
	"golang-jwt": verifyWithGolangJWT,
	"jwx":        verifyWithJWX,
}

func TestOtherLibrariesVerifyOurTokens(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for library, verify := range libraries {
		for name, access := range accesses() {
			for _, alg := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
				t.Run(library+"-"+name+"-"+string(alg), func(t *testing.T) {
					t.Parallel()
					token, err := Sign(testSigner(t, ring, alg), access)
					if err != nil {
						t.Fatal(err)
					}
					var want map[string]any
					if err := json.Unmarshal(appendClaims(nil, access), &want); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, verify(t, ring.JWKS(), token)); diff != "" {
						t.Errorf("(-written +read):\n%s", diff)
					}
				})
			}
		}
	}
}

func verifyWithGoJose(t *testing.T, jwks []byte, token string) map[string]any {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	claims, all := josejwt.Claims{}, map[string]any{}
	if err := parsed.Claims(set, &claims, &all); err != nil {
		t.Fatal(err)
	}
	if err := claims.ValidateWithLeeway(josejwt.Expected{Issuer: testIssuer, Time: testIssued}, 0); err != nil {
		t.Fatal(err)
	}
	return all
}

func verifyWithGolangJWT(t *testing.T, jwks []byte, token string) map[string]any {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims,
		func(parsed *jwt.Token) (any, error) { return set.Key(parsed.Header["kid"].(string))[0].Key, nil },
		jwt.WithStrictDecoding(), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(testIssuer),
		jwt.WithTimeFunc(func() time.Time { return testIssued }))
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func verifyWithJWX(t *testing.T, jwks []byte, token string) map[string]any {
	t.Helper()
	set, err := jwk.Parse(jwks)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify([]byte(token), jws.WithKeySet(set, jws.WithRequireKid(true)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = jwxjwt.Parse([]byte(token), jwxjwt.WithKeySet(set), jwxjwt.WithIssuer(testIssuer),
		jwxjwt.WithClock(jwxjwt.ClockFunc(func() time.Time { return testIssued })))
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
