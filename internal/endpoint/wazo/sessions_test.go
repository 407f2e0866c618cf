package wazo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// sessions lists the sessions at a path.
func (h *tenant) sessions(path string) []sessionItem {
	h.Helper()
	got := h.call("GET", path, "")
	if got.status != http.StatusOK {
		h.Fatalf("%d %s", got.status, got.body)
	}
	var answer page[sessionItem]
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		h.Fatal(err)
	}
	return answer.Items
}

// awaitSessions waits until the directory knows of these.
func (h *tenant) awaitSessions(path string, want ...string) {
	h.Helper()
	slices.Sort(want)
	h.await(func(context.Context) error {
		var ids []string
		for _, session := range h.sessions(path) {
			ids = append(ids, session.UUID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, want) {
			return fmt.Errorf("%s lists %q, want %q", path, ids, want)
		}
		return nil
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	online, mobile := h.token(h.login(`{}`)), h.token(h.login(`{}`, "Wazo-Session-Type", "mobile"))
	other := h.token(h.do("POST", "/0.1/token", `{}`, "Authorization", basic("bob:"+password)))
	h.awaitSessions("sessions", online.SessionUUID, mobile.SessionUUID, other.SessionUUID)
	h.awaitSessions("users/me/sessions", online.SessionUUID, mobile.SessionUUID)
	h.awaitSessions("users/"+bobSubject+"/sessions", other.SessionUUID)
	h.awaitSessions("sessions?mobile=true", mobile.SessionUUID)
	h.awaitSessions("sessions?limit=1&order=mobile&direction=desc", mobile.SessionUUID)
	want := sessionItem{UUID: other.SessionUUID, TenantUUID: h.jwtTenant(), UserUUID: bobSubject}
	if got := h.sessions("users/" + bobSubject + "/sessions"); got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	for _, path := range []string{"sessions?order=created_at", "users/me/sessions?limit=x"} {
		if got := h.call("GET", path, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"resource":"users"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	const nobody = "88204f50-0fe8-4163-a90f-9ff867468997"
	unknown := apiError{Message: "No such user", ErrorID: "unknown-user", Details: uuidDetails{nobody}, Resource: "users"}
	wantAPIProblem(t, h.call("GET", "users/"+nobody+"/sessions", ""), http.StatusNotFound, unknown)
	wantAPIProblem(t, h.call("DELETE", "users/"+nobody+"/sessions/"+online.SessionUUID, ""), http.StatusNotFound, unknown)
}

// A session that is deleted takes its token with it, at once, and the refresh token stays. To delete it
// again is as good.
func TestDeleteSession(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	first, second, third := h.offline("phone"), h.token(h.login(`{}`)), h.token(h.login(`{}`))
	for token, path := range map[string]string{
		first.Token:  "sessions/" + first.SessionUUID,
		second.Token: "users/me/sessions/" + strings.ToUpper(second.SessionUUID),
		third.Token:  "users/" + subject + "/sessions/" + third.SessionUUID,
	} {
		id := path[strings.LastIndex(path, "/")+1:]
		h.await(func(context.Context) error {
			if slices.ContainsFunc(h.sessions("sessions"), func(s sessionItem) bool { return strings.EqualFold(s.UUID, id) }) {
				return nil
			}
			return fmt.Errorf("the session %s is not listed", id)
		})
		for range 2 {
			if got := h.call("DELETE", path, ""); got.status != http.StatusNoContent || got.body != "" {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		if got := h.do("HEAD", "/0.1/token/"+token, ""); got.status != http.StatusNotFound {
			t.Errorf("the token of %s: %d", path, got.status)
		}
	}
	if got := h.refresh("phone", first.RefreshToken); got.status != http.StatusOK {
		t.Errorf("the refresh token: %d %s", got.status, got.body)
	}
	if got := h.call("DELETE", "sessions/88204f50-0fe8-4163-a90f-9ff867468997", ""); got.status != http.StatusNoContent {
		t.Errorf("a session that was never there: %d %s", got.status, got.body)
	}
}

// Nobody ends a session through the address of another user.
func TestDeleteAnothersSession(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	other := h.token(h.do("POST", "/0.1/token", `{}`, "Authorization", basic("bob:"+password)))
	h.awaitSessions("sessions", other.SessionUUID)
	for _, owner := range []string{"me", subject} {
		got := h.call("DELETE", "users/"+owner+"/sessions/"+other.SessionUUID, "")
		wantAPIProblem(t, got, http.StatusNotFound, apiError{
			Message: "No such session", ErrorID: "unknown-session", Details: uuidDetails{other.SessionUUID}, Resource: "sessions",
		})
	}
	if got := h.do("HEAD", "/0.1/token/"+other.Token, ""); got.status != http.StatusNoContent {
		t.Errorf("the token: %d", got.status)
	}
}
