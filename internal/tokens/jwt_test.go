package tokens

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/golden"
)

// accesses are tokens that between them have every claim present and absent.
func accesses() map[string]*Access {
	return map[string]*Access{
		"oauth2-grant": oauth2Access(),
		"oauth2-client-alone": oauth2Access(func(a *Access) {
			a.Subject, a.Scopes, a.GrantID, a.Epoch = "billing", nil, "", 0
		}),
		"oauth2-login-with-profile": oauth2Access(func(a *Access) {
			a.Audiences = []string{"https://orders.example.com", testIssuer}
			a.Epoch, a.AuthTime, a.CredentialVersion = 12, testIssued.Add(-time.Hour), "3q2-7wABAgM"
			a.Profile = fullProfile()
		}),
		"oauth2-unverified-email": oauth2Access(func(a *Access) {
			a.Profile = &Profile{Email: "zoe@example.com"}
		}),
		"oauth2-grant-crossing": oauth2Access(func(a *Access) { a.GrantNamespace = "team-b" }),
		"wazo-login":            wazoAccess(),
		"wazo-grant": wazoAccess(func(a *Access) {
			a.ClientID, a.GrantID, a.Epoch = "my \"phone\"\\\n\x01é", testGrant, 3
			a.AuthTime, a.CredentialVersion = time.Time{}, ""
		}),
		"wazo-without-rights": wazoAccess(func(a *Access) { a.ACL = nil }),
	}
}

func TestSignedBytesAreFinal(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for name, access := range accesses() {
		for _, alg := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
			t.Run(name+"-"+string(alg), func(t *testing.T) {
				t.Parallel()
				token, err := Sign(testSigner(t, ring, alg), access)
				if err != nil {
					t.Fatal(err)
				}
				golden.Compare(t, name+"-"+string(alg), []byte(explain(t, token)))
			})
		}
	}
}

// explain puts what a token says under the token, so that a golden file can be
// reviewed.
func explain(t *testing.T, token string) string {
	t.Helper()
	lines := []string{token}
	for _, segment := range strings.Split(token, ".")[:2] {
		data, err := base64.RawURLEncoding.DecodeString(segment)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(data))
	}
	return strings.Join(lines, "\n")
}

func TestVerifyReturnsWhatWasSigned(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for name, access := range accesses() {
		for _, alg := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
			t.Run(name+"-"+string(alg), func(t *testing.T) {
				t.Parallel()
				key := testSigner(t, ring, alg)
				token, err := Sign(key, access)
				if err != nil {
					t.Fatal(err)
				}
				got, keyID, err := Verify(ring, token)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(access, got); diff != "" {
					t.Errorf("(-signed +verified):\n%s", diff)
				}
				if keyID != key.ID {
					t.Errorf("key id %q, want %q", keyID, key.ID)
				}
			})
		}
	}
}

func TestLoginDetailsStayOutOfTheToken(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	plain, err := Sign(testSigner(t, ring, keys.ES256), wazoAccess())
	if err != nil {
		t.Fatal(err)
	}
	detailed, err := Sign(testSigner(t, ring, keys.ES256), wazoAccess(func(a *Access) {
		a.Mobile, a.UserAgent, a.RemoteAddress = true, "curl/8", "192.0.2.1"
	}))
	if err != nil {
		t.Fatal(err)
	}
	if plain != detailed {
		t.Error("the token shows how the user logged in")
	}
}

func TestFractionsOfASecondAreDropped(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	whole, err := Sign(testSigner(t, ring, keys.ES256), oauth2Access())
	if err != nil {
		t.Fatal(err)
	}
	fraction, err := Sign(testSigner(t, ring, keys.ES256), oauth2Access(func(a *Access) {
		a.IssuedAt = a.IssuedAt.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
		a.ExpiresAt = a.ExpiresAt.Add(time.Nanosecond)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if whole != fraction {
		t.Error("a fraction of a second or a time zone changed the token")
	}
}

func TestKeysThatAreNotCurrentStillVerify(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for _, id := range []string{keystest.StandbyES256, keystest.RetiredES256} {
		key, ok := ring.SigningKey(id)
		if !ok {
			t.Fatalf("key %q is not published", id)
		}
		token, err := Sign(key, oauth2Access())
		if err != nil {
			t.Fatal(err)
		}
		if _, keyID, err := Verify(ring, token); err != nil || keyID != id {
			t.Errorf("Verify: key %q, error %v; want %q", keyID, err, id)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]*Access{
		"an unknown dialect":                  oauth2Access(func(a *Access) { a.Dialect = "saml" }),
		"no issuer":                           oauth2Access(func(a *Access) { a.Issuer = "" }),
		"no subject":                          oauth2Access(func(a *Access) { a.Subject = "" }),
		"no id":                               oauth2Access(func(a *Access) { a.ID = "" }),
		"no audience":                         oauth2Access(func(a *Access) { a.Audiences = nil }),
		"an empty audience":                   oauth2Access(func(a *Access) { a.Audiences = []string{"a", ""} }),
		"no client in OAuth2":                 oauth2Access(func(a *Access) { a.ClientID = "" }),
		"no issue time":                       oauth2Access(func(a *Access) { a.IssuedAt = time.Time{} }),
		"no start":                            oauth2Access(func(a *Access) { a.NotBefore = time.Time{} }),
		"no expiry":                           oauth2Access(func(a *Access) { a.ExpiresAt = time.Time{} }),
		"an expiry at the issue":              oauth2Access(func(a *Access) { a.ExpiresAt = a.IssuedAt.Add(time.Second - 1) }),
		"an expiry after the year 9999":       oauth2Access(func(a *Access) { a.ExpiresAt = a.ExpiresAt.AddDate(8000, 0, 0) }),
		"a login before 1970":                 oauth2Access(func(a *Access) { a.AuthTime = time.Unix(-1, 0) }),
		"a grant that is no UUID":             oauth2Access(func(a *Access) { a.GrantID = "grant" }),
		"a grant in upper case":               oauth2Access(func(a *Access) { a.GrantID = strings.ToUpper(testGrant) }),
		"an epoch without a grant":            oauth2Access(func(a *Access) { a.GrantID = "" }),
		"a negative epoch":                    oauth2Access(func(a *Access) { a.Epoch = -1 }),
		"a namespace that is none":            oauth2Access(func(a *Access) { a.GrantNamespace = "team.b" }),
		"a namespace without a grant":         wazoAccess(func(a *Access) { a.GrantNamespace = "team-b" }),
		"an empty scope":                      oauth2Access(func(a *Access) { a.Scopes = []string{"a", ""} }),
		"two scopes in one":                   oauth2Access(func(a *Access) { a.Scopes = []string{"a b"} }),
		"an acl in OAuth2":                    oauth2Access(func(a *Access) { a.ACL = []string{"#"} }),
		"a text that is not UTF-8":            oauth2Access(func(a *Access) { a.ClientID = "\xff" }),
		"scopes in wazo":                      wazoAccess(func(a *Access) { a.Scopes = []string{"a"} }),
		"a profile in wazo":                   wazoAccess(func(a *Access) { a.Profile = &Profile{Name: "Zoë"} }),
		"an audience in wazo":                 wazoAccess(func(a *Access) { a.Audiences = []string{"https://orders.example.com"} }),
		"an audience beside wazo's issuer":    wazoAccess(func(a *Access) { a.Audiences = append(a.Audiences, "other") }),
		"a token that Verify would not read":  wazoAccess(func(a *Access) { a.ACL = []string{strings.Repeat("a", MaxTokenLength)} }),
		"a token that is too long in base64":  wazoAccess(func(a *Access) { a.ACL = []string{strings.Repeat("a", MaxTokenLength*3/4)} }),
		"half a character at a string's ends": wazoAccess(func(a *Access) { a.ACL = []string{"\xc3", "\xa9"} }),
	}
	ring := testRing(t)
	for name, access := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if token, err := Sign(testSigner(t, ring, keys.ES256), access); err == nil {
				t.Errorf("signed:\n%s", explain(t, token))
			}
		})
	}
}

func TestTheLongestTokenVerifies(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	key := testSigner(t, ring, keys.EdDSA)
	longest := ""
	for length := 5000; ; length++ {
		token, err := Sign(key, wazoAccess(func(a *Access) { a.ACL = []string{strings.Repeat("a", length)} }))
		if err != nil {
			break
		}
		longest = token
	}
	if len(longest) < MaxTokenLength-2 {
		t.Errorf("the longest token has %d bytes, want nearly %d", len(longest), MaxTokenLength)
	}
	if _, _, err := Verify(ring, longest); err != nil {
		t.Errorf("a token of %d bytes was signed but not verified: %v", len(longest), err)
	}
}

func TestExpiryAndStartAreExactToTheSecond(t *testing.T) {
	t.Parallel()
	a := oauth2Access()
	tests := map[string]struct {
		now                   time.Time
		wantExpired, wantSoon bool
	}{
		"the second before nbf": {now: a.NotBefore.Add(-time.Second), wantSoon: true},
		"at nbf":                {now: a.NotBefore},
		"just before exp":       {now: a.ExpiresAt.Add(-1)},
		"at exp":                {now: a.ExpiresAt, wantExpired: true},
		"after exp":             {now: a.ExpiresAt.Add(time.Hour), wantExpired: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := a.Expired(tc.now); got != tc.wantExpired {
				t.Errorf("Expired: %v, want %v", got, tc.wantExpired)
			}
			if got := a.NotYetValid(tc.now); got != tc.wantSoon {
				t.Errorf("NotYetValid: %v, want %v", got, tc.wantSoon)
			}
		})
	}
}

func TestSigningAllocatesLittle(t *testing.T) {
	ring, access := testRing(t), oauth2Access()
	tests := map[string]struct {
		alg  keys.Algorithm
		want float64
	}{
		// 57 without the race detector, 61 with it.
		"ES256: the token, its signature and the standard library's 55": {alg: keys.ES256, want: 61},
		"RS256: the token, and the standard library's two":              {alg: keys.RS256, want: 3},
		"EdDSA: the token and its signature":                            {alg: keys.EdDSA, want: 2},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			key := testSigner(t, ring, tc.alg)
			got := testing.AllocsPerRun(20, func() {
				if _, err := Sign(key, access); err != nil {
					t.Fatal(err)
				}
			})
			if got > tc.want {
				t.Errorf("%v allocations, want at most %v", got, tc.want)
			}
		})
	}
}
