package issuing_test

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestAClientHasNoPartInTheOtherDialect: an equal client_id does not make a wazo token the client's.
// A write would need the API server, which is not there.
func TestAClientHasNoPartInTheOtherDialect(t *testing.T) {
	t.Parallel()
	x := team(t)
	key, err := x.Ring.Signer(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Sign(key, &tokens.Access{
		Dialect: tokens.Wazo, Issuer: x.Issuer, Audiences: []string{x.Issuer},
		Subject: gen.Subject("alice"), ClientID: "billing", ID: gen.Subject("token"), ACL: []string{"#"},
		IssuedAt: tenant.Start, NotBefore: tenant.Start, ExpiresAt: tenant.Start.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Service.Check(t.Context(), x.Namespace, token); err != nil {
		t.Fatalf("the token is not good: %v", err)
	}
	billing := authenticated(t, x, "billing")
	_, err = x.Service.Introspect(t.Context(), billing, token)
	wantRefusal(t, err, issuing.UnknownToken)
	if err := x.Service.RevokeOwn(t.Context(), billing, token); err != nil {
		t.Errorf("revoke: %v, want what any unknown token gets", err)
	}
}

// TestANamespaceThatHasNotBeenReadIsUnavailable: that its users and clients are missing says nothing,
// and its revocations may be among what is missing.
func TestANamespaceThatHasNotBeenReadIsUnavailable(t *testing.T) {
	t.Parallel()
	x := team(t)
	const unread = "team-unread"
	x.Directory.SetRing(unread, keystest.Ring(t, unread, "https://unread.example.com"), nil)
	_, err := x.Service.AuthenticateClient(t.Context(), unread, issuing.ClientAuthentication{ClientID: "billing"})
	wantRefusal(t, err, issuing.Unavailable)
	_, err = x.Service.Check(t.Context(), unread, "anything")
	wantRefusal(t, err, issuing.Unavailable)
	x.Directory.MarkRead(unread, tenant.Forever)
	_, err = x.Service.AuthenticateClient(t.Context(), unread, issuing.ClientAuthentication{ClientID: "billing"})
	wantRefusal(t, err, issuing.InvalidClient)
}
