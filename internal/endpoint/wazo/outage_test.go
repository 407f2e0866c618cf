package wazo

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

var errOutage = errors.New("the API server is away")

// away is a store whose API server does not answer.
type away struct{ issuing.Store }

func (away) Revoke(context.Context, *v1alpha1.TokenRevocation) error { return errOutage }

// awaySessions is the same for sessions.
type awaySessions struct{ issuing.Sessions }

func (awaySessions) Create(context.Context, keys.Tenant, *v1alpha1.AuthSession, store.Bounds) error {
	return errOutage
}

func (awaySessions) Delete(context.Context, keys.Tenant, string) error { return errOutage }

func (awaySessions) Session(context.Context, keys.Tenant, string) (*v1alpha1.AuthSession, error) {
	return nil, errOutage
}

// While the API server is away, what memory knows goes on and the rest says so: never 404, which a
// verifying service takes for a token that is gone, and never 500.
func TestOutage(t *testing.T) {
	t.Parallel()
	h := newTenant(t, func(c *issuing.Config) { c.Store, c.Sessions = away{c.Store}, awaySessions{c.Sessions} })
	jwt, unknown := h.jwt(tokens.Wazo), "88204f50-0fe8-4163-a90f-9ff867468997"
	h.login(`{}`)
	if !strings.Contains(h.log.text(), errOutage.Error()) {
		t.Error("the log does not say why")
	}
	for name, tc := range map[string]struct {
		method, path, body string
		want               int
	}{
		"a login":                    {"POST", "/0.1/token", `{}`, 503},
		"a token that memory knows":  {"HEAD", "/0.1/token/" + jwt, "", 204},
		"a token that it does not":   {"HEAD", "/0.1/token/" + unknown, "", 503},
		"a GET of such a one":        {"GET", "/0.1/token/" + unknown, "", 503},
		"a check of such a one":      {"POST", "/0.1/token/" + unknown + "/scopes/check", `{"scopes": []}`, 503},
		"a deletion of such a one":   {"DELETE", "/0.1/token/" + unknown, "", 503},
		"a deletion of one it knows": {"DELETE", "/0.1/token/" + jwt, "", 503},
		"what cannot be a token":     {"HEAD", "/0.1/token/x", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.do(tc.method, tc.path, tc.body, "Authorization", basic("alice:"+password))
			switch {
			case got.status != tc.want:
				t.Errorf("%d %s, want %d", got.status, got.body, tc.want)
			case got.status == http.StatusServiceUnavailable && tc.method != "HEAD":
				wantProblem(t, got, tc.want, "The service cannot answer now")
			}
		})
	}
}

// flooded lets no lookup through.
type flooded struct{ issuing.Sessions }

func (flooded) Session(context.Context, keys.Tenant, string) (*v1alpha1.AuthSession, error) {
	return nil, store.ErrThrottled
}

// What anybody can bring about by asking too much must not fill the log.
func TestFlood(t *testing.T) {
	t.Parallel()
	h := newTenant(t, func(c *issuing.Config) { c.Sessions = flooded{c.Sessions} })
	got := h.do("GET", "/0.1/token/88204f50-0fe8-4163-a90f-9ff867468997", "")
	wantProblem(t, got, http.StatusServiceUnavailable, "The service cannot answer now")
	if log := h.log.text(); strings.Contains(log, "request failed") || !strings.Contains(log, "too much at once") {
		t.Errorf("the log is\n%s", log)
	}
}

// A tenant that is not served is told of once, where that begins, and not with each request.
func TestNotServed(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.directory.MarkLost(h.namespace)
	got := h.do("GET", "/0.1/token/88204f50-0fe8-4163-a90f-9ff867468997", "")
	wantProblem(t, got, http.StatusServiceUnavailable, "The service cannot answer now")
	if log := h.log.text(); strings.Contains(log, "request failed") || !strings.Contains(log, "tenant not served") {
		t.Errorf("the log is\n%s", log)
	}
}

// Neither a log nor an error tells a password or a token, whatever is sent and whatever goes wrong.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	const canary = "canary-2f9c"
	h := newTenant(t)
	h.put(passwordSecret("alice-password", password+canary))
	var errorBodies strings.Builder
	keep := func(r reply) reply {
		if r.status >= http.StatusBadRequest {
			errorBodies.WriteString(r.body)
		}
		return r
	}
	login := func(body string) reply {
		return keep(h.do("POST", "/0.1/token", body, "Authorization", basic("alice:"+password+canary)))
	}
	held := h.token(login(`{"access_type": "offline", "client_id": "phone"}`))
	login(`{"expiration": "` + canary + `"}`)
	login(`{"refresh_token": "` + canary + `"}`)
	login(`{"refresh_token": "` + canary + `", "client_id": "phone"}`)
	login(`{"backend": ["` + canary + `"`)
	keep(h.do("POST", "/0.1/token", `{}`, "Authorization", basic("alice:"+canary)))
	keep(h.do("POST", "/0.1/token", `{}`, "Authorization", "Basic "+canary))
	keep(h.do("POST", "/0.1/token", `{}`, "Authorization", basic(canary+":x")))
	for _, token := range []string{held.Token, canary, held.RefreshToken} {
		keep(h.do("GET", "/0.1/token/"+token+"?scope=x", ""))
		keep(h.do("HEAD", "/0.1/token/"+token, ""))
		keep(h.do("POST", "/0.1/token/"+token+"/scopes/check", `{"scopes": "`+canary+`"}`))
		keep(h.do("DELETE", "/0.1/token/"+token, ""))
		keep(h.do("GET", "/0.1/token/"+token+"/nowhere", ""))
	}
	broken := newTenant(t, func(c *issuing.Config) { c.Store, c.Sessions = away{c.Store}, awaySessions{c.Sessions} })
	broken.put(passwordSecret("alice-password", canary))
	keep(broken.do("POST", "/0.1/token", `{}`, "Authorization", basic("alice:"+canary)))
	keep(broken.do("HEAD", "/0.1/token/"+held.Token, ""))

	for place, text := range map[string]string{"the log": h.log.text() + broken.log.text(), "an error": errorBodies.String()} {
		if text == "" {
			t.Errorf("%s is empty", place)
		}
		for _, secret := range []string{canary, password, held.Token, held.RefreshToken} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q", place, secret)
			}
		}
	}
}
