package oauth_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/gen"
)

// accessToken is one that billing is given for itself.
func (s *server) accessToken(t testing.TB) string {
	t.Helper()
	return field(t, s.send(t, request{form: form("grant_type", "client_credentials", "scope", "orders:read"), headers: basic("billing", clientSecret)}).Body.Bytes(), "access_token")
}

func field(t testing.TB, body []byte, name string) string {
	t.Helper()
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	text, _ := answer[name].(string)
	return text
}

func (s *server) introspect(t testing.TB, clientID, token string) (status int, body string) {
	t.Helper()
	r := request{path: "/introspect", form: form("token", token), headers: basic(clientID, clientSecret)}
	if clientID == "shop" { // it authenticates in the form
		r.form, r.headers = form("token", token, "client_id", clientID, "client_secret", clientSecret), nil
	}
	answer := s.send(t, r)
	return answer.Code, answer.Body.String()
}

// isDead asks whether a token of billing's is not active any more.
func (s *server) isDead(t testing.TB, token string) func() bool {
	t.Helper()
	return func() bool {
		_, body := s.introspect(t, "billing", token)
		return body == notActive
	}
}

const notActive = "{\"active\":false}\n"

func TestAClientLearnsWhatItsTokenStandsFor(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	golden(t, "introspection", wire(s.send(t, request{path: "/introspect", form: form("token", s.accessToken(t), "token_type_hint", "access_token"), headers: basic("billing", clientSecret)})))
}

func TestAServiceLearnsOfTheTokensThatAreAddressedToIt(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.Put(gen.AuthClient("gateway", gen.EveryGrantType(), gen.ClientScopes("orders:*"), gen.ClientAudiences("shop")), gen.ClientSecret("gateway", clientSecret))
	token := field(t, s.send(t, request{form: form("grant_type", "client_credentials"), headers: basic("gateway", clientSecret)}).Body.Bytes(), "access_token")
	for asking, want := range map[string]bool{"gateway": true, "shop": true, "billing": false} {
		if _, body := s.introspect(t, asking, token); (body != notActive) != want {
			t.Errorf("%s learns %s, want that it is active: %t", asking, body, want)
		}
	}
}

func TestATokenThatIsNotActiveTellsNothing(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	token := s.accessToken(t)
	for name, presented := range map[string]string{
		"a token that was never made":    "garbage",
		"a token with another signature": token[:len(token)-4] + "AAAA",
		"a refresh token":                s.refreshToken(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, body := s.introspect(t, "billing", presented); status != http.StatusOK || body != notActive {
				t.Errorf("%d %s, want that it is not active", status, body)
			}
		})
	}
	if _, body := s.introspect(t, "shop", token); body != notActive {
		t.Errorf("another client learns %s", body)
	}
}

func TestWhoAsksAboutATokenMustAuthenticate(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	token := s.accessToken(t)
	for name, tc := range map[string]struct {
		request    request
		wantStatus int
		wantError  string
	}{
		"nobody":                 {request{form: form("token", token)}, http.StatusUnauthorized, "invalid_client"},
		"with a wrong secret":    {request{form: form("token", token), headers: basic("billing", "wrong")}, http.StatusUnauthorized, "invalid_client"},
		"without a token":        {request{form: form("token", ""), headers: basic("billing", clientSecret)}, http.StatusBadRequest, "invalid_request"},
		"with two tokens":        {request{form: form("token", token, "token", token), headers: basic("billing", clientSecret)}, http.StatusBadRequest, "invalid_request"},
		"with what is no form":   {request{form: "{}", typed: true, headers: append(basic("billing", clientSecret), "Content-Type", "application/json")}, http.StatusBadRequest, "invalid_request"},
		"by GET, in the address": {request{method: http.MethodGet}, http.StatusMethodNotAllowed, "invalid_request"},
	} {
		for _, path := range []string{"/introspect", "/revoke"} {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				asked := tc.request
				asked.path = path
				answer := s.send(t, asked)
				if got := field(t, answer.Body.Bytes(), "error"); answer.Code != tc.wantStatus || got != tc.wantError {
					t.Errorf("%d %s, want %d %s", answer.Code, got, tc.wantStatus, tc.wantError)
				}
			})
		}
	}
}

func TestATokenThatIsGivenBackIsDead(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	revoke := func(clientID, token string) (int, string) {
		r := request{path: "/revoke", form: form("token", token), headers: basic(clientID, clientSecret)}
		if clientID == "shop" {
			r.form, r.headers = form("token", token, "client_id", clientID, "client_secret", clientSecret), nil
		}
		answer := s.send(t, r)
		return answer.Code, answer.Body.String()
	}
	for _, unknown := range []string{"garbage", "bf720b0b-0ac5-4b69-95e3-759567f549df"} {
		if status, body := revoke("billing", unknown); status != http.StatusOK || body != "" {
			t.Errorf("an unknown token: %d %q, want 200 and nothing", status, body)
		}
	}

	token := s.accessToken(t)
	if status, body := revoke("shop", token); status != http.StatusBadRequest || field(t, []byte(body), "error") != "unauthorized_client" {
		t.Errorf("another client's token: %d %s", status, body)
	}
	if _, body := s.introspect(t, "billing", token); body == notActive {
		t.Fatal("the token is not active")
	}
	for range 2 { // the second time it is dead already
		if status, _ := revoke("billing", token); status != http.StatusOK {
			t.Errorf("%d, want 200", status)
		}
		x.Await(t, "the token is dead", s.isDead(t, token))
	}
}

func TestARefreshTokenThatIsGivenBackEndsEveryTokenOfItsGrant(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	refresh := s.refreshToken(t)
	redeem := request{form: form("grant_type", "refresh_token", "refresh_token", refresh), headers: basic("billing", clientSecret)}
	token := field(t, s.send(t, redeem).Body.Bytes(), "access_token")
	revoked := s.send(t, request{path: "/revoke", form: form("token", refresh, "token_type_hint", "access_token"), headers: basic("billing", clientSecret)})
	if revoked.Code != http.StatusOK {
		t.Fatalf("%d %s", revoked.Code, revoked.Body)
	}
	x.Await(t, "the access token is dead", s.isDead(t, token))
	if answer := s.send(t, redeem); field(t, answer.Body.Bytes(), "error") != "invalid_grant" {
		t.Errorf("the refresh token is still good: %d", answer.Code)
	}
	grant := gen.In(s.Namespace, gen.RefreshTokenGrant("nightly"))
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(grant), grant); err != nil {
		t.Fatal(err)
	}
	if grant.Spec.Epoch != 2 {
		t.Errorf("the grant's epoch is %d, want that it has moved to 2", grant.Spec.Epoch)
	}
}

func TestARefreshTokenEndsAlsoWhereMemoryIsLate(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	refresh := s.refreshToken(t)
	row, _ := s.Rows(t).Grant("nightly")
	stale := row.DeepCopy()
	changed := row.DeepCopy()
	changed.Labels = map[string]string{"team": "billing"}
	x.Update(t, changed)
	s.Put(stale) // as before the change
	if answer := s.send(t, request{path: "/revoke", form: form("token", refresh), headers: basic("billing", clientSecret)}); answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	grant := gen.In(s.Namespace, gen.RefreshTokenGrant("nightly"))
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(grant), grant); err != nil {
		t.Fatal(err)
	}
	if grant.Spec.Epoch != 2 {
		t.Errorf("the grant's epoch is %d, want that it has moved to 2", grant.Spec.Epoch)
	}
}
