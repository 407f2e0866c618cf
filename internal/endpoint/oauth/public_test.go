package oauth_test

import (
	"net/http"
	"testing"

	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestWhatAPublicClientMayDo holds what the answers are on the wire; what rotates is package issuing's.
func TestWhatAPublicClientMayDo(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.Put(gen.AuthClient("app", gen.PublicClient(), gen.GrantTypes()))
	tests := map[string]struct {
		request    request
		wantStatus int
		wantError  string
	}{
		"its refresh token has to be good": {
			request{form: form("grant_type", "refresh_token", "client_id", "app", "refresh_token", "made up")},
			http.StatusBadRequest, "invalid_grant",
		},
		"it gets nothing for itself": {
			request{form: form("grant_type", "client_credentials", "client_id", "app")},
			http.StatusBadRequest, "unauthorized_client",
		},
		"it logs nobody in": {
			request{form: form("grant_type", "password", "client_id", "app", "username", "alice", "password", "x")},
			http.StatusBadRequest, "unauthorized_client",
		},
		"it may give a token back": {
			request{path: "/revoke", form: form("client_id", "app", "token", "made up")}, http.StatusOK, "",
		},
		"it may not ask about one": {
			request{path: "/introspect", form: form("client_id", "app", "token", "made up")},
			http.StatusUnauthorized, "invalid_client",
		},
		"a secret makes it no other client": {
			request{form: form("grant_type", "refresh_token", "client_id", "app", "client_secret", "any", "refresh_token", "made up")},
			http.StatusUnauthorized, "invalid_client",
		},
		"a client that has a secret must prove it": {
			request{form: form("grant_type", "client_credentials", "client_id", "billing")},
			http.StatusUnauthorized, "invalid_client",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.send(t, tc.request)
			if answer.Code != tc.wantStatus {
				t.Errorf("answered %d, want %d", answer.Code, tc.wantStatus)
			}
			if tc.wantError != "" && field(t, answer.Body.Bytes(), "error") != tc.wantError {
				t.Errorf("answered %s, want %s", answer.Body, tc.wantError)
			}
		})
	}
}
