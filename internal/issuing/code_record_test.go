package issuing_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestALoginWithACodeIsRecorded from the page to the thief who comes too late, and tells no secret.
func TestALoginWithACodeIsRecorded(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, app(), gen.ClientSecret("web", clientSecret), web())
	o := observe(t, x.Tenant)
	a, err := x.Service.Authorize(x.Namespace, asking())
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Service.LogIn(t.Context(), a, issuing.Credentials{Login: "alice", Password: sensitive.New("canary-wrong")})
	wantRefusal(t, err, issuing.InvalidGrant)
	b, err := x.Service.LogIn(t.Context(), a, asAlice())
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, x.Service.Deny(t.Context(), a, b), issuing.AccessDenied)
	terms, err := a.TermsFor(b)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x.Service.Code(t.Context(), a, b, terms)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), redemption(made), issuing.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Service.CodeGrant(t.Context(), public(t, x.Tenant), redemption(made), issuing.Wish{})
	wantRefusal(t, err, issuing.CodeReused)

	ofWebs := redemption(code(t, x.Tenant, asking(askingForWeb)), ofWeb)
	once, err := x.Service.CodeGrant(t.Context(), authenticated(t, x.Tenant, "web"), ofWebs, issuing.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Service.CodeGrant(t.Context(), authenticated(t, x.Tenant, "web"), ofWebs, issuing.Wish{})
	wantRefusal(t, err, issuing.CodeReused)

	line := func(event, clientID string, more ...string) map[string]any {
		l := map[string]any{
			"event": event, "tenant": x.Namespace, "dialect": "OAuth2", "grantType": "authorization_code",
			"subject": gen.Subject("alice"), "username": "alice", "clientID": clientID,
		}
		for i := 0; i < len(more); i += 2 {
			l[more[i]] = more[i+1]
			if more[i+1] == "" {
				delete(l, more[i])
			}
		}
		return l
	}
	tokenOf := line("token.issued", "app", "tokenID", issued.Access.ID, "grantID", issued.Access.GrantID)
	tokenOf["refreshToken"] = true
	const why = "the authorization code that it stems from was used again"
	want := []map[string]any{
		line("token.refused", "app", "reason", "InvalidGrant", "detail", "PasswordWrong"),
		line("login.accepted", "app"),
		line("token.refused", "app", "reason", "AccessDenied"),
		line("code.issued", "app"),
		tokenOf,
		line("grant.revoked", "app", "grantType", "", "grantID", issued.Access.GrantID, "grant", x.Grants(t)[0].Name, "reason", why),
		line("token.refused", "app", "reason", "CodeReused"),
		line("login.accepted", "web"),
		line("code.issued", "web"),
		line("token.issued", "web", "tokenID", once.Access.ID),
		line("token.revoked", "web", "grantType", "", "tokenID", once.Access.ID, "reason", why),
		line("token.refused", "web", "reason", "CodeReused"),
	}
	if diff := cmp.Diff(want, o.lines(t)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	counted := map[string]float64{
		"OAuth2 authorization_code JWT": 2, "OAuth2 authorization_code Refresh": 1,
		"OAuth2 InvalidGrant": 1, "OAuth2 AccessDenied": 1, "OAuth2 CodeReused": 2,
	}
	if diff := cmp.Diff(counted, o.counted(t)); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	cookie, _ := b.Cookie()
	for what, secret := range map[string]string{
		"a code": made.Reveal(), "another code": ofWebs.Code.Reveal(), "a cookie": cookie.Reveal(), "a verifier": verifier,
		"a form's token": b.FormToken("login", "request").Reveal(), "a password": password, "a wrong password": "canary-wrong",
		"a token": issued.AccessToken.Reveal(), "a refresh token": issued.RefreshToken.Reveal(),
	} {
		if strings.Contains(o.text.String(), secret) {
			t.Errorf("the audit log tells %s", what)
		}
	}
}
