package wazo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew: the bytes are final, so think first")

// golden compares an answer, its body indented, with testdata/<name>.golden.
func golden(t *testing.T, name string, got reply) {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintln(&text, got.status, http.StatusText(got.status))
	for _, revoked := range got.header["Wazo-Sessions-Revoked"] {
		fmt.Fprintln(&text, "Wazo-Sessions-Revoked:", revoked)
	}
	if err := json.Indent(&text, []byte(got.body), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, got.body)
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// goldenTenant is a tenant whose namespace, which goes into refresh tokens, has always the same name.
// It starts empty, however often the test runs.
func goldenTenant(t *testing.T) *tenant {
	t.Helper()
	w, err := theWorld()
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "golden"}}
	if err := w.client.Create(t.Context(), namespace); client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
	for _, kind := range []client.Object{&v1alpha1.AuthSession{}, &v1alpha1.RefreshTokenGrant{}, &v1alpha1.AuthUser{}, &corev1.Secret{}} {
		if err := w.client.DeleteAllOf(t.Context(), kind, client.InNamespace("golden")); err != nil {
			t.Fatal(err)
		}
	}
	h := openTenant(t, w, "golden")
	h.await(func(context.Context) error {
		if grants, sessions := len(h.rows().GrantNames()), len(h.rows().SessionsOfSubject(subject)); grants+sessions > 0 {
			return fmt.Errorf("%d grants and %d sessions of an earlier run", grants, sessions)
		}
		if _, ok := h.rows().UserByLogin("carol"); ok {
			return errors.New("a user of an earlier run")
		}
		return nil
	})
	return h
}

// TestAnswers holds the bodies to the byte. Tokens and ids come from a fixed stream of randomness,
// and a fixed keyring in a namespace of a fixed name.
func TestAnswers(t *testing.T) {
	t.Parallel()
	h := goldenTenant(t)
	h.put(user("pbx", func(u *v1alpha1.AuthUser) {
		u.Spec.Subject = "0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e"
		u.Spec.Purpose = v1alpha1.PurposeExternalAPI
		u.Spec.Scopes = nil
	}))

	online := h.login(`{}`, "User-Agent", `phone "é" <b&c>`)
	golden(t, "login-online", online)
	offline := h.login(`{"access_type": "offline", "client_id": "desk phone", "expiration": 3600}`, "User-Agent", "curl/8.5.0", "Wazo-Session-Type", "mobile")
	golden(t, "login-offline", offline)
	golden(t, "login-external-api", h.do("POST", "/0.1/token", `{}`, "User-Agent", "", "Authorization", basic("pbx:"+password)))
	refresh := `{"client_id": "desk phone", "expiration": 60, "refresh_token": "` + h.token(offline).RefreshToken + `"}`
	golden(t, "refresh", h.do("POST", "/0.1/token", refresh, "User-Agent", "curl/8.5.0"))

	token := "/0.1/token/" + h.token(online).Token
	golden(t, "get", h.do("GET", token, ""))
	golden(t, "scopes-check", h.do("POST", token+"/scopes/check", `{"scopes": ["calls.my_session.update", "confd.users.root.read", "a<b>&\"c"]}`))
	golden(t, "delete", h.do("DELETE", token, ""))
	golden(t, "get-lacks-scope", h.do("GET", "/0.1/token/"+h.token(offline).Token+"?scope=confd.users.root.read", ""))
	golden(t, "get-unknown", h.do("GET", "/0.1/token/none", ""))
	golden(t, "login-failed", h.do("POST", "/0.1/token", `{}`))
	golden(t, "login-invalid", h.login(`{"expiration": 0}`))
	golden(t, "login-malformed", h.login(`{`))
	golden(t, "no-route", h.do("GET", "/0.1/nowhere", ""))

	h.awaitRefreshTokens("tokens", "desk phone")
	golden(t, "refresh-tokens", h.call("GET", "users/me/tokens", ""))
	golden(t, "refresh-tokens-invalid", h.call("GET", "tokens?limit=-1", ""))
	golden(t, "refresh-token-unknown", h.call("DELETE", "users/me/tokens/none", ""))
	golden(t, "user-unknown", h.call("GET", "users/88204f50-0fe8-4163-a90f-9ff867468997/tokens", ""))
	golden(t, "unauthorized", h.do("GET", "/0.1/tokens", "", "X-Auth-Token", "none"))
	golden(t, "tenants", h.call("GET", "tenants", ""))
	golden(t, "backends", h.do("GET", "/0.1/backends", ""))
	h.awaitSessions("sessions?mobile=true", h.token(offline).SessionUUID)
	golden(t, "sessions", h.call("GET", "sessions?mobile=true", ""))
}

// TestUserAnswers does the same for what is told about users.
func TestUserAnswers(t *testing.T) { //nolint:paralleltest // TestAnswers has the same namespace
	h := goldenTenant(t)
	const id = "users/0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e"
	golden(t, "user-created", h.call("POST", "users", `{
		"uuid": "0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e", "username": "carol", "firstname": "Zoé", "purpose": "external_api",
		"email_address": "carol@example.com", "password": "x"}`))
	golden(t, "user-conflict", h.call("POST", "users", `{"email_address": "Carol@example.com"}`))
	golden(t, "user-invalid", h.call("POST", "users", `{"username": "a:b"}`))
	golden(t, "user-replaced", h.call("PUT", id, `{"username": "Carol", "enabled": false}`))
	golden(t, "users", h.call("GET", "users?username=Carol", ""))
	golden(t, "password-wrong", h.call("PUT", id+"/password", `{"old_password": "wrong", "new_password": "y"}`))
}
