package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/redis"
)

const (
	userPassword  = "open sesame too"
	storePassword = "canary-store-password-03d7"
)

// storeOutage is how long the session store is away.
const storeOutage = 10 * time.Second

// TestWhileTheSessionStoreIsAwayNoSessionCounts stops and starts the Redis server beneath two replicas,
// with TLS and a password, in the midst of logins and checks.
func TestWhileTheSessionStoreIsAwayNoSessionCounts(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, redis.Options{TLS: true, Password: storePassword})
	s := newSite(t, "sessions")
	s.options.Flags = append(s.options.Flags, "--session-store="+server.URL, "--session-store-password-file="+server.PasswordFile, "--session-store-ca="+server.CAFile)
	s.populate(t, s.tenant())
	s.apply(t, gen.In(s.tenant(), gen.PasswordSecret("bob", userPassword)), gen.In(s.tenant(), gen.AuthUser("bob", gen.Password(), gen.UserScopes("#"))))
	first, second := s.start(t), s.start(t)
	delivered := grant(s.tenant(), "delivered", gen.DeliversRefreshToken())
	s.apply(t, delivered)
	awaitReady(t, delivered)
	secret := secretOf(t, delivered)
	here, there := newCaller(t, secret, first, ""), newCaller(t, secret, second, "")
	awaitLogin(t, here)

	before, status := here.login(t.Context())
	if got := there.head(t.Context(), before); status != http.StatusOK || got != http.StatusNoContent {
		t.Fatalf("a login is answered %d, its token at the other replica %d", status, got)
	}
	server.Stop()
	asked := deniesAll(t, here, before, func(ctx context.Context) error {
		if err := here.refresh(ctx, secret); err != nil {
			return err
		}
		return operator.Ready(ctx, first.URL)
	})
	server.Restart(t)
	restored := time.Now()
	awaitLogin(t, here)
	awaitLogin(t, there)
	recovery := since(restored)
	if got := here.head(t.Context(), before); got != http.StatusNotFound {
		t.Errorf("the token of a session that is lost is answered %d", got)
	}
	s.endsWithTheUser(t, here, there)

	if sessions := listed(t, v1alpha1.GroupVersion.WithKind("AuthSessionList"), s.tenant()); len(sessions) > 0 {
		t.Errorf("there are %d AuthSessions, want none", len(sessions))
	}
	for _, path := range s.logs {
		if log, err := os.ReadFile(path); err != nil || strings.Contains(string(log), storePassword) {
			t.Errorf("the log holds the password of the store, or cannot be read: %v", err)
		}
	}
	if recovery > 10*time.Second {
		t.Errorf("logins went on after %s, want at most 10s", recovery)
	}
	figure(t, "session store away: requests, all denied, in 10s", asked)
	figure(t, "session store away: until logins went on at both replicas (at most 10s)", recovery)
}

// deniesAll asks for what needs a session until the outage is over: each answer is 503. What needs none
// goes on.
func deniesAll(t *testing.T, c *caller, token string, goesOn func(context.Context) error) (asked int) {
	t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(storeOutage); time.Now().Before(end); <-ticker.C {
		_, login := c.login(t.Context())
		for what, status := range map[string]int{"a login": login, "a check": c.head(t.Context(), token)} {
			if status != http.StatusServiceUnavailable {
				t.Fatalf("%s while the store is away is answered %d", what, status)
			}
			asked++
		}
		if err := goesOn(t.Context()); err != nil {
			t.Fatalf("what needs no session: %v", err)
		}
	}
	return asked
}

// endsWithTheUser disables bob and enables him again: his sessions are gone for good.
func (s *site) endsWithTheUser(t *testing.T, here, there *caller) {
	t.Helper()
	token, _ := here.login(t.Context())
	set := func(state v1alpha1.UserState) {
		bob := gen.In(s.tenant(), gen.AuthUser("bob"))
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec": {"state": %q}}`, state))
		if err := admin.Patch(t.Context(), bob, patch); err != nil {
			t.Fatal(err)
		}
	}
	set(v1alpha1.UserStateDisabled)
	for _, c := range []*caller{here, there} {
		eventually(t, func(ctx context.Context) error {
			if status := c.head(ctx, token); status != http.StatusNotFound {
				return fmt.Errorf("the token of a disabled user is answered %d", status)
			}
			return nil
		})
	}
	eventually(t, func(ctx context.Context) error { // the leader ends them a moment later
		set(v1alpha1.UserStateEnabled)
		if _, status := here.login(ctx); status != http.StatusOK {
			return fmt.Errorf("a login is answered %d", status)
		}
		if status := here.head(ctx, token); status != http.StatusNotFound {
			set(v1alpha1.UserStateDisabled)
			return fmt.Errorf("the token of before is answered %d", status)
		}
		return nil
	})
}

// login is a wazo login of bob's: the token, or the status of the refusal.
func (c *caller) login(ctx context.Context) (token string, status int) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/0.1/token", strings.NewReader("{}"))
	if err != nil {
		return "", 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.SetBasicAuth("bob", userPassword)
	response, err := c.http.Do(request)
	if err != nil {
		return "", 0
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data struct{ Token string } `json:"data"`
	}
	_ = json.NewDecoder(response.Body).Decode(&answer) // a refusal has no token
	return answer.Data.Token, response.StatusCode
}

// head checks a token as a wazo service does.
func (c *caller) head(ctx context.Context, token string) (status int) {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, c.base+"/0.1/token/"+token, nil)
	if err != nil {
		return 0
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// awaitLogin waits until bob can log in.
func awaitLogin(t *testing.T, c *caller) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		if _, status := c.login(ctx); status != http.StatusOK {
			return fmt.Errorf("a login is answered %d", status)
		}
		return nil
	})
}
