package tokens

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
)

const (
	genuineClaims = `{"iss":"https://auth.example.com/t/team-a","sub":"s","aud":"a","exp":1767326645,"iat":1767323045,` +
		`"nbf":1767322985,"jti":"j","client_id":"c"}`
	genuineWazoClaims = `{"iss":"https://auth.example.com/t/team-a","sub":"s","aud":"https://auth.example.com/t/team-a",` +
		`"exp":1767326645,"iat":1767323045,"nbf":1767322985,"jti":"j","acl":[]}`
)

// forge makes a token of any header and claims, signed with a genuine key: what
// a program that holds the key but does not know the rules could make.
func forge(t testing.TB, key *keys.SigningKey, header, claims string) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature, err := key.Sign([]byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func es256Header(t testing.TB, ring *keys.Ring) string {
	t.Helper()
	return string(appendHeader(nil, testSigner(t, ring, keys.ES256), OAuth2))
}

func TestVerifyRefusesHeaders(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	es256, rs256 := testSigner(t, ring, keys.ES256), testSigner(t, ring, keys.RS256)
	header := es256Header(t, ring)
	replace := func(old, replacement string) string { return strings.Replace(header, old, replacement, 1) }
	tests := map[string]struct {
		header string
		want   error
	}{
		"alg none":                           {replace(`ES256`, `none`), ErrMalformed},
		"an algorithm that is not the key's": {replace(`ES256`, `RS256`), ErrMalformed},
		"a symmetric algorithm":              {replace(`ES256`, `HS256`), ErrMalformed},
		"no alg":                             {replace(`"alg":"ES256",`, ``), ErrMalformed},
		"no kid":                             {replace(`"kid":"`+es256.ID+`",`, ``), ErrMalformed},
		"no typ":                             {replace(`,"typ":"at+jwt"`, ``), ErrMalformed},
		"the general typ":                    {replace(`at+jwt`, `JWT`), ErrMalformed},
		"the long form of the typ":           {replace(`at+jwt`, `application/at+jwt`), ErrMalformed},
		"the typ in another case":            {replace(`at+jwt`, `AT+JWT`), ErrMalformed},
		"the typ of an ID token":             {replace(`at+jwt`, `id+jwt`), ErrMalformed},
		"crit":                               {replace(`}`, `,"crit":["b64"],"b64":true}`), ErrMalformed},
		"an embedded key":                    {replace(`}`, `,"jwk":{}}`), ErrMalformed},
		"a member twice":                     {replace(`{`, `{"alg":"ES256",`), ErrMalformed},
		"a second typ":                       {replace(`}`, `,"typ":"wazo+jwt"}`), ErrMalformed},
		"white space":                        {replace(`,`, `, `), ErrMalformed},
		"something after the object":         {header + ` `, ErrMalformed},
		"another order":                      {`{"kid":"` + es256.ID + `","alg":"ES256","typ":"at+jwt"}`, ErrMalformed},
		"an escape that nobody needs":        {replace(`at+jwt`, `\u0061t+jwt`), ErrMalformed},
		"a number for the kid":               {replace(`"`+es256.ID+`"`, `1`), ErrMalformed},
		"bytes that are not UTF-8":           {replace(`ES256`, "\xff"), ErrMalformed},
		"an empty header":                    {``, ErrMalformed},
		"a very long header":                 {replace(`ES256`, strings.Repeat("E", 4000)), ErrMalformed},
		"an unknown kid":                     {replace(es256.ID, strings.Repeat("A", 43)), ErrUnknownKey},
		"a revoked kid":                      {replace(es256.ID, keystest.RevokedES256), ErrUnknownKey},
		"the kid of another key":             {replace(es256.ID, keystest.StandbyES256), ErrSignature},
		"a key of another algorithm":         {replace(es256.ID, rs256.ID), ErrMalformed},
		"that key with its algorithm":        {strings.NewReplacer(es256.ID, rs256.ID, "ES256", "RS256").Replace(header), ErrSignature},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, ring, forge(t, es256, tc.header, genuineClaims), tc.want)
		})
	}
	if _, _, err := Verify(ring, forge(t, es256, header, genuineClaims)); err != nil {
		t.Errorf("what these cases change is itself refused: %v", err)
	}
}

func TestVerifyRefusesClaims(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	es256 := testSigner(t, ring, keys.ES256)
	replace := func(old, replacement string) string { return strings.Replace(genuineClaims, old, replacement, 1) }
	tests := map[string]struct {
		claims string
		want   error
	}{
		"an issuer of another tenant":     {replace(`/t/team-a`, `/t/team-b`), ErrIssuer},
		"the issuer with a slash":         {replace(`/t/team-a`, `/t/team-a/`), ErrIssuer},
		"no issuer":                       {replace(`"iss":"https://auth.example.com/t/team-a",`, ``), ErrMalformed},
		"a claim twice":                   {replace(`"sub":"s",`, `"sub":"s","sub":"admin",`), ErrMalformed},
		"a claim twice, later":            {replace(`}`, `,"sub":"admin"}`), ErrMalformed},
		"an unknown claim":                {replace(`}`, `,"cnf":{}}`), ErrMalformed},
		"something after the object":      {genuineClaims + `{}`, ErrMalformed},
		"a line break after the object":   {genuineClaims + "\n", ErrMalformed},
		"an object cut short":             {strings.TrimSuffix(genuineClaims, `}`), ErrMalformed},
		"no claims":                       {``, ErrMalformed},
		"an empty subject":                {replace(`"sub":"s"`, `"sub":""`), ErrMalformed},
		"an empty client":                 {replace(`"client_id":"c"`, `"client_id":""`), ErrMalformed},
		"no client":                       {replace(`,"client_id":"c"`, ``), ErrMalformed},
		"one audience in an array":        {replace(`"aud":"a"`, `"aud":["a"]`), ErrMalformed},
		"no audience":                     {replace(`"aud":"a"`, `"aud":[]`), ErrMalformed},
		"an audience that is no text":     {replace(`"aud":"a"`, `"aud":["a",null]`), ErrMalformed},
		"an array that does not end":      {replace(`"aud":"a"`, `"aud":["a","b"`), ErrMalformed},
		"an expiry in quotes":             {replace(`1767326645`, `"1767326645"`), ErrMalformed},
		"an expiry with a fraction":       {replace(`1767326645`, `1767326645.0`), ErrMalformed},
		"an expiry with an exponent":      {replace(`1767326645`, `1767326645e0`), ErrMalformed},
		"an expiry with a leading zero":   {replace(`1767326645`, `01767326645`), ErrMalformed},
		"a negative expiry":               {replace(`1767326645`, `-1`), ErrMalformed},
		"an expiry of 22 digits":          {replace(`1767326645`, `1767326645176732664500`), ErrMalformed},
		"an expiry beyond the calendar":   {replace(`1767326645`, `9223372036854775807`), ErrMalformed},
		"an expiry before the issue":      {replace(`1767326645`, `1767323045`), ErrMalformed},
		"no start":                        {replace(`"nbf":1767322985,`, ``), ErrMalformed},
		"the acl of the other dialect":    {replace(`}`, `,"acl":["#"]}`), ErrMalformed},
		"an empty scope":                  {replace(`}`, `,"scope":""}`), ErrMalformed},
		"two spaces between scopes":       {replace(`}`, `,"scope":"a  b"}`), ErrMalformed},
		"a sid without an epoch":          {replace(`}`, `,"sid":"`+testGrant+`"}`), ErrMalformed},
		"a sid with a signed epoch":       {replace(`}`, `,"sid":"`+testGrant+`.+1"}`), ErrMalformed},
		"a sid with a part too many":      {replace(`}`, `,"sid":"`+testGrant+`.1.team-b.2"}`), ErrMalformed},
		"a sid with an empty namespace":   {replace(`}`, `,"sid":"`+testGrant+`.1."}`), ErrMalformed},
		"a sid with no namespace's name":  {replace(`}`, `,"sid":"`+testGrant+`.1.Team"}`), ErrMalformed},
		"a sid without a grant":           {replace(`}`, `,"sid":".1"}`), ErrMalformed},
		"a sid that is no UUID":           {replace(`}`, `,"sid":"grant.1"}`), ErrMalformed},
		"an email without its verdict":    {replace(`}`, `,"email":"a@example.com"}`), ErrMalformed},
		"a verdict that is no boolean":    {replace(`}`, `,"email":"a@example.com","email_verified":1}`), ErrMalformed},
		"profile members in another way":  {replace(`}`, `,"given_name":"a","name":"b"}`), ErrMalformed},
		"an escape that nobody needs":     {replace(`"sub":"s"`, `"sub":"\u0073"`), ErrMalformed},
		"an escape in upper case":         {replace(`"sub":"s"`, `"sub":"\u001F"`), ErrMalformed},
		"a short escape":                  {replace(`"sub":"s"`, `"sub":"\n"`), ErrMalformed},
		"an escape cut short":             {`{"iss":"\u00`, ErrMalformed},
		"a backslash at the end":          {`{"iss":"\`, ErrMalformed},
		"a bare control character":        {replace(`"sub":"s"`, "\"sub\":\"\x01\""), ErrMalformed},
		"a control character past escape": {replace(`"sub":"s"`, "\"sub\":\"\\\"\x01\""), ErrMalformed},
		"a string that does not end":      {`{"iss":"\"abc`, ErrMalformed},
		"bytes that are not UTF-8":        {replace(`"sub":"s"`, "\"sub\":\"\xff\""), ErrMalformed},
		"the claims of the other dialect": {genuineWazoClaims, ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, ring, forge(t, es256, es256Header(t, ring), tc.claims), tc.want)
		})
	}
}

func TestVerifyRefusesWazoClaims(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	es256 := testSigner(t, ring, keys.ES256)
	header := string(appendHeader(nil, es256, Wazo))
	replace := func(old, replacement string) string { return strings.Replace(genuineWazoClaims, old, replacement, 1) }
	tests := map[string]string{
		"no acl":                          replace(`,"acl":[]`, ``),
		"an acl of null":                  replace(`[]`, `null`),
		"an acl that ends in a comma":     replace(`[]`, `["a",]`),
		"a scope":                         replace(`"acl":[]`, `"scope":"a"`),
		"another audience":                replace(`"aud":"https://auth.example.com/t/team-a"`, `"aud":"a"`),
		"a profile":                       replace(`}`, `,"name":"Zoë"}`),
		"the claims of the other dialect": genuineClaims,
	}
	for name, claims := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, ring, forge(t, es256, header, claims), ErrMalformed)
		})
	}
	if _, _, err := Verify(ring, forge(t, es256, header, genuineWazoClaims)); err != nil {
		t.Errorf("what these cases change is itself refused: %v", err)
	}
}

func TestVerifyRefusesSpellings(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	token := forge(t, testSigner(t, ring, keys.ES256), es256Header(t, ring), genuineClaims)
	parts := strings.Split(token, ".")
	tests := map[string]struct {
		token string
		want  error
	}{
		"nothing":                            {"", ErrMalformed},
		"one part":                           {parts[0], ErrMalformed},
		"two parts":                          {parts[0] + "." + parts[1], ErrMalformed},
		"four parts":                         {token + ".", ErrMalformed},
		"only dots":                          {"..", ErrMalformed},
		"no signature":                       {parts[0] + "." + parts[1] + ".", ErrSignature},
		"half a signature":                   {token[:len(token)-46], ErrSignature},
		"spare bits in the signature":        {token[:len(token)-1] + nextInAlphabet(token[len(token)-1]), ErrMalformed},
		"padding":                            {token + "==", ErrMalformed},
		"a line break at the end":            {token + "\n", ErrMalformed},
		"a line break in the claims":         {parts[0] + "." + parts[1][:9] + "\r\n" + parts[1][9:] + "." + parts[2], ErrMalformed},
		"a space before":                     {" " + token, ErrMalformed},
		"the alphabet of plain base64":       {parts[0] + "." + parts[1] + "." + strings.Repeat("+", 86), ErrMalformed},
		"the claims of another token":        {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(genuineWazoClaims)) + "." + parts[2], ErrSignature},
		"more than the longest token":        {token + strings.Repeat("A", MaxTokenLength), ErrMalformed},
		"a signature of zeroes":              {parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), ErrSignature},
		"a signature longer than any":        {parts[0] + "." + parts[1] + "." + strings.Repeat("A", 4000), ErrSignature},
		"a reference token":                  {testSession, ErrMalformed},
		"a refresh token, which has 5 parts": {testGrant + ".1.0.1." + strings.Repeat("A", 43), ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRefused(t, ring, tc.token, tc.want)
		})
	}
}

// nextInAlphabet returns the base64url character whose value is one higher,
// which in the last place of an ES256 signature is a spare bit.
func nextInAlphabet(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[(strings.IndexByte(alphabet, c)+1)%len(alphabet)])
}

func TestVerifyRefusesThePublicKeyAsSecret(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	rs256 := testSigner(t, ring, keys.RS256)
	public, err := x509.MarshalPKIXPublicKey(rs256.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"HS256", "RS256"} {
		header := `{"alg":"` + alg + `","kid":"` + rs256.ID + `","typ":"at+jwt"}`
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(genuineClaims))
		mac := hmac.New(sha256.New, public)
		mac.Write([]byte(signed))
		token := signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		if _, _, err := Verify(ring, token); err == nil {
			t.Errorf("%s: a MAC under the public key was taken for a signature", alg)
		}
	}
}

func TestEveryCharacterCounts(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for _, alg := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
		token, err := Sign(testSigner(t, ring, alg), oauth2Access())
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(token) {
			changed := token[:i] + nextInAlphabet(token[i]) + token[i+1:]
			if _, _, err := Verify(ring, changed); err == nil {
				t.Errorf("%s: character %d can be changed", alg, i)
			}
		}
	}
}

func TestTheTwinOfASignatureSaysTheSame(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	token, err := Sign(testSigner(t, ring, keys.ES256), oauth2Access())
	if err != nil {
		t.Fatal(err)
	}
	dot := strings.LastIndexByte(token, '.')
	signature, ok := decode(nil, token[dot+1:])
	if !ok {
		t.Fatal("the signature is not base64url")
	}
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	got, _, err := Verify(ring, token[:dot+1]+base64.RawURLEncoding.EncodeToString(signature))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(oauth2Access(), got); diff != "" {
		t.Errorf("(-signed +verified):\n%s", diff)
	}
}

func TestATokenOfAnotherTenantIsRefused(t *testing.T) {
	t.Parallel()
	token, err := Sign(testSigner(t, testRing(t), keys.ES256), oauth2Access())
	if err != nil {
		t.Fatal(err)
	}
	// The other ring even holds the same keys, which no real one does.
	other := keystest.Ring(t, "team-b", "https://auth.example.com/t/team-b")
	wantRefused(t, other, token, ErrIssuer)
}

// wantRefused also looks that the error gives away no part of the token.
func wantRefused(t *testing.T, ring *keys.Ring, token string, want error) {
	t.Helper()
	access, keyID, err := Verify(ring, token)
	if access != nil || keyID != "" || !errors.Is(err, want) {
		t.Errorf("Verify: %+v, key %q, error %v; want error %v", access, keyID, err, want)
	}
	if err == nil {
		return
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 3 && strings.Contains(err.Error(), part) {
			t.Errorf("the error %q holds a part of the token", err)
		}
	}
}

func TestVerifyingAllocatesLittle(t *testing.T) {
	ring := testRing(t)
	token, err := Sign(testSigner(t, ring, keys.ES256), oauth2Access())
	if err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(20, func() {
		if _, _, err := Verify(ring, token); err != nil {
			t.Fatal(err)
		}
	})
	// The standard library's own for ES256 are 10.
	if got > 18 {
		t.Errorf("%v allocations, want at most 18", got)
	}
}
