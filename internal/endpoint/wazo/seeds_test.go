package wazo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
)

// The calls of wazo's own tutorials, as curl sends them.
func TestTutorials(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	const path = "/api/auth/0.1/token"
	curl := []string{"Content-Type", "application/json", "User-Agent", "curl/8.5.0", "Accept", "*/*"}
	user := append(curl, "Authorization", basic("alice:"+password))

	online := h.token(h.do("POST", path, `{"expiration": 3600}`, user...))
	if online.UTCExpiresAt != "2026-05-04T11:30:00.000000" || online.RefreshToken != "" {
		t.Errorf("%+v", online)
	}
	offline := h.token(h.do("POST", path, `{"client_id": "example", "access_type": "offline"}`, user...))
	if offline.RefreshToken == "" {
		t.Fatal("there is no refresh token")
	}
	next := h.token(h.do("POST", path, `{"expiration": 3600, "client_id": "example", "refresh_token": "`+offline.RefreshToken+`"}`, curl...))
	if next.RefreshToken != "" {
		t.Error("a refresh token can only be made with a password")
	}
	uuid4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, token := range []string{online.Token, offline.Token, next.Token} {
		if !uuid4.MatchString(token) {
			t.Errorf("the token %q is no UUID of version 4", token)
		}
		if got := h.do("HEAD", path+"/"+token, ""); got.status != http.StatusNoContent {
			t.Errorf("the token is answered with %d", got.status)
		}
	}
	wrong := `{"client_id": "example", "refresh_token": "` + online.Token + `"}`
	wantProblem(t, h.do("POST", path, wrong, curl...), http.StatusUnauthorized, "Authentication Failed")

	// A refresh token in X-Auth-Token is always a 401, and it works until it is explicitly deleted.
	const own = "/api/auth/0.1/users/me/tokens"
	if got := h.do("GET", own, "", "X-Auth-Token", offline.RefreshToken); got.status != http.StatusUnauthorized {
		t.Errorf("a refresh token as an access token: %d %s", got.status, got.body)
	}
	h.awaitRefreshTokens("users/me/tokens", "example")
	if got := h.do("DELETE", own+"/example", "", "X-Auth-Token", next.Token); got.status != http.StatusNoContent {
		t.Errorf("the deletion: %d %s", got.status, got.body)
	}
	h.awaitSessions("users/me/sessions", online.SessionUUID)
	if got := h.do("DELETE", "/api/auth/0.1/users/me/sessions/"+online.SessionUUID, "", "X-Auth-Token", h.caller("auth.users.me.#")); got.status != http.StatusNoContent {
		t.Errorf("the deletion of a session: %d %s", got.status, got.body)
	}
	if got := h.do("GET", own, "", "X-Auth-Token", online.Token); got.status != http.StatusUnauthorized {
		t.Errorf("the token of a session that is gone: %d %s", got.status, got.body)
	}
	again := `{"expiration": 3600, "client_id": "example", "refresh_token": "` + offline.RefreshToken + `"}`
	wantProblem(t, h.do("POST", path, again, curl...), http.StatusUnauthorized, "Authentication Failed")
}

// What POST tells about a token, GET tells too, but for the refresh token.
func TestGetTellsWhatPostTold(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	posted := h.login(`{"client_id": "example", "access_type": "offline"}`, "User-Agent", "curl/8.5.0")
	token := h.token(posted)
	body := []byte(h.do("GET", "/0.1/token/"+token.Token, "").body)
	var want, got map[string]map[string]any
	if err := json.Unmarshal([]byte(posted.body), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	delete(want["data"], "refresh_token")
	wanted, _ := json.Marshal(want)
	gotten, _ := json.Marshal(got)
	if !bytes.Equal(wanted, gotten) {
		t.Errorf("got %s, want %s", gotten, wanted)
	}
}
