package issuing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// termsOf are the terms of one more grant of a team.
func termsOf(t *testing.T, user *v1alpha1.AuthUser, client *v1alpha1.AuthClient, grant *v1alpha1.RefreshTokenGrant) (*tenant.Tenant, issuing.Terms, directory.Standing) {
	t.Helper()
	x := team(t, user, client, grant)
	g, ok := x.Rows(t).Grant(grant.Name)
	if !ok {
		t.Fatalf("there is no grant %q", grant.Name)
	}
	terms, standing := issuing.GrantTerms(x.Rows(t), g, x.Clock.Now())
	return x, terms, standing
}

func TestGrantTerms(t *testing.T) {
	t.Parallel()
	inAnHour, inADay := tenant.Start.Add(time.Hour), tenant.Start.Add(24*time.Hour)
	profile := &revision.Profile{GivenName: "Alice", FamilyName: "Doe", Name: "Alice Doe"}
	email := &revision.Profile{Email: "alice@example.com", EmailVerified: true}
	tests := map[string]struct {
		user   *v1alpha1.AuthUser
		client *v1alpha1.AuthClient
		grant  *v1alpha1.RefreshTokenGrant
		// change turns the terms of a grant that says nothing into the wanted ones.
		change func(*revision.Ask)
	}{
		"a grant that says nothing gets what its client has by default": {
			change: func(*revision.Ask) {},
		},
		"a grant gets the scopes it names, in its order": {
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantScopes("orders:write", "orders:read")),
			change: func(a *revision.Ask) { a.Scopes = []string{"orders:write", "orders:read"} },
		},
		"a default scope that the user lacks is left out": {
			client: billing(gen.DefaultScopes("orders:read", "orders:delete")),
			change: func(*revision.Ask) {},
		},
		"the scope profile lets the names in": {
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantScopes("profile")),
			change: func(a *revision.Ask) { a.Scopes, a.Profile = []string{"profile"}, profile },
		},
		"the scope email lets the address in": {
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantScopes("email")),
			change: func(a *revision.Ask) { a.Scopes, a.Profile = []string{"email"}, email },
		},
		"a grant narrows the client's audiences": {
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantAudiences(orders)),
			change: func(a *revision.Ask) { a.Audiences = []string{orders} },
		},
		"a client without audiences is for the issuer": {
			client: billing(gen.ClientAudiences()),
			change: func(a *revision.Ask) { a.Audiences = []string{a.Issuer} },
		},
		"a client_id need not be the object's name": {
			client: billing(gen.ClientID("billing/eu-1")),
			change: func(a *revision.Ask) { a.ClientID = "billing/eu-1" },
		},
		"the grant's lifetime comes before the client's": {
			client: billing(gen.ClientTTL("30m")),
			grant: gen.RefreshTokenGrant("nightly", func(g *v1alpha1.RefreshTokenGrant) {
				g.Spec.AccessToken = &v1alpha1.GrantAccessToken{TTL: new(v1alpha1.Duration("20m"))}
			}),
			change: func(a *revision.Ask) { a.TTL = 20 * time.Minute },
		},
		"the client's lifetime comes before the default": {
			client: billing(gen.ClientTTL("30m")),
			change: func(a *revision.Ask) { a.TTL = 30 * time.Minute },
		},
		"a reference token is signed with nothing": {
			client: billing(gen.ReferenceTokens(), gen.SignedWith(v1alpha1.SigningAlgorithmRS256)),
			change: func(a *revision.Ask) { a.Format, a.Algorithm = revision.FormatReference, "" },
		},
		"the client chooses the algorithm": {
			client: billing(gen.SignedWith(v1alpha1.SigningAlgorithmRS256)),
			change: func(a *revision.Ask) { a.Algorithm = "RS256" },
		},
		"no token outlives its grant": {
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantExpires(inAnHour)),
			user:   alice(gen.UserExpires(inADay)),
			change: func(a *revision.Ask) { a.NotAfter = inAnHour },
		},
		"no token outlives its user": {
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantExpires(inADay)),
			user:   alice(gen.UserExpires(inAnHour)),
			change: func(a *revision.Ask) { a.NotAfter = inAnHour },
		},
		"the epoch is the grant's": {
			grant:  gen.RefreshTokenGrant("nightly", gen.Epoch(7)),
			change: func(a *revision.Ask) { a.Epoch = 7 },
		},
		"a login that got no scope gets none when the client's defaults change": {
			grant:  gen.RefreshTokenGrant("nightly", gen.FromLogin(tenant.Start, "")),
			change: func(a *revision.Ask) { a.Scopes = nil },
		},
		"a wazo grant carries all of the user's patterns": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForWazo("phone")),
			change: func(a *revision.Ask) {
				*a = revision.Ask{
					Dialect: string(tokens.Wazo), Issuer: a.Issuer, Subject: a.Subject, ClientID: "phone",
					Audiences: []string{a.Issuer}, ACL: []string{"orders:*", "profile", "email", "!orders:delete"},
					Format: revision.FormatReference, TTL: 2 * time.Hour, GrantID: a.GrantID, Epoch: a.Epoch,
				}
			},
		},
		"a wazo grant that is narrowed keeps the user's denials": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForWazo("phone"), gen.GrantScopes("orders:read")),
			change: func(a *revision.Ask) {
				*a = revision.Ask{
					Dialect: string(tokens.Wazo), Issuer: a.Issuer, Subject: a.Subject, ClientID: "phone",
					Audiences: []string{a.Issuer}, ACL: []string{"orders:read", "!orders:delete"},
					Format: revision.FormatReference, TTL: 2 * time.Hour, GrantID: a.GrantID, Epoch: a.Epoch,
				}
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, terms, standing := termsOf(t, orElse(tc.user, alice()), orElse(tc.client, billing()), orElse(tc.grant, gen.RefreshTokenGrant("nightly")))
			if !standing.Good() {
				t.Fatalf("may not issue: %+v", standing)
			}
			want := revision.Ask{
				Dialect: string(tokens.OAuth2), Issuer: x.Issuer, Subject: gen.Subject("alice"), ClientID: "billing",
				Audiences: []string{orders, "https://stock.example.com"}, Scopes: []string{"orders:read"},
				Format: revision.FormatJWT, Algorithm: "ES256", TTL: time.Hour,
				GrantID: gen.GrantID("nightly"), Epoch: 1,
			}
			tc.change(&want)
			if diff := cmp.Diff(want, terms.Ask); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrantsThatMayNotIssueSayWhy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		user   *v1alpha1.AuthUser
		client *v1alpha1.AuthClient
		grant  *v1alpha1.RefreshTokenGrant
		want   directory.Standing
	}{
		"a grant waits for its id": {
			grant: gen.RefreshTokenGrant("nightly", func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = "" }),
			want:  directory.Standing{Reason: v1alpha1.ReasonPending, Message: "spec.id has not been written yet"},
		},
		"a suspended grant rests": {
			grant: gen.RefreshTokenGrant("nightly", gen.GrantState(v1alpha1.GrantStateSuspended)),
			want:  directory.Standing{Reason: v1alpha1.ReasonSuspended, Message: "spec.state is Suspended"},
		},
		"a revoked grant is over": {
			grant: gen.RefreshTokenGrant("nightly", gen.GrantState(v1alpha1.GrantStateRevoked)),
			want:  directory.Standing{Reason: v1alpha1.ReasonRevoked, Message: "spec.state is Revoked"},
		},
		"a grant ends with the second it names": {
			grant: gen.RefreshTokenGrant("nightly", gen.GrantExpires(tenant.Start)),
			want:  directory.Standing{Reason: v1alpha1.ReasonExpired, Message: "spec.expiresAt is in the past"},
		},
		"a user that does not exist": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForUser("bob")),
			want:  directory.Standing{Reason: v1alpha1.ReasonRefNotFound, Message: `spec.userRef: AuthUser "bob" does not exist`},
		},
		"neither user nor client exists": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForUser("bob"), gen.ForClient("shop")),
			want: directory.Standing{
				Reason: v1alpha1.ReasonRefNotFound, Message: `spec.userRef: AuthUser "bob" does not exist; spec.clientRef: AuthClient "shop" does not exist`,
			},
		},
		"a wazo grant needs no client": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForWazo("phone"), gen.ForUser("bob")),
			want:  directory.Standing{Reason: v1alpha1.ReasonRefNotFound, Message: `spec.userRef: AuthUser "bob" does not exist`},
		},
		"a login is for the user who made it, whoever bears the name now": {
			user:  alice(func(u *v1alpha1.AuthUser) { u.Spec.Subject = gen.Subject("the next alice") }),
			grant: gen.RefreshTokenGrant("nightly", gen.FromLogin(tenant.Start, "")),
			want: directory.Standing{
				Reason: v1alpha1.ReasonSubjectMismatch, Message: `AuthUser "alice" is another user than the grant names (spec.userRef.subject)`,
			},
		},
		"a disabled user is not acted for": {
			user: alice(gen.Disabled()),
			want: directory.Standing{Reason: v1alpha1.ReasonUserNotReady, Message: `AuthUser "alice" may not be acted for: Disabled`},
		},
		"an expired user is not acted for": {
			user: alice(gen.UserExpires(tenant.Start)),
			want: directory.Standing{Reason: v1alpha1.ReasonUserNotReady, Message: `AuthUser "alice" may not be acted for: Expired`},
		},
		"a client that does not exist": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForClient("shop")),
			want:  directory.Standing{Reason: v1alpha1.ReasonRefNotFound, Message: `spec.clientRef: AuthClient "shop" does not exist`},
		},
		"a refresh token is delivered to a client that may use it": {
			client: billing(gen.GrantTypes(v1alpha1.GrantTypePassword)),
			grant:  gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken()),
			want:   directory.Standing{Reason: v1alpha1.ReasonGrantTypeNotAllowed, Message: `AuthClient "billing" does not list RefreshToken in spec.grantTypes`},
		},
		"all scopes or none: one that the user denies": {
			grant: gen.RefreshTokenGrant("nightly", gen.GrantScopes("orders:read", "orders:delete")),
			want:  directory.Standing{Reason: v1alpha1.ReasonScopeNotGranted, Message: `spec.scopes: AuthUser "alice" does not allow ["orders:delete"]`},
		},
		"all scopes or none: one that the client lacks": {
			user:  alice(gen.UserScopes("#")),
			grant: gen.RefreshTokenGrant("nightly", gen.GrantScopes("stock:read")),
			want:  directory.Standing{Reason: v1alpha1.ReasonScopeNotGranted, Message: `spec.scopes: AuthClient "billing" does not allow ["stock:read"]`},
		},
		"a broad pattern does not make a client a manager of users": {
			user:   alice(gen.UserScopes("#")),
			client: billing(gen.ClientScopes("#")),
			grant:  gen.RefreshTokenGrant("nightly", gen.GrantScopes("auth.users.create")),
			want:   directory.Standing{Reason: v1alpha1.ReasonScopeNotGranted, Message: `spec.scopes: AuthClient "billing" does not allow ["auth.users.create"]`},
		},
		"an audience has to be the client's": {
			grant: gen.RefreshTokenGrant("nightly", gen.GrantAudiences("https://other.example.com")),
			want:  directory.Standing{Reason: v1alpha1.ReasonAudienceNotAllowed, Message: `spec.audiences: ["https://other.example.com"] is not listed by AuthClient "billing"`},
		},
		"a wazo grant has no scope that no token could be checked for": {
			user:  alice(gen.UserScopes("#")),
			grant: gen.RefreshTokenGrant("nightly", gen.ForWazo("phone"), gen.GrantScopes("*********")),
			want:  directory.Standing{Reason: v1alpha1.ReasonInvalidSpec, Message: `spec.scopes: scope pattern "*********" holds 9 wildcards, at most 8 are allowed`},
		},
		"a wazo grant is narrowed to what the user has": {
			grant: gen.RefreshTokenGrant("nightly", gen.ForWazo("phone"), gen.GrantScopes("orders:delete")),
			want:  directory.Standing{Reason: v1alpha1.ReasonScopeNotGranted, Message: `spec.scopes: ["orders:delete"] is not allowed by AuthUser "alice"`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, got := termsOf(t, orElse(tc.user, alice()), orElse(tc.client, billing()), orElse(tc.grant, gen.RefreshTokenGrant("nightly")))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestADuplicateMayNotIssue(t *testing.T) {
	t.Parallel()
	second := gen.RefreshTokenGrant("second", func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = gen.GrantID("first") })
	x := team(t, gen.RefreshTokenGrant("first"), second)
	g, _ := x.Rows(t).Grant("second")
	_, standing := issuing.GrantTerms(x.Rows(t), g, x.Clock.Now())
	want := directory.Standing{Reason: v1alpha1.ReasonDuplicateGrantID, Message: `spec.id is held by RefreshTokenGrant "first"`}
	if diff := cmp.Diff(want, standing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// orElse is the object of a table's row, or the ordinary one.
func orElse[T any](object, ordinary *T) *T {
	if object != nil {
		return object
	}
	return ordinary
}
