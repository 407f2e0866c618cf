package issuing_test

import (
	"os"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{CRDs: true}))
}

// The credentials of the people and programs below. None may turn up in an error.
const (
	password     = "canary-password-7c1f"
	clientSecret = "canary-secret-91be"
)

const orders = "https://orders.example.com"

// alice may read and write orders and may not delete them.
func alice(mods ...func(*v1alpha1.AuthUser)) *v1alpha1.AuthUser {
	return gen.AuthUser("alice", append([]func(*v1alpha1.AuthUser){
		gen.Password(),
		gen.UserScopes("orders:*", "profile", "email", "!orders:delete"),
		gen.Profile("Alice", "Doe", "alice@example.com"),
	}, mods...)...)
}

// billing may use every grant type and has two audiences.
func billing(mods ...func(*v1alpha1.AuthClient)) *v1alpha1.AuthClient {
	return gen.AuthClient("billing", append([]func(*v1alpha1.AuthClient){
		gen.EveryGrantType(),
		gen.ClientScopes("orders:*", "profile", "email"),
		gen.DefaultScopes("orders:read"),
		gen.ClientAudiences(orders, "https://stock.example.com"),
	}, mods...)...)
}

// credentials are the Secrets of alice and billing.
func credentials() []client.Object {
	return []client.Object{gen.PasswordSecret("alice", password), gen.ClientSecret("billing", clientSecret)}
}

// team is a tenant in memory with alice, billing and more.
func team(t testing.TB, more ...client.Object) *tenant.Tenant {
	t.Helper()
	x := tenant.Memory(t)
	x.Put(alice(), billing())
	x.Put(credentials()...)
	x.Put(more...)
	return x
}

// liveTeam is team on the API server.
func liveTeam(t testing.TB, more ...client.Object) *tenant.OnAPIServer {
	t.Helper()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(), billing())
	x.Create(t, more...)
	return x
}

// authenticated is a client that has proven its secret.
func authenticated(t testing.TB, x *tenant.Tenant, clientID string) *issuing.AuthenticatedClient {
	t.Helper()
	c, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{
		ClientID: clientID, Secret: sensitive.New(clientSecret), Method: v1alpha1.ClientAuthenticationSecretBasic,
	})
	if err != nil {
		t.Fatalf("authenticate %q: %v", clientID, err)
	}
	return c
}

func asAlice() issuing.Credentials {
	return issuing.Credentials{Login: "alice", Password: sensitive.New(password), Source: "192.0.2.7"}
}

// login is a password login of alice at billing that has to succeed.
func login(t testing.TB, x *tenant.Tenant, wish issuing.Wish) *issuing.Issued {
	t.Helper()
	issued, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x, "billing"), asAlice(), "a browser", wish)
	if err != nil {
		t.Fatalf("log in: %v", err)
	}
	return issued
}

// refresh is a refresh at billing that has to succeed.
func refresh(t testing.TB, x *tenant.Tenant, token sensitive.String) *issuing.Issued {
	t.Helper()
	issued, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), token.Reveal(), issuing.Wish{})
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	return issued
}

// delivered is the refresh token that an applied grant's Secret holds.
func delivered(t testing.TB, x *tenant.Tenant, grant string) sensitive.String {
	t.Helper()
	g, ok := x.Rows(t).Grant(grant)
	if !ok {
		t.Fatalf("there is no grant %q", grant)
	}
	token, err := issuing.DeliveredRefreshToken(x.Ring, g)
	if err != nil {
		t.Fatalf("make the refresh token of %q: %v", grant, err)
	}
	return token
}

// wantRefusal wants an error that is a refusal for a reason.
func wantRefusal(t testing.TB, err error, want issuing.Reason) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("granted, want a refusal: %s", want)
	case issuing.AsRefusal(err).Reason != want:
		t.Errorf("refused: %v, want %s", err, want)
	}
}
