package tokens

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/golden"
)

func TestRefreshTokensAreFinalAndReadBack(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	tests := map[string]Refresh{
		"refresh-first":      {GrantID: testGrant, Epoch: 1, Generation: 0, KeyVersion: 1},
		"refresh-newest-key": {GrantID: testGrant, Epoch: 1, Generation: 0, KeyVersion: ring.NewestRefresh()},
		"refresh-rotated":    {GrantID: testGrant, Epoch: 3, Generation: 41, KeyVersion: 2},
		"refresh-largest":    {GrantID: testGrant, Epoch: math.MaxInt64, Generation: math.MaxInt64, KeyVersion: 2},
		"refresh-crossing":   {GrantID: testGrant, Epoch: 1, Generation: 1, KeyVersion: 1, GrantNamespace: "team-b"},
	}
	for name, refresh := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := refresh.Encode(ring)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name, []byte(token))
			got, err := ParseRefresh(ring, token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(refresh, got); diff != "" {
				t.Errorf("(-encoded +parsed):\n%s", diff)
			}
		})
	}
}

func TestEncodeRefusesRefresh(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	tests := map[string]Refresh{
		"no grant":                  {Epoch: 1, KeyVersion: 1},
		"a grant in upper case":     {GrantID: strings.ToUpper(testGrant), Epoch: 1, KeyVersion: 1},
		"a negative epoch":          {GrantID: testGrant, Epoch: -1, KeyVersion: 1},
		"a negative generation":     {GrantID: testGrant, Generation: -1, KeyVersion: 1},
		"a key that is not there":   {GrantID: testGrant, KeyVersion: 3},
		"no key":                    {GrantID: testGrant},
		"a negative version of key": {GrantID: testGrant, KeyVersion: -1},
		"a namespace with a dot":    {GrantID: testGrant, KeyVersion: 1, GrantNamespace: "team.b"},
	}
	for name, refresh := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if token, err := refresh.Encode(ring); err == nil {
				t.Errorf("encoded %q", token)
			}
		})
	}
}

func TestParseRefreshRefuses(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	token, err := Refresh{GrantID: testGrant, Epoch: 1, Generation: 2, KeyVersion: 1}.Encode(ring)
	if err != nil {
		t.Fatal(err)
	}
	// resign gives any text the MAC that it would have: only its form is wrong.
	resign := func(fields string) string {
		mac, err := ring.RefreshMAC(1, testNamespace, fields)
		if err != nil {
			t.Fatal(err)
		}
		return fields + "." + string(compact.AppendEncode(nil, mac))
	}
	replace := func(old, replacement string) string { return strings.Replace(token, old, replacement, 1) }
	mac := token[strings.LastIndexByte(token, '.')+1:]
	tests := map[string]struct {
		token string
		want  error
	}{
		"nothing":                          {"", ErrMalformed},
		"a UUID":                           {testGrant, ErrMalformed},
		"no MAC":                           {replace(mac, ""), ErrSignature},
		"a field less":                     {resign(testGrant + ".1.1"), ErrMalformed},
		"a field more":                     {resign(testGrant + ".1.2.1.team-b.1"), ErrMalformed},
		"an empty namespace":               {resign(testGrant + ".1.2.1."), ErrMalformed},
		"a namespace in upper case":        {resign(testGrant + ".1.2.1.Team"), ErrMalformed},
		"a namespace that ends in a dash":  {resign(testGrant + ".1.2.1.team-"), ErrMalformed},
		"a namespace that no cluster has":  {resign(testGrant + ".1.2.1." + strings.Repeat("b", 64)), ErrMalformed},
		"a namespace that was put in":      {replace(".2.1.", ".2.1.team-b."), ErrSignature},
		"an empty field":                   {resign(testGrant + ".1..1"), ErrMalformed},
		"a grant in upper case":            {resign(strings.ToUpper(testGrant) + ".1.2.1"), ErrMalformed},
		"a grant without dashes":           {resign(strings.ReplaceAll(testGrant, "-", "") + ".1.2.1"), ErrMalformed},
		"a grant in braces":                {resign("{" + testGrant + "}.1.2.1"), ErrMalformed},
		"a leading zero":                   {resign(testGrant + ".01.2.1"), ErrMalformed},
		"a plus":                           {resign(testGrant + ".+1.2.1"), ErrMalformed},
		"a minus":                          {resign(testGrant + ".-1.2.1"), ErrMalformed},
		"an underscore":                    {resign(testGrant + ".1_0.2.1"), ErrMalformed},
		"hexadecimal":                      {resign(testGrant + ".0x1.2.1"), ErrMalformed},
		"an epoch past 64 bits":            {resign(testGrant + ".9223372036854775808.2.1"), ErrMalformed},
		"a version past 32 bits":           {resign(testGrant + ".1.2.2147483648"), ErrMalformed},
		"a version that wraps to 1":        {resign(testGrant + ".1.2.4294967297"), ErrMalformed},
		"an unknown version":               {replace(".2.1.", ".2.7."), ErrUnknownKey},
		"the other version's MAC":          {replace(".2.1.", ".2.2."), ErrSignature},
		"another epoch":                    {replace(".1.2.", ".2.2."), ErrSignature},
		"another generation":               {replace(".1.2.", ".1.3."), ErrSignature},
		"another grant":                    {replace("3", "4"), ErrSignature},
		"a changed MAC":                    {replace(mac, strings.Repeat("A", 43)), ErrSignature},
		"spare bits in the MAC":            {token[:len(token)-1] + nextInAlphabet(token[len(token)-1]), ErrSignature},
		"a MAC cut short":                  {token[:len(token)-1], ErrSignature},
		"padding":                          {token + "=", ErrSignature},
		"a line break at the end":          {token + "\n", ErrSignature},
		"a space before":                   {" " + token, ErrMalformed},
		"more than any refresh token has":  {token + strings.Repeat("A", 200), ErrMalformed},
		"a MAC over the fields alone":      {tokenWithoutNamespace(t), ErrSignature},
		"an access token in JWT form":      {"eyJ.eyJ.AAAA", ErrMalformed},
		"a grant with a character outside": {resign(strings.Replace(testGrant, "3", "g", 1) + ".1.2.1"), ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseRefresh(ring, tc.token)
			if got != (Refresh{}) || !errors.Is(err, tc.want) {
				t.Errorf("ParseRefresh(%q): %+v, %v; want error %v", tc.token, got, err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), mac) {
				t.Errorf("the error %q holds the MAC", err)
			}
		})
	}
}

func tokenWithoutNamespace(t *testing.T) string {
	t.Helper()
	fields := testGrant + ".1.2.1"
	mac, err := testRing(t).RefreshMAC(1, fields)
	if err != nil {
		t.Fatal(err)
	}
	return fields + "." + string(compact.AppendEncode(nil, mac))
}

func TestARefreshTokenOfAnotherTenantIsRefused(t *testing.T) {
	t.Parallel()
	token, err := Refresh{GrantID: testGrant, Epoch: 1, KeyVersion: 1}.Encode(testRing(t))
	if err != nil {
		t.Fatal(err)
	}
	// The namespace alone keeps them apart here: the keys are the same.
	other := keystest.Ring(t, "team-b", testIssuer)
	if _, err := ParseRefresh(other, token); !errors.Is(err, ErrSignature) {
		t.Errorf("error %v, want %v", err, ErrSignature)
	}
}
