package wazo

import (
	"net/http"
	"testing"
)

// TestADisabledUsersTokensStayDead when the user is enabled again, and the refresh token of a login is good
// again. Nothing sweeps here.
func TestADisabledUsersTokensStayDead(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "open sesame"}`))
	held := h.token(h.do("POST", "/0.1/token", `{"access_type": "offline", "client_id": "phone"}`, "Authorization", basic("carol:open sesame")))
	refresh := func(want int) {
		t.Helper()
		got := h.do("POST", "/0.1/token", `{"client_id": "phone", "refresh_token": "`+held.RefreshToken+`"}`)
		if got.status != want {
			t.Errorf("a refresh: %d, want %d", got.status, want)
		}
	}
	h.wantStatus(http.StatusNoContent, held.Token)
	refresh(http.StatusOK)
	for _, enabled := range []string{"false", "true"} {
		if got := h.call("PUT", "users/"+made.UUID, `{"username": "carol", "enabled": `+enabled+`}`); got.status != http.StatusOK {
			t.Fatalf("enabled: %s: %d %s", enabled, got.status, got.body)
		}
		h.wantStatus(http.StatusNotFound, held.Token)
		if enabled == "false" {
			refresh(http.StatusUnauthorized)
		}
	}
	refresh(http.StatusOK)
}
