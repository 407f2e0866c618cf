package issuing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// revised are the terms of the grant "nightly" and its revision of this second.
func revised(t *testing.T, x *tenant.Tenant) (*issuing.Terms, revision.Token) {
	t.Helper()
	g, ok := x.Rows(t).Grant("nightly")
	if !ok {
		t.Fatal("there is no grant")
	}
	terms, standing := issuing.GrantTerms(x.Rows(t), g, x.Clock.Now())
	if !standing.Good() {
		t.Fatalf("may not issue: %+v", standing)
	}
	now := x.Clock.Now()
	r := revision.Token{Revision: 1, IssuedAt: now, ExpiresAt: terms.ExpiresAt(now)}
	r.ID = issuing.TokenID(x.Ring, &terms)(now, terms.Digest(now))
	if terms.Format == revision.FormatJWT {
		signer, err := x.Ring.Signer("ES256")
		if err != nil {
			t.Fatal(err)
		}
		r.KeyID = signer.ID
	}
	return &terms, r
}

func deliver(t *testing.T, x *tenant.Tenant, terms *issuing.Terms, r revision.Token) sensitive.String {
	t.Helper()
	token, err := x.Service.Deliver(t.Context(), x.Ring, terms, r)
	if err != nil {
		t.Fatalf("deliver: %v", err)
	}
	return token
}

func TestADeliveredJWTIsTheSameEachTimeAndFoundAgain(t *testing.T) {
	t.Parallel()
	x := team(t, gen.RefreshTokenGrant("nightly", gen.GrantScopes("orders:read", "email")))
	terms, r := revised(t, x)
	token := deliver(t, x, terms, r)
	x.Clock.Step(time.Minute)
	if again := deliver(t, x, terms, r); !again.Equal(token) {
		t.Error("the same revision has other bytes a minute later")
	}
	got, _, err := tokens.Verify(x.Ring, token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	want := &tokens.Access{
		Dialect: tokens.OAuth2, Issuer: x.Issuer, Subject: gen.Subject("alice"), ClientID: "billing",
		Audiences: []string{orders, "https://stock.example.com"}, Scopes: []string{"orders:read", "email"},
		ID: r.ID, IssuedAt: tenant.Start, NotBefore: tenant.Start.Add(-time.Minute), ExpiresAt: tenant.Start.Add(time.Hour),
		GrantID: gen.GrantID("nightly"), Epoch: 1,
		Profile: &tokens.Profile{Email: "alice@example.com", EmailVerified: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	found, err := x.Service.Found(t.Context(), x.Ring, terms, token.Reveal())
	if err != nil {
		t.Fatalf("find: %v", err)
	}
	r.Revision = 0 // it stands beside the token, not in it
	if diff := cmp.Diff(&r, found); diff != "" {
		t.Errorf("found (-delivered +found):\n%s", diff)
	}
}

func TestADeliveredReferenceTokenIsDerivedAndItsSessionComesFirst(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.AuthClient("opaque", gen.ReferenceTokens()))
	x.Create(t, gen.RefreshTokenGrant("nightly", gen.ForClient("opaque")))
	terms, r := revised(t, x.Tenant)
	token := deliver(t, x.Tenant, terms, r)
	if again := deliver(t, x.Tenant, terms, r); !again.Equal(token) {
		t.Error("the same revision has other bytes the second time")
	}
	sessions := x.Sessions(t)
	if len(sessions) != 1 || sessions[0].Name != tokens.SessionName(token.Reveal()) {
		t.Fatalf("there are %d sessions, want the token's own", len(sessions))
	}
	find := func() (*revision.Token, bool) {
		found, err := x.Service.Found(t.Context(), x.Ring, terms, token.Reveal())
		if err != nil {
			t.Fatalf("find: %v", err)
		}
		lost, err := x.Service.SessionLost(t.Context(), x.Ring, terms, r.IssuedAt)
		if err != nil {
			t.Fatalf("look for the session: %v", err)
		}
		return found, lost
	}
	r.Revision = 0
	if found, lost := find(); lost || !cmp.Equal(&r, found) {
		t.Errorf("lost %t, found (-delivered +found):\n%s", lost, cmp.Diff(&r, found))
	}
	x.AwaitVersion(t, &sessions[0])
	x.Delete(t, &sessions[0])
	if found, lost := find(); found != nil || !lost {
		t.Errorf("found %v and lost %t after the session was deleted", found, lost)
	}
}

func TestWithoutTheAPIServerNoSessionIsLost(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.AuthClient("opaque", gen.ReferenceTokens()), gen.RefreshTokenGrant("nightly", gen.ForClient("opaque")))
	terms, r := revised(t, x.Tenant)
	x.Cut()
	if lost, err := x.Service.SessionLost(t.Context(), x.Ring, terms, r.IssuedAt); lost || err == nil {
		t.Errorf("lost %t, error %v; want an error", lost, err)
	}
	if _, err := x.Service.Deliver(t.Context(), x.Ring, terms, r); err == nil {
		t.Error("delivered a reference token without its session")
	}
}

func TestWhatIsNotThisGrantsTokenIsNotFound(t *testing.T) {
	t.Parallel()
	x := team(t, gen.RefreshTokenGrant("nightly"), gen.RefreshTokenGrant("weekly", gen.DeliversRefreshToken()))
	terms, r := revised(t, x)
	own := deliver(t, x, terms, r).Reveal()
	tests := map[string]string{
		"nothing":                     "",
		"another grant's token":       refresh(t, x, delivered(t, x, "weekly")).AccessToken.Reveal(),
		"a token that somebody edits": strings.Replace(own, ".", ".A", 1),
		"a token of another key":      flip(own),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := x.Service.Found(t.Context(), x.Ring, terms, token)
			if found != nil || err != nil {
				t.Errorf("found %v, error %v; want nothing", found, err)
			}
		})
	}
}

func TestARevisionNeedsItsKey(t *testing.T) {
	t.Parallel()
	x := team(t, gen.RefreshTokenGrant("nightly"))
	terms, r := revised(t, x)
	r.KeyID = "unknown"
	if _, err := x.Service.Deliver(t.Context(), x.Ring, terms, r); err == nil {
		t.Error("delivered with a key that the ring does not hold")
	}
}
