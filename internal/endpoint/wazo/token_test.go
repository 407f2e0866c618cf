package wazo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// jwt signs a token of a dialect for alice, as a grant with a Secret holds one.
func (h *tenant) jwt(dialect tokens.Dialect, mods ...func(*tokens.Access)) string {
	h.Helper()
	a := &tokens.Access{
		Dialect:   dialect,
		Issuer:    issuer,
		Subject:   subject,
		Audiences: []string{issuer},
		ID:        "9a8b7c6d-5e4f-4321-8765-0123456789ab",
		IssuedAt:  begin.Truncate(time.Second),
		NotBefore: begin.Add(-time.Minute),
		ExpiresAt: begin.Add(time.Hour),
	}
	if dialect == tokens.Wazo {
		a.ACL = []string{"confd.#"}
	} else {
		a.ClientID, a.Scopes = "billing", []string{"confd.users.read"}
	}
	for _, mod := range mods {
		mod(a)
	}
	key, err := keystest.Ring(h, h.namespace, issuer).Signer(keys.ES256)
	if err != nil {
		h.Fatal(err)
	}
	token, err := tokens.Sign(key, a)
	if err != nil {
		h.Fatal(err)
	}
	return token
}

func TestToken(t *testing.T) {
	t.Parallel()
	h, other := newTenant(t), newTenant(t)
	h.put(&v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Name: "billing"}})
	held := h.offline("phone")
	expired := func(a *tokens.Access) {
		a.IssuedAt, a.ExpiresAt = begin.Add(-time.Minute), begin.Truncate(time.Second)
	}
	early := func(a *tokens.Access) { a.NotBefore = begin.Add(time.Minute) }
	forged := h.jwt(tokens.Wazo)
	forged = forged[:len(forged)-4] + "AAAA"
	if _, err := h.service.Check(t.Context(), h.namespace, h.jwt(tokens.OAuth2)); err != nil {
		t.Fatalf("the OAuth token is no good itself: %v", err)
	}
	const noToken, otherTenant = "No such token", "2f4b7f0e-0000-4000-8000-000000000000"
	const denied = "Unauthorized for "
	tests := map[string]struct {
		target string
		status int
		reason string
	}{
		"a token":                                  {held.Token, 200, ""},
		"a JWT of this dialect":                    {h.jwt(tokens.Wazo), 200, ""},
		"a JWT of the other dialect":               {h.jwt(tokens.OAuth2), 404, noToken},
		"a JWT past its end":                       {h.jwt(tokens.Wazo, expired), 404, noToken},
		"a JWT before its time":                    {h.jwt(tokens.Wazo, early), 404, noToken},
		"a JWT that is forged":                     {forged, 404, noToken},
		"a token of another tenant":                {other.token(other.login(`{}`)).Token, 404, noToken},
		"a UUID that nobody has made":              {"88204f50-0fe8-4163-a90f-9ff867468997", 404, noToken},
		"a token in upper case":                    {strings.ToUpper(held.Token), 404, noToken},
		"a refresh token":                          {held.RefreshToken, 404, noToken},
		"what is no token":                         {"token", 404, noToken},
		"what is no text":                          {"%00%ff%0A", 404, noToken},
		"a token with a slash in it":               {"a%2Fb", 404, noToken},
		"a token with a space behind":              {held.Token + "%20", 404, noToken},
		"a scope that is granted":                  {held.Token + "?scope=confd.users.alice.read", 200, ""},
		"a scope by the user's uuid":               {held.Token + "?scope=auth.users." + subject + ".tokens.read", 200, ""},
		"a scope by the session's uuid":            {held.Token + "?scope=calls." + held.SessionUUID + ".edit", 200, ""},
		"a scope that says update for edit":        {held.Token + "?scope=calls.my_session.update", 200, ""},
		"a scope of a JWT":                         {h.jwt(tokens.Wazo) + "?scope=confd.users.root.read", 200, ""},
		"a scope that is not granted":              {held.Token + "?scope=confd.users.alice.delete", 403, denied + "confd.users.alice.delete"},
		"a scope in another case":                  {held.Token + "?scope=Confd.users.alice.read", 403, denied + "Confd.users.alice.read"},
		"a scope that is denied":                   {held.Token + "?scope=confd.users.root.read", 403, denied + "confd.users.root.read"},
		"a scope beyond its segment":               {held.Token + "?scope=confd.users.a.b.read", 403, denied + "confd.users.a.b.read"},
		"a scope of another user":                  {held.Token + "?scope=auth.users.0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e.tokens.read", 403, denied + "auth.users.0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e.tokens.read"},
		"a scope that has to be escaped":           {held.Token + "?scope=a%22%5C%3Cb%3E%C3%A9", 403, denied + `a"\<b>é`},
		"a scope whose escape is none":             {held.Token + "?scope=%zz", 403, denied + "%zz"},
		"an empty scope":                           {held.Token + "?scope=", 403, denied},
		"a scope whose name is escaped":            {held.Token + "?%73cope=x", 403, denied + "x"},
		"two scopes of which the second is wrong":  {held.Token + "?scope=confd.users.alice.read&scope=x", 403, denied + "x"},
		"a scope with a semicolon":                 {held.Token + "?scope=confd.users.alice.read;x", 403, denied + "confd.users.alice.read;x"},
		"a scope longer than any":                  {held.Token + "?scope=" + strings.Repeat("x", 2000), 403, denied + strings.Repeat("x", 2000)},
		"the tenant":                               {held.Token + "?tenant=" + keystest.UID, 200, ""},
		"the tenant and a scope":                   {held.Token + "?tenant=" + keystest.UID + "&scope=confd.users.alice.read", 200, ""},
		"another tenant":                           {held.Token + "?tenant=" + otherTenant, 403, denied + "tenant " + otherTenant},
		"an empty tenant, which names none":        {held.Token + "?tenant=", 200, ""},
		"another tenant, and a scope":              {held.Token + "?scope=confd.users.alice.read&tenant=x", 403, denied + "tenant x"},
		"what nobody asks for":                     {held.Token + "?colour=red&Scope=x&%", 200, ""},
		"an unknown token and a scope not granted": {"none?scope=x&tenant=y", 404, noToken},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			for _, prefix := range []string{"/0.1/", "/api/auth/0.1/", "/t/" + h.namespace + "/0.1/", "/t/" + h.namespace + "/api/auth/0.1/"} {
				got := h.do("GET", prefix+"token/"+tc.target, "")
				wantHead := tc.status
				if tc.status == http.StatusOK {
					wantHead = http.StatusNoContent
					token, _, _ := strings.Cut(tc.target, "?")
					if data := h.token(got); data.Token != token || strings.Contains(got.body, "refresh_token") {
						t.Error(got.body)
					}
				} else {
					wantProblem(t, got, tc.status, tc.reason)
				}
				head := h.do("HEAD", prefix+"token/"+tc.target, "")
				if head.status != wantHead || head.body != "" || head.header["Www-Authenticate"] != nil {
					t.Errorf("HEAD is %d with the headers %v, want %d", head.status, head.header, wantHead)
				}
			}
		})
	}
}

func TestTokenEnds(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.token(h.login(`{"expiration": 60}`)).Token
	h.clock.SetTime(begin.Add(59 * time.Second))
	h.wantStatus(http.StatusNoContent, token)
	h.clock.SetTime(begin.Add(60 * time.Second))
	h.wantStatus(http.StatusNotFound, token)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(&v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Name: "billing"}})
	reference, jwt, oauth := h.token(h.login(`{}`)).Token, h.jwt(tokens.Wazo), h.jwt(tokens.OAuth2, func(a *tokens.Access) {
		a.ID = "11111111-2222-4333-8444-555555555555"
	})
	offline := h.offline("phone")
	h.known(2)
	for name, token := range map[string]string{
		"a token":                       reference,
		"a token that is deleted again": reference,
		"a JWT":                         jwt,
		"a JWT that is deleted again":   jwt,
		"a JWT of the other dialect":    oauth,
		"a token that nobody has made":  "88204f50-0fe8-4163-a90f-9ff867468997",
		"a refresh token":               offline.RefreshToken,
		"what is no token":              "%00",
		"a query, which does not count": "none?scope=x&tenant=y",
	} {
		if got := h.do("DELETE", "/0.1/token/"+token, ""); got.status != http.StatusOK || got.body != `{"data":{"message":"success"}}`+"\n" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	h.wantStatus(http.StatusNotFound, reference)
	h.wantStatus(http.StatusNotFound, jwt)
	h.wantStatus(http.StatusNoContent, offline.Token)
	h.token(h.refresh("phone", offline.RefreshToken))
	if _, err := h.service.Check(t.Context(), h.namespace, oauth); err != nil {
		t.Errorf("the other dialect's token is gone: %v", err)
	}
	session := &v1alpha1.AuthSession{}
	key := client.ObjectKey{Namespace: h.namespace, Name: tokens.SessionName(reference)}
	if err := h.client.Get(t.Context(), key, session); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("the session is still there: %v", err)
	}
}

func TestScopesCheck(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held := h.token(h.login(`{}`))
	form := h.do("POST", "/0.1/token/"+held.Token+"/scopes/check", `{"scopes": []}`, "Content-Type", "application/x-www-form-urlencoded")
	wantFrameworkProblem(t, form, http.StatusBadRequest, errNotJSON.text)
	const refused = "scopes: must be a list of strings"
	tests := map[string]struct {
		token  string
		body   string
		status int
		want   map[string]bool
		reason string
	}{
		"scopes that are granted and not": {
			held.Token, `{"scopes": ["confd.users.alice.read", "confd.users.root.read", "calls.my_session.update", "x"]}`, 200,
			map[string]bool{"confd.users.alice.read": true, "confd.users.root.read": false, "calls.my_session.update": true, "x": false}, "",
		},
		"no scope":                   {held.Token, `{"scopes": []}`, 200, map[string]bool{}, ""},
		"a scope twice":              {held.Token, `{"scopes": ["x", "x"]}`, 200, map[string]bool{"x": false}, ""},
		"an empty scope":             {held.Token, `{"scopes": [""]}`, 200, map[string]bool{"": false}, ""},
		"the tenant":                 {held.Token, `{"scopes": [], "tenant_uuid": "` + keystest.UID + `"}`, 200, map[string]bool{}, ""},
		"a JWT":                      {h.jwt(tokens.Wazo), `{"scopes": ["confd.a"]}`, 200, map[string]bool{"confd.a": true}, ""},
		"an empty tenant":            {held.Token, `{"scopes": [], "tenant_uuid": ""}`, 200, map[string]bool{}, ""},
		"another tenant":             {held.Token, `{"scopes": [], "tenant_uuid": "x"}`, 403, nil, "Unauthorized for tenant x"},
		"an unknown token":           {"none", `{"scopes": []}`, 404, nil, "No such token"},
		"a token of the other kind":  {h.jwt(tokens.OAuth2), `{"scopes": []}`, 404, nil, "No such token"},
		"an unknown token, no scope": {"none", `{}`, 400, nil, refused},
		"scopes of null":             {held.Token, `{"scopes": null}`, 400, nil, refused},
		"scopes that are a string":   {held.Token, `{"scopes": "x"}`, 400, nil, refused},
		"a scope of null":            {held.Token, `{"scopes": [null]}`, 400, nil, refused},
		"a tenant that is a number":  {held.Token, `{"scopes": [], "tenant_uuid": 1}`, 400, nil, "tenant_uuid: must be a string"},
		"malformed":                  {held.Token, `{"scopes": [`, 400, nil, ""},
		"no body":                    {held.Token, ``, 400, nil, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.do("POST", "/0.1/token/"+tc.token+"/scopes/check", tc.body)
			switch {
			case tc.status == http.StatusOK:
				var answer struct{ Scopes map[string]bool }
				if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != http.StatusOK {
					t.Fatalf("%d %s: %v", got.status, got.body, err)
				}
				if diff := cmp.Diff(tc.want, answer.Scopes); diff != "" {
					t.Error(diff)
				}
			case tc.reason == "":
				wantFrameworkProblem(t, got, tc.status, errNotJSON.text)
			default:
				wantProblem(t, got, tc.status, tc.reason)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	const notFound, notAllowed = "Not Found", "Method Not Allowed"
	tests := map[string]struct {
		method, path string
		status       int
		message      string
		allow        string
	}{
		"an unrouted path":                  {"GET", "/0.1/nowhere", 404, notFound, ""},
		"an unrouted path behind the proxy": {"POST", "/api/auth/0.1/nowhere", 404, notFound, ""},
		"an unrouted path of a tenant":      {"GET", "/t/" + h.namespace + "/0.1/nowhere", 404, notFound, ""},
		"an empty token":                    {"GET", "/0.1/token/", 404, notFound, ""},
		"an empty token to delete":          {"DELETE", "/api/auth/0.1/token/", 404, notFound, ""},
		"an empty token to check":           {"POST", "/0.1/token//scopes/check", 404, notFound, ""},
		"a token and a slash":               {"GET", "/0.1/token/x/", 404, notFound, ""},
		"a GET of what is for POST":         {"GET", "/0.1/token", 405, notAllowed, "POST"},
		"a PUT of a token":                  {"PUT", "/0.1/token/x", 405, notAllowed, "GET, HEAD, DELETE"},
		"a GET of a check":                  {"GET", "/0.1/token/x/scopes/check", 405, notAllowed, "POST"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.do(tc.method, tc.path, "")
			wantFrameworkProblem(t, got, tc.status, tc.message)
			if allow := got.header.Get("Allow"); allow != tc.allow {
				t.Errorf("Allow is %q, want %q", allow, tc.allow)
			}
			if got := h.do("HEAD", tc.path, ""); got.body != "" || got.status < 400 {
				t.Errorf("HEAD is %d %q", got.status, got.body)
			}
		})
	}
}

// At /token JSON is this dialect's, and nothing but POST is there.
func TestSharedPath(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.token(h.do("POST", "/token", `{}`, "Content-Type", "Application/JSON; charset=utf-8", "Authorization", basic("alice:"+password))).Token
	h.wantStatus(http.StatusNoContent, token)
	tenants := h.do("POST", "/t/"+h.namespace+"/token", `{}`, "Content-Type", "application/json", "Authorization", basic("alice:"+password))
	h.wantStatus(http.StatusNoContent, h.token(tenants).Token)
	wantProblem(t, h.do("POST", "/token", `{}`, "Content-Type", "application/json"), http.StatusUnauthorized, "Authentication Failed")
	if got := h.do("POST", "/token", `{}`, "Content-Type", "application/x-www-form-urlencoded"); got.status != http.StatusTeapot {
		t.Errorf("a form is answered with %d", got.status)
	}
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		if got := h.do(method, "/token/"+token, ""); got.status != http.StatusNotFound {
			t.Errorf("%s is answered with %d", method, got.status)
		}
	}
}

func TestDeletedSession(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.token(h.login(`{}`)).Token
	h.wantStatus(http.StatusNoContent, token)
	session := &v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: tokens.SessionName(token)}}
	if err := h.client.Delete(context.Background(), session); err != nil {
		t.Fatal(err)
	}
	h.wantStatus(http.StatusNotFound, token)
}

func TestARevocationSaysWhereItIsFrom(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.do("DELETE", "/0.1/token/"+h.jwt(tokens.Wazo), "")
	revocation := &v1alpha1.TokenRevocation{}
	key := client.ObjectKey{Namespace: h.namespace, Name: "9a8b7c6d-5e4f-4321-8765-0123456789ab"}
	if err := h.client.Get(t.Context(), key, revocation); err != nil {
		t.Fatal(err)
	}
	if got := revocation.Spec.Reason; got != "revoked at the endpoint" {
		t.Errorf("the reason is %q", got)
	}
}

// Nobody waits for the rest of the answers.
func TestScopesOfAClientThatWentAway(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.jwt(tokens.Wazo)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, request := range map[string]*http.Request{
		"of a body":  httptest.NewRequestWithContext(gone, "POST", "/0.1/token/"+token+"/scopes/check", strings.NewReader(`{"scopes": ["confd.users"]}`)),
		"of a query": httptest.NewRequestWithContext(gone, "GET", "/0.1/token/"+token+"?scope=confd.users", nil),
	} {
		if got := h.record(request); got.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestATenantThatDoesNotSpeakWazo(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.offline("phone").Token
	h.put(speaks(v1alpha1.DialectOAuth2))
	for _, prefix := range []string{"", "/0.1", "/api/auth/0.1", "/t/" + h.namespace + "/0.1"} {
		wantNoRoute(t, h.do("POST", prefix+"/token", `{}`, "Content-Type", "application/json", "Authorization", basic("alice:"+password)))
		wantNoRoute(t, h.do("POST", prefix+"/token", `no JSON`, "Content-Type", "application/json"))
		if prefix == "" {
			continue
		}
		wantNoRoute(t, h.do("GET", prefix+"/token/"+token, ""))
		wantNoRoute(t, h.do("DELETE", prefix+"/token/"+token, ""))
		wantNoRoute(t, h.do("POST", prefix+"/token/"+token+"/scopes/check", `{"scopes": []}`))
		if got := h.do("HEAD", prefix+"/token/"+token, ""); got.status != http.StatusNotFound {
			t.Errorf("HEAD: %d", got.status)
		}
	}
	h.put(speaks(v1alpha1.DialectWazo))
	if got := h.do("HEAD", "/0.1/token/"+token, ""); got.status != http.StatusNoContent {
		t.Errorf("once it speaks wazo again: %d", got.status)
	}
}

func wantNoRoute(t *testing.T, got reply) {
	t.Helper()
	if got.status != http.StatusNotFound || strings.TrimSpace(got.body) != `{"message":"Not Found"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
}
