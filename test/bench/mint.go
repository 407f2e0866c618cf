package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// mintAllocations is the figure of minting with ES256: what the standard library takes for the
// signature, and a margin.
const mintAllocations = 70

// measureMinting counts the allocations of making a token in memory.
func measureMinting(t *table) error {
	for _, f := range []struct {
		name   string
		body   func(*testing.B)
		target int64 // negative: none
	}{
		{"crypto/ecdsa alone: allocations of a deterministic P-256 signature", benchmarkSignature, -1},
		{"tokens.Sign, ES256: allocations", benchmarkSign(keys.ES256), mintAllocations},
		{"tokens.Sign, EdDSA: allocations, the token and its signature included", benchmarkSign(keys.EdDSA), -1},
		{"issuing, refresh of a JWT client, ES256: allocations", benchmarkRefresh, mintAllocations},
	} {
		result := testing.Benchmark(f.body)
		switch {
		case result.N == 0:
			return fmt.Errorf("%s: the benchmark failed", f.name)
		case f.target < 0:
			t.tell(f.name, fmt.Sprint(result.AllocsPerOp()))
		default:
			t.countAtMost(f.name, result.AllocsPerOp(), f.target)
		}
	}
	return nil
}

func benchmarkSignature(b *testing.B) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("a message"))
	for b.Loop() {
		if _, err := key.Sign(nil, digest[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkSign(algorithm keys.Algorithm) func(*testing.B) {
	return func(b *testing.B) {
		b.Helper()
		x := tenant.Memory(b)
		key, err := x.Ring.Signer(algorithm)
		if err != nil {
			b.Fatal(err)
		}
		access := &tokens.Access{
			Dialect: tokens.OAuth2, Issuer: x.Issuer, Subject: gen.Subject(user), Audiences: []string{x.Issuer},
			ClientID: clientID, Scopes: []string{scope}, ID: gen.GrantID("id"), IssuedAt: tenant.Start,
			NotBefore: tenant.Start, ExpiresAt: tenant.Start.Add(time.Hour), GrantID: gen.GrantID("grant"), Epoch: 1,
		}
		for b.Loop() {
			if _, err := tokens.Sign(key, access); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// benchmarkRefresh is all that the token endpoint asks of package issuing. The directory has no
// API server behind it: a request that needed one would panic.
func benchmarkRefresh(b *testing.B) {
	b.Helper()
	x := tenant.Memory(b)
	for _, object := range people() {
		x.Put(object)
	}
	grant := gen.RefreshTokenGrant("login", gen.ForUser(user), gen.ForClient(clientID), gen.GrantScopes(scope), gen.FromLogin(tenant.Start, ""))
	x.Put(grant)
	token, err := tokens.Refresh{GrantID: grant.Spec.ID, Epoch: 1, Generation: v1alpha1.FirstGeneration, KeyVersion: 1}.Encode(x.Ring)
	if err != nil {
		b.Fatal(err)
	}
	presented := issuing.ClientAuthentication{
		ClientID: clientID, Secret: sensitive.New(clientSecret), Method: v1alpha1.ClientAuthenticationSecretBasic,
	}
	for b.Loop() {
		c, err := x.Service.AuthenticateClient(b.Context(), x.Namespace, presented)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Service.RefreshGrant(b.Context(), c, token, issuing.Wish{}); err != nil {
			b.Fatal(err)
		}
	}
}
