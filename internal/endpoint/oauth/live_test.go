package oauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestAnOutageIsNotTheClientsFault takes the API server away.
func TestAnOutageIsNotTheClientsFault(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	billing := basic("billing", clientSecret)
	login := request{form: form("grant_type", "password", "username", "alice", "password", password), headers: billing}
	refresh := request{form: form("grant_type", "refresh_token", "refresh_token", s.refreshToken(t)), headers: billing}
	x.Cut()
	golden(t, "unavailable", wire(s.send(t, login)))
	if log := s.logged(); !strings.Contains(log, "request failed") || !strings.Contains(log, "create the") {
		t.Errorf("the log does not tell the cause:\n%s", log)
	}
	if response := s.send(t, refresh); response.Code != http.StatusOK {
		t.Errorf("what needs no write is refused, too: %d %s", response.Code, response.Body)
	}
}

func TestAClientThatWentAwayIsNoErrorInTheLog(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	grant, _ := x.Rows(t).Grant("nightly")
	token := s.refreshToken(t)
	x.Remove(grant.RefreshTokenGrant.DeepCopy())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	response := s.sendIn(gone, request{form: form("grant_type", "refresh_token", "refresh_token", token), headers: basic("billing", clientSecret)})
	if log := s.logged(); response.Code != http.StatusServiceUnavailable || strings.Contains(log, "request failed") || !strings.Contains(log, "client went away") {
		t.Errorf("got %d and the log\n%s", response.Code, log)
	}
}

// TestAFloodIsNoErrorInTheLog presents refresh tokens of grants that memory does not know.
func TestAFloodIsNoErrorInTheLog(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	var response *httptest.ResponseRecorder
	for i := 0; i < 200 && (response == nil || response.Code != http.StatusServiceUnavailable); i++ {
		unknown := gen.RefreshTokenGrant(strconv.Itoa(i), gen.DeliversRefreshToken())
		token, err := issuing.DeliveredRefreshToken(x.Ring, &directory.Grant{RefreshTokenGrant: unknown})
		if err != nil {
			t.Fatal(err)
		}
		response = s.send(t, request{form: form("grant_type", "refresh_token", "refresh_token", token.Reveal()), headers: basic("billing", clientSecret)})
	}
	if log := s.logged(); response.Code != http.StatusServiceUnavailable || strings.Contains(log, "request failed") || !strings.Contains(log, "too much at once") {
		t.Errorf("got %d and the log\n%s", response.Code, log)
	}
}

// TestATenantThatIsNotServedIsNoErrorOfEachRequest: the log was told when it began.
func TestATenantThatIsNotServedIsNoErrorOfEachRequest(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	x.Directory.MarkLost(x.Namespace)
	response := s.send(t, request{form: form("grant_type", "client_credentials"), headers: basic("billing", clientSecret)})
	if log := s.logged(); response.Code != http.StatusServiceUnavailable || strings.Contains(log, "request failed") || !strings.Contains(log, "tenant not served") {
		t.Errorf("got %d and the log\n%s", response.Code, log)
	}
}

// TestLimitsAreNoBadCredentials: 429 in words by which no client drops its user.
func TestLimitsAreNoBadCredentials(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, team()...)
	alice, _ := x.Rows(t).User("alice")
	bound := alice.AuthUser.DeepCopy()
	gen.MaxGrants(0)(bound)
	gen.MaxSessions(0)(bound)
	x.Update(t, bound)
	shop, _ := x.Rows(t).Client("shop")
	opaque := shop.AuthClient.DeepCopy()
	gen.ReferenceTokens()(opaque)
	x.Update(t, opaque)
	s := serve(t, x.Tenant)
	login := form("grant_type", "password", "username", "alice", "password", password)
	golden(t, "too-many-grants", wire(s.send(t, request{form: login, headers: basic("billing", clientSecret)})))
	golden(t, "too-many-sessions", wire(s.send(t, request{form: login + "&" + form("client_id", "shop", "client_secret", clientSecret)})))
	if writes := x.Writes.Load(); writes != 0 {
		t.Errorf("the refusals made %d writes", writes)
	}
}

// TestNothingLeaks sends credentials, right and wrong, in every place where they can stand, and
// looks for them in what comes back and in a log that is turned up fully.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	s, x := onAPIServer(t)
	token := s.refreshToken(t)
	billing := basic("billing", clientSecret)
	canaries := []string{"canary", token, token[strings.LastIndexByte(token, '.')+1:], strings.TrimPrefix(billing[1], "Basic ")}
	login := form("grant_type", "password", "username", "alice", "password", password)
	failing := map[string]request{
		"a password twice":               {form: login + "&password=canary", headers: billing},
		"a malformed password":           {form: "grant_type=password&password=canary%", headers: billing},
		"a wrong password":               {form: "grant_type=password&username=alice&password=canary", headers: billing},
		"a password in place of a user":  {form: form("grant_type", "password", "username", password, "password", "x"), headers: billing},
		"a password with a bad scope":    {form: login + "&scope=none", headers: billing},
		"a wrong secret":                 {form: login, headers: basic("billing", "canary")},
		"a wrong secret in the form":     {form: login + "&client_id=shop&client_secret=canary"},
		"a secret given twice":           {form: login + "&client_id=billing&client_secret=canary", headers: billing},
		"a header that is malformed":     {form: login, headers: []string{"Authorization", "Basic canary"}},
		"a refresh token cut short":      {form: form("grant_type", "refresh_token", "refresh_token", token[:len(token)-1]), headers: billing},
		"a refresh token of another":     {form: form("grant_type", "refresh_token", "refresh_token", token, "client_id", "shop", "client_secret", clientSecret)},
		"a refresh token with bad scope": {form: form("grant_type", "refresh_token", "refresh_token", token, "scope", "none"), headers: billing},
		"credentials in the query":       {path: "/token?password=canary&client_secret=canary", headers: billing},
		"a path that is none":            {path: "/token/canary", form: login, headers: billing},
		"another type":                   {form: login, headers: append([]string{"Content-Type", "text/plain"}, billing...), typed: true},
		"an unknown grant type":          {form: "grant_type=canary", headers: billing},
		"an unknown tenant":              {path: "/t/nowhere/token", form: login, headers: billing},
	}
	look := func(what, text string) {
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s holds a credential: %s", what, text)
			}
		}
	}
	fail := func(name string, r request) {
		response := s.send(t, r)
		if response.Code < 400 {
			t.Errorf("%s: got %d, want a refusal", name, response.Code)
		}
		look("the answer to "+name, wire(response))
	}
	for name, r := range failing {
		fail(name, r)
	}
	x.Cut()
	fail("a login without the API server", request{form: login, headers: billing})
	if log := s.logged(); log == "" {
		t.Error("nothing was logged: the test looks at nothing")
	} else {
		look("the log", log)
	}
}
