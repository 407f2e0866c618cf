package tokens

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
)

const (
	testNamespace = "team-a"
	testIssuer    = "https://auth.example.com/t/team-a"
	testGrant     = "353fefa1-0c6f-4b1e-9c1f-2a7d3c5b8e90"
	testSubject   = "6f1c2a3b-4d5e-4f60-8a7b-9c0d1e2f3a4b"
	testSession   = "b1a5e0c2-7d34-4f8e-a6b9-0c1d2e3f4a5b"
)

var testIssued = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func testRing(t testing.TB) *keys.Ring {
	t.Helper()
	return keystest.Ring(t, testNamespace, testIssuer)
}

func testSigner(t testing.TB, ring *keys.Ring, alg keys.Algorithm) *keys.SigningKey {
	t.Helper()
	key, err := ring.Signer(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// oauth2Access is an OAuth2 token of a grant, changed by mods.
func oauth2Access(mods ...func(*Access)) *Access {
	a := &Access{
		Dialect: OAuth2, Issuer: testIssuer, Subject: testSubject,
		Audiences: []string{"https://orders.example.com"}, ClientID: "billing",
		Scopes: []string{"orders:read", "orders:write"}, ID: "0e6a2f4c-1b3d-8e5f-a071-92b3c4d5e6f7",
		IssuedAt: testIssued, NotBefore: testIssued.Add(-time.Minute), ExpiresAt: testIssued.Add(time.Hour),
		GrantID: testGrant, Epoch: 1,
	}
	for _, mod := range mods {
		mod(a)
	}
	return a
}

// wazoAccess is a wazo token of a login, changed by mods.
func wazoAccess(mods ...func(*Access)) *Access {
	a := &Access{
		Dialect: Wazo, Issuer: testIssuer, Subject: testSubject, Audiences: []string{testIssuer},
		ACL: []string{"confd.#", "!confd.users.*.delete"}, ID: testSession,
		IssuedAt: testIssued, NotBefore: testIssued.Add(-time.Minute), ExpiresAt: testIssued.Add(2 * time.Hour),
		AuthTime: testIssued, CredentialVersion: "3q2-7wABAgM",
	}
	for _, mod := range mods {
		mod(a)
	}
	return a
}

func fullProfile() *Profile {
	return &Profile{
		Name: "Zoë \"Z\" Müller\\", GivenName: "Zoë", FamilyName: "Müller\u2028<&>",
		Email: "zoe@example.com", EmailVerified: true,
	}
}
