package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// auditLine is what the test looks at of a line.
type auditLine struct {
	Event, Dialect, GrantType, Username, ClientID, Claimed, GrantID, Grant, Session, Secret, Reason string

	Tenant, Source, RequestID, Subject, TokenID string
	RefreshToken                                bool
}

// auditLines reads the audit log out of the stream in which it stands beside the operator's own.
func auditLines(path string) (all []auditLine, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte(`{"log":"audit",`)) {
			continue
		}
		var one auditLine
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// awaitLine waits for a line that is as wanted in every member that is given.
func awaitLine(t *testing.T, want auditLine) auditLine {
	t.Helper()
	var found auditLine
	controlplane.Eventually(t, patience, func(context.Context) error {
		all, err := auditLines(shared.Log)
		if err != nil {
			return err
		}
		for _, line := range all {
			same := line
			same.Source, same.RequestID, same.Subject, same.TokenID, same.Session, same.RefreshToken = "", "", "", "", "", false
			if cmp.Equal(want, same) {
				found = line
				return nil
			}
		}
		return fmt.Errorf("no line %+v among %d", want, len(all))
	})
	return found
}

func TestTheAuditLogTellsWhatBecameOfEverybody(t *testing.T) {
	t.Parallel()
	s := sceneIn(sharedTenants[0]) // the default tenant, which speaks both dialects
	password, wrong, secret, unknown := s.name("canary-audit-pass"), s.name("canary-audit-wrong"), s.name("canary-audit-consumer"), s.name("canary-audit-unknown")
	plant("the password", password)
	plant("a wrong password", wrong)
	plant("the client's secret", secret)
	plant("a login that nobody has", unknown)
	user := s.user(gen.Password())
	c := gen.AuthClient(s.name("billing"), gen.EveryGrantType(), gen.ClientScopes("orders:*"))
	g := s.grant()
	s.apply(t, gen.PasswordSecret(user.Name, password), gen.ClientSecret(c.Name, secret), user, c, g)
	awaitReady(t, user, c, g)
	caller := newCaller(t, secretOf(t, g))
	login := func(login, password string, wantStatus int) map[string]any {
		t.Helper()
		return caller.form(t, c.Name, secret, url.Values{"grant_type": {"password"}, "username": {login}, "password": {password}}, wantStatus)
	}

	answer := login(user.Name, password, http.StatusOK)
	access, refreshToken := answer["access_token"].(string), answer["refresh_token"].(string)
	plant("an access token", access)
	plant("a refresh token", refreshToken)
	body := fmt.Sprintf(`{"access_type": "offline", "client_id": %q}`, s.name("phone"))
	data := caller.json(t, http.MethodPost, "/token", user.Name, password, body, http.StatusOK)["data"].(map[string]any)
	session := data["token"].(string)
	plant("a reference token", session)
	plant("a wazo refresh token", data["refresh_token"].(string))
	login(user.Name, wrong, http.StatusBadRequest)
	login(unknown, wrong, http.StatusBadRequest)
	caller.form(t, c.Name, wrong, url.Values{"grant_type": {"client_credentials"}}, http.StatusUnauthorized)
	caller.form(t, unknown, wrong, url.Values{"grant_type": {"client_credentials"}}, http.StatusUnauthorized)
	for range 4 {
		caller.json(t, http.MethodPost, "/token", user.Name, wrong, `{}`, http.StatusUnauthorized)
	}
	caller.json(t, http.MethodPost, "/token", user.Name, wrong, `{}`, http.StatusTooManyRequests)
	caller.json(t, http.MethodDelete, "/api/auth/0.1/token/"+session, "", "", "", http.StatusOK)
	caller.revoke(t, c.Name, secret, refreshToken)

	line := func(event, dialect, grantType string, more auditLine) auditLine {
		more.Event, more.Dialect, more.GrantType, more.Tenant = event, dialect, grantType, s.namespace
		return more
	}
	made, err := grantsMadeFor(t, user)
	if err != nil {
		t.Fatal(err)
	}
	oauth, phone := made[c.Name], made[s.name("phone")]
	known := auditLine{Username: user.Name, ClientID: c.Name}
	knownGrant, knownPhone := known, auditLine{Username: user.Name, ClientID: s.name("phone"), GrantID: phone.Spec.ID}
	knownGrant.GrantID = oauth.Spec.ID

	issued := awaitLine(t, line("token.issued", "OAuth2", "password", knownGrant))
	if issued.Source != "127.0.0.1" || issued.RequestID == "" || issued.Subject == "" || issued.TokenID == "" || !issued.RefreshToken {
		t.Errorf("the line of a login lacks something: %+v", issued)
	}
	issued = awaitLine(t, line("token.issued", "Wazo", "password", knownPhone))
	if issued.Session != tokens.SessionName(session) || !issued.RefreshToken {
		t.Errorf("the line of a reference token is %+v", issued)
	}
	refused := known
	refused.Reason = "InvalidGrant"
	awaitLine(t, line("token.refused", "OAuth2", "password", refused))
	awaitLine(t, line("token.refused", "Wazo", "password", auditLine{Username: user.Name, Reason: "InvalidGrant"}))
	awaitLine(t, line("token.refused", "Wazo", "password", auditLine{Username: user.Name, Reason: "LockedOut"}))
	awaitLine(t, line("client.refused", "OAuth2", "", auditLine{ClientID: c.Name, Reason: "InvalidClient"}))
	revoked := awaitLine(t, line("token.revoked", "Wazo", "", knownPhone))
	if revoked.Session != tokens.SessionName(session) || revoked.TokenID != issued.TokenID {
		t.Errorf("the line of the end is %+v, that of the beginning %+v", revoked, issued)
	}
	knownGrant.Grant, knownGrant.Reason = oauth.Name, "the client gave its refresh token back"
	awaitLine(t, line("grant.revoked", "OAuth2", "", knownGrant))
	target, _ := g.TargetName()
	delivered := awaitLine(t, line("revision.delivered", "OAuth2", "delivery", auditLine{
		Username: user.Name, ClientID: c.Name, GrantID: g.Spec.ID, Grant: g.Name, Secret: target, Reason: "First",
	}))
	if delivered.TokenID != g.Status.TokenID || delivered.Source != "" {
		t.Errorf("the line of the delivery is %+v, the token is %q", delivered, g.Status.TokenID)
	}
	awaitLine(t, auditLine{Event: "keyring.changed", Tenant: s.namespace, Secret: keyringOf(t, s.namespace).Name, Reason: "KeysMade"})
}

// grantsMadeFor are the grants that the endpoint made for a user, by their client.
func grantsMadeFor(t *testing.T, user *v1alpha1.AuthUser) (map[string]v1alpha1.RefreshTokenGrant, error) {
	t.Helper()
	grants, made := &v1alpha1.RefreshTokenGrantList{}, map[string]v1alpha1.RefreshTokenGrant{}
	if err := admin.List(t.Context(), grants, client.InNamespace(user.Namespace)); err != nil {
		return nil, err
	}
	for _, g := range grants.Items {
		switch {
		case g.Spec.UserRef.Name != user.Name || g.Spec.Login == nil:
		case g.Spec.ClientRef != nil:
			made[g.Spec.ClientRef.Name] = g
		default:
			made[g.Spec.ClientID] = g
		}
	}
	return made, nil
}

// revoke gives a token back (RFC 7009); the answer has no body.
func (c *caller) revoke(t *testing.T, clientID, secret, token string) {
	t.Helper()
	form := url.Values{"token": {token}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.issuer+"/revoke", bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(clientID, secret)
	response, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Errorf("revoke: %s", response.Status)
	}
}
