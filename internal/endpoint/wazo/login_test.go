package wazo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

func TestLoginCredentials(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(passwordSecret("zoe-password", "pässwörd: two"))
	other := func(n byte, mods ...func(*v1alpha1.AuthUser)) []func(*v1alpha1.AuthUser) {
		return append(mods, func(u *v1alpha1.AuthUser) { u.Spec.Subject = subject[:35] + string('0'+n) })
	}
	h.put(user("zoë", other(1, func(u *v1alpha1.AuthUser) { u.Spec.Password.SecretRef.Name = "zoe-password" })...))
	h.put(user("disabled", other(2, func(u *v1alpha1.AuthUser) { u.Spec.State = v1alpha1.UserStateDisabled })...))
	h.put(user("expired", other(3, func(u *v1alpha1.AuthUser) { u.Spec.ExpiresAt = &metav1.Time{Time: begin.Truncate(time.Second)} })...))
	h.put(user("keyless", other(4, func(u *v1alpha1.AuthUser) { u.Spec.Password = nil })...))
	tests := map[string]struct {
		authorization string
		good          bool
	}{
		"a username":                               {basic("alice:" + password), true},
		"a username in another case":               {basic("ALice:" + password), true},
		"an e-mail address in another case":        {basic("Alice@Example.com:" + password), true},
		"a login beyond ASCII in UTF-8":            {basic("zoë:pässwörd: two"), true},
		"a login beyond ASCII in Latin-1":          {basic("zo\xeb:p\xe4ssw\xf6rd: two"), true},
		"a wrong password":                         {basic("alice:wrong"), false},
		"a password in another case":               {basic("alice:" + strings.ToUpper(password)), false},
		"a password with a space behind":           {basic("alice@example.com:" + password + " "), false},
		"an unknown user":                          {basic("mallory:" + password), false},
		"a disabled user":                          {basic("disabled:" + password), false},
		"a user past the end":                      {basic("expired:" + password), false},
		"a user without a password":                {basic("keyless:" + password), false},
		"a user's uuid is no login":                {basic(subject + ":" + password), false},
		"no password":                              {basic("alice:"), false},
		"no header":                                {"", false},
		"a bearer token":                           {"Bearer 88204f50-0fe8-4163-a90f-9ff867468997", false},
		"a header that is malformed":               {"Basic %%%", false},
		"a login with characters that no user has": {basic("a\x00b\nc:" + password), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.do("POST", "/0.1/token", `{}`, "Authorization", tc.authorization)
			if tc.good {
				h.token(got)
				return
			}
			wantProblem(t, got, http.StatusUnauthorized, "Authentication Failed")
		})
	}
}

func TestLoginBody(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	type result struct {
		status    int
		framework bool
	}
	good, wrong, notJSON := result{status: 200}, result{status: 400}, result{400, true}
	tests := map[string]struct {
		contentType string
		body        string
		want        result
	}{
		"JSON":                                       {"application/json", `{"expiration": 60}`, good},
		"JSON with parameters":                       {"application/json; charset=utf-8", `{"expiration": 60}`, good},
		"JSON that is called text":                   {"text/plain", `{"expiration": 60}`, good},
		"JSON that is called nothing":                {"", `{"expiration": 60}`, good},
		"JSON that is called multipart":              {"multipart/form-data; boundary=x", `{}`, good},
		"JSON that is called a form":                 {"application/x-www-form-urlencoded", `{"expiration": 60}`, notJSON},
		"JSON that is called a form in another case": {"Application/X-WWW-Form-Urlencoded; charset=utf-8", `{}`, notJSON},
		"a form":                                      {"application/x-www-form-urlencoded", `expiration=60`, notJSON},
		"a form that is called JSON":                  {"application/json", `expiration=60`, notJSON},
		"nothing":                                     {"application/json", ``, notJSON},
		"null":                                        {"application/json", `null`, good},
		"an empty list":                               {"application/json", `[]`, good},
		"a string":                                    {"application/json", `"expiration"`, wrong},
		"an expiration in a string":                   {"application/json", `{"expiration": " 10 "}`, good},
		"an expiration of 22 digits":                  {"application/json", `{"expiration": 1234567890123456789012}`, wrong},
		"the longest expiration":                      {"application/json", `{"expiration": 315360000}`, good},
		"an expiration past the longest":              {"application/json", `{"expiration": 315360001}`, wrong},
		"offline without a client_id":                 {"application/json", `{"access_type": "offline"}`, wrong},
		"the tenant's own id":                         {"application/json", `{"tenant_id": "` + keystest.UID + `"}`, good},
		"login and password in the body":              {"application/json", `{"login": "mallory", "password": "x"}`, good},
		"a client_id that is as long as may be":       {"application/json", `{"access_type": "offline", "client_id": "` + strings.Repeat("é", 1024) + `"}`, good},
		"a client_id of characters that none uses":    {"application/json", `{"access_type": "offline", "client_id": "\u0000\n\"\\ \u202e"}`, good},
		"a client_id with half a pair of surrogates":  {"application/json", `{"access_type": "offline", "client_id": "\ud800"}`, good},
		"the backend of another kind of installation": {"application/json", `{"backend": "ldap_user", "domain_name": "example.com"}`, good},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.login(tc.body, "Content-Type", tc.contentType)
			if got.status != tc.want.status {
				t.Fatalf("%d %s, want %d", got.status, got.body, tc.want.status)
			}
			if got.status == http.StatusOK {
				h.token(got)
			} else if framework := strings.HasPrefix(got.body, `{"message":`); framework != tc.want.framework {
				t.Errorf("the shape of %s", got.body)
			}
		})
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	body := `{"colour": "` + strings.Repeat("x", endpoint.DefaultBodyLimit) + `"}`
	for name, length := range map[string]int64{"announced": int64(len(body)), "not announced": -1} {
		for _, path := range []string{"/0.1/token", "/0.1/token/x/scopes/check"} {
			t.Run(name+" to "+path, func(t *testing.T) {
				t.Parallel()
				h := h.in(t)
				request, err := http.NewRequestWithContext(t.Context(), "POST", h.server.URL+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				request.ContentLength = length
				wantFrameworkProblem(t, h.send(request), http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			})
		}
	}
}

func TestLoginLifetime(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for body, want := range map[string]time.Duration{
		`{}`:                       2 * time.Hour,
		`{"expiration": 10.5}`:     10 * time.Second,
		`{"expiration": "90"}`:     90 * time.Second,
		`{"expiration": 31536000}`: 365 * 24 * time.Hour,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			token := h.token(h.login(body))
			if want := begin.Add(want).Format("2006-01-02T15:04:05.000000"); token.UTCExpiresAt != strings.Replace(want, ".250000", ".000000", 1) {
				t.Errorf("expires at %s, want %s", token.UTCExpiresAt, want)
			}
		})
	}
}

func TestLoginInAnUnknownTenant(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	wantProblem(t, h.login(`{"tenant_id": "2f4b7f0e-0000-4000-8000-000000000000"}`), http.StatusNotFound, "No such tenant")
	wantProblem(t, h.login(`{"tenant_id": ""}`), http.StatusNotFound, "No such tenant")
	for _, path := range []string{"/t/nobody/0.1/token", "/t/nobody/api/auth/0.1/token", "/t/nobody/token"} {
		got := h.do("POST", path, `{}`, "Content-Type", "application/json", "Authorization", basic("alice:"+password))
		wantFrameworkProblem(t, got, http.StatusNotFound, "Not Found")
	}
}

// A client_id of this dialect is nobody's registered one, neither at first nor later.
func TestRegisteredClientID(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	refreshToken := h.token(h.login(`{"access_type": "offline", "client_id": "billing"}`)).RefreshToken
	h.put(&v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Name: "billing"}})
	for name, got := range map[string]reply{
		"login":         h.login(`{"client_id": "billing"}`),
		"offline login": h.login(`{"access_type": "offline", "client_id": "billing"}`),
		"refresh":       h.do("POST", "/0.1/token", `{"client_id": "billing", "refresh_token": "`+refreshToken+`"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblem(t, got, http.StatusUnauthorized, "Authentication Failed")
		})
	}
}

func TestSessionLimit(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	limited := func(purpose v1alpha1.Purpose, n byte) func(*v1alpha1.AuthUser) {
		return func(u *v1alpha1.AuthUser) {
			u.Spec.Purpose, u.Spec.MaxSessions, u.Spec.Subject = purpose, ptr.To[int32](2), subject[:35]+string('0'+n)
		}
	}
	h.put(user("person", limited(v1alpha1.PurposeUser, 1)))
	h.put(user("program", limited(v1alpha1.PurposeExternalAPI, 2)))
	h.put(user("pbx", limited(v1alpha1.PurposeInternal, 3)))
	const offline = `{"access_type": "offline", "client_id": "phone", "expiration": 60}`
	for name, limit := range map[string]bool{"person": true, "program": true, "pbx": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			login := func(password string) reply {
				return h.do("POST", "/0.1/token", offline, "Authorization", basic(name+":"+password))
			}
			refreshToken := h.token(login(password)).RefreshToken
			h.token(login(password))
			user, _ := h.rows().UserByLogin(name)
			h.await(func(context.Context) error {
				if held := len(h.rows().SessionsOfSubject(user.Subject())); held != 2 {
					return fmt.Errorf("%d sessions", held)
				}
				return nil
			})
			if !limit {
				h.token(login(password))
				return
			}
			got := login(password)
			wantProblem(t, got, http.StatusTooManyRequests, "there are too many live sessions")
			if _, ok := got.header["Retry-After"]; ok {
				t.Error("only a lockout says when to try again")
			}
			wantProblem(t, h.do("POST", "/0.1/token", `{"client_id": "phone", "refresh_token": "`+refreshToken+`"}`),
				http.StatusTooManyRequests, "there are too many live sessions")
			wantProblem(t, login("wrong"), http.StatusUnauthorized, "Authentication Failed")
		})
	}
}

func TestLockout(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.token(h.login(`{}`)).Token
	var got reply
	for range 10 {
		if got = h.do("POST", "/0.1/token", `{}`, "Authorization", basic("alice:wrong")); got.status != http.StatusUnauthorized {
			break
		}
	}
	wantProblem(t, got, http.StatusTooManyRequests, "too many failed attempts")
	if wait := got.header.Get("Retry-After"); wait != "1" {
		t.Errorf("Retry-After is %q", wait)
	}
	wantProblem(t, h.login(`{}`), http.StatusTooManyRequests, "too many failed attempts")
	if got := h.do("HEAD", "/0.1/token/"+token, ""); got.status != http.StatusNoContent {
		t.Errorf("a token that stands is answered with %d", got.status)
	}
	h.clock.SetTime(begin.Add(time.Minute))
	h.token(h.login(`{}`))
}

// What a session is told to have come from is the client's address, not the network that its
// failures count for.
func TestLoginOverIPv6(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	request, err := http.NewRequestWithContext(t.Context(), "POST", "/0.1/token", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	request.RemoteAddr = "[2001:db8::7]:40000"
	request.Header.Set("Authorization", basic("alice:"+password))
	got := h.record(request)
	h.token(got)
	if !strings.Contains(got.body, `"remote_addr":"2001:db8::7"`) {
		t.Error(got.body)
	}
}

func TestSessionObject(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.token(h.login(`{"client_id": "phone", "expiration": 60}`, "Wazo-Session-Type", "Mobile")).Token
	h.token(h.login(`{}`, "Wazo-Session-Type", "desktop"))
	sessions := &v1alpha1.AuthSessionList{}
	if err := h.client.List(t.Context(), sessions); err != nil {
		t.Fatal(err)
	}
	mobile := 0
	for _, session := range sessions.Items {
		if session.Namespace != h.namespace {
			continue
		}
		if strings.Contains(fmt.Sprint(session), token) {
			t.Error("the object holds the token")
		}
		if !session.Spec.Mobile {
			continue
		}
		mobile++
		if session.Name != tokens.SessionName(token) || session.Spec.ClientID != "phone" || session.Spec.Username != "alice" {
			t.Errorf("%+v", session)
		}
	}
	if mobile != 1 {
		t.Errorf("%d mobile sessions, want the one that said mobile", mobile)
	}
}
