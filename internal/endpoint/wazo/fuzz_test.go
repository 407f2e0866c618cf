package wazo

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// emptyLive is an API server that holds nothing.
type emptyLive struct{}

func (emptyLive) GrantByID(context.Context, string, string) (*v1alpha1.RefreshTokenGrant, error) {
	return nil, store.ErrNotFound
}

func (emptyLive) Grant(context.Context, string, string) (*v1alpha1.RefreshTokenGrant, error) {
	return nil, store.ErrNotFound
}

// emptySessions is a store of sessions that holds nothing and takes nothing.
type emptySessions struct{ awaySessions }

func (emptySessions) Session(context.Context, keys.Tenant, string) (*v1alpha1.AuthSession, error) {
	return nil, store.ErrNotFound
}

// Room is always there: that nothing is taken shows when it comes to it.
func (emptySessions) Room(context.Context, keys.Tenant, store.Owner, store.Bounds) error { return nil }

func (emptySessions) OfTenant(context.Context, keys.Tenant) iter.Seq2[*v1alpha1.AuthSession, error] {
	return func(func(*v1alpha1.AuthSession, error) bool) {}
}

func (emptySessions) OfSubject(context.Context, keys.Tenant, string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return func(func(*v1alpha1.AuthSession, error) bool) {}
}

func (emptySessions) ByID(context.Context, keys.Tenant, string) ([]*v1alpha1.AuthSession, error) {
	return nil, nil
}

// memoryTenant is a tenant whose API server holds nothing and takes nothing.
func memoryTenant(t testing.TB) *tenant {
	t.Helper()
	h := openTenant(t, &world{directory: directory.New()}, "memory", func(c *issuing.Config) {
		c.Store, c.Live, c.Sessions = away{}, emptyLive{}, emptySessions{}
	})
	h.openAccounts(emptyUsers{})
	h.serve(logr.Discard())
	return h
}

func (emptyLive) UserBySubject(context.Context, string, string) (*v1alpha1.AuthUser, error) {
	return nil, store.ErrNotFound
}

// emptyUsers is an API server that has no users and lets nobody make any.
type emptyUsers struct{ accounts.Store }

func (emptyUsers) User(context.Context, string, string) (*v1alpha1.AuthUser, error) {
	return nil, store.ErrNotFound
}

func (emptyUsers) CreateUser(context.Context, *v1alpha1.AuthUser) error { return store.ErrForbidden }

// FuzzRequest sends whole requests through the server. Whatever is in them, the answer is one that
// the contract knows, and none of them is an error of ours.
func FuzzRequest(f *testing.F) {
	h := memoryTenant(f)
	jwt := h.jwt(tokens.Wazo)
	f.Add("POST", "token", "", `{"expiration": "10"}`, "application/json", "Basic YWxpY2U6eA==")
	f.Add("POST", "token", "", `{"client_id": "x", "refresh_token": "y"}`, "", "")
	f.Add("POST", "token", "", `a=b`, "application/x-www-form-urlencoded", "")
	f.Add("GET", "token/"+jwt, "scope=confd.a&tenant=x", "", "", "")
	f.Add("HEAD", "token/88204f50-0fe8-4163-a90f-9ff867468997", "scope=%", "", "", "")
	f.Add("DELETE", "token/none", "", "", "", "")
	f.Add("POST", "token/"+jwt+"/scopes/check", "", `{"scopes": ["a"], "tenant_uuid": "x"}`, "", "")
	f.Add("PUT", "token/../x", "", "", "", "")
	caller := h.caller("#")
	f.Add("GET", "tokens", "order=client_id&direction=desc&limit=1&offset=0&search=x&mobile=true&recurse=True", "", "", "")
	f.Add("GET", "users/me/tokens", "limit=-1", "", "", "")
	f.Add("DELETE", "users/"+subject+"/tokens/a.b", "", "", "", "")
	f.Add("GET", "tenants", "name=master", "", "", "")
	f.Add("HEAD", "status", "", "", "", "")
	f.Add("POST", "users", "", `{"username": "x", "email_address": "a@b", "enabled": true}`, "", "")
	f.Add("DELETE", "users/"+subject, "", "", "", "")
	f.Add("GET", "users/me/sessions", "order=mobile", "", "", "")
	f.Add("DELETE", "users/"+subject+"/sessions/"+subject, "", "", "", "")
	f.Add("GET", "users", "search=a&order=lastname&enabled=true", "", "", "")
	f.Add("PUT", "users/"+bobSubject, "", `{"username": "x", "enabled": false, "purpose": "internal", "firstname": null}`, "", "")
	f.Add("PUT", "users/"+bobSubject+"/password", "", `{"old_password": "x", "new_password": "y"}`, "", "")
	f.Fuzz(func(t *testing.T, method, path, query, body, contentType, authorization string) {
		if method == http.MethodDelete && strings.Contains(path, jwt) {
			t.Skip("it would have to be remembered, and there is nowhere to")
		}
		got := h.in(t).record(&http.Request{
			Method:        method,
			URL:           &url.URL{Path: "/0.1/" + path, RawQuery: query},
			Header:        http.Header{"Content-Type": {contentType}, "Authorization": {authorization}, "X-Auth-Token": {caller}},
			Body:          io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)),
			RemoteAddr:    "192.0.2.1:4711",
		})
		if !slices.Contains([]int{200, 204, 400, 401, 403, 404, 405, 409, 413, 429}, got.status) {
			t.Errorf("%s is answered with %d %s", method, got.status, got.body)
		}
		if method == http.MethodHead || got.status == http.StatusNoContent {
			if got.body != "" {
				t.Errorf("a body: %s", got.body)
			}
			return
		}
		if !json.Valid([]byte(got.body)) {
			t.Errorf("no JSON: %s", got.body)
		}
	})
}

// FuzzUser reads whatever may be sent about a user: it is refused with a 400 that names no value, or it is
// a user that the API server takes.
func FuzzUser(f *testing.F) {
	f.Add(`{"username": "carol", "firstname": "a", "lastname": null, "purpose": "user", "enabled": true, "email_address": "a@b", "password": "x", "uuid": "` + subject + `"}`)
	f.Add(`{"username": 1e9, "enabled": null}`)
	f.Add(`{"old_password": "", "new_password": "\ud800"}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, err := parseMembers([]byte(body))
		if err != nil {
			return
		}
		_, profileErr := parseProfile(m)
		_, userErr := parseNewUser(m)
		_, _, passwordErr := parsePasswords(m)
		for _, err := range []error{profileErr, userErr, passwordErr} {
			if p, ok := err.(*problem); err != nil && (!ok || p.status != http.StatusBadRequest || p.resource != "users") { //nolint:errorlint // it is returned as it is
				t.Errorf("%#v", err)
			}
		}
	})
}
