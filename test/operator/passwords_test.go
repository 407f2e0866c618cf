package operator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// Hashes of movedPassword that other programs have made.
const (
	movedPassword = "canary-moved-4be1a9"
	bcryptOf      = "$2b$05$abcdefghijklmnopqrstuujbxV5DPOP/ZuRrm7qwvH7ahkenIktia"
	wazoAuthOf    = "$wazo-auth$250000$" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f$" +
		"f16df4d9cbdaab5de6eae07ca7e34082551752965332c88a3fa9f54860401fab99b6e22a54e01e4c2f65428e252d32b803f4761e18b22443c2342238c79898b8"
	passlibOf = "$pbkdf2-sha512$25000$MDEyMzQ1Njc4OWFiY2RlZg$" +
		"8Kv.D8pqV8he4QO/UdrTZX5AG44fDhtdF3xR2seOflwWPspllTKcSOSKjIwfHP9htk1mMlIoSZTHA09IP4yrGw"
)

// person logs in at one replica, in both dialects.
type person struct {
	*caller
	client, secret, login string
}

// personAt is a user of a tenant where wazo is spoken, with a client that may do everything.
func personAt(t *testing.T, s *scene, user *v1alpha1.AuthUser) *person {
	t.Helper()
	c, g := s.client(gen.EveryGrantType()), s.grant()
	s.apply(t, c, g)
	awaitReady(t, user, c, g)
	made := secretNamed(t, s.namespace, c.Spec.Secret.Generate.SecretName)
	return &person{caller: newCaller(t, secretOf(t, g)), client: c.Name, secret: string(made.Data[v1alpha1.KeyClientSecret]), login: user.Name}
}

// loggedIn is what a login gives.
type loggedIn struct{ access, refresh string }

func (p *person) oauth(t *testing.T, password string) (status int, got loggedIn) {
	t.Helper()
	return p.token(t, url.Values{"grant_type": {"password"}, "username": {p.login}, "password": {password}})
}

func (p *person) oauthRefresh(t *testing.T, token string) (status int) {
	t.Helper()
	status, _ = p.token(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	return status
}

func (p *person) token(t *testing.T, form url.Values) (status int, got loggedIn) {
	t.Helper()
	status, answer := p.send(t, http.MethodPost, "/token", p.client, p.secret, "application/x-www-form-urlencoded", form.Encode())
	if status == http.StatusOK {
		got = loggedIn{answer["access_token"].(string), answer["refresh_token"].(string)}
	}
	return status, got
}

func (p *person) wazo(t *testing.T, password string) (status int, got loggedIn) {
	t.Helper()
	body := `{"backend": "wazo_user", "access_type": "offline", "client_id": "desk-phone", "expiration": 600}`
	status, answer := p.send(t, http.MethodPost, "/api/auth/0.1/token", p.login, password, "application/json", body)
	if status == http.StatusOK {
		data := answer["data"].(map[string]any)
		got = loggedIn{data["token"].(string), data["refresh_token"].(string)}
	}
	return status, got
}

func (p *person) wazoRefresh(t *testing.T, token string) (status int) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"refresh_token": token, "client_id": "desk-phone"})
	if err != nil {
		t.Fatal(err)
	}
	status, _ = p.send(t, http.MethodPost, "/api/auth/0.1/token", "", "", "application/json", string(body))
	return status
}

// isGood asks for an access token of either dialect.
func (p *person) isGood(t *testing.T, token loggedIn, inWazo bool) bool {
	t.Helper()
	if inWazo {
		status, _ := p.send(t, http.MethodGet, "/api/auth/0.1/token/"+token.access, "", "", "application/json", "")
		return status == http.StatusOK
	}
	form := url.Values{"token": {token.access}}
	answer := p.call(t, http.MethodPost, "/introspect", p.client, p.secret, "application/x-www-form-urlencoded", form.Encode(), http.StatusOK)
	return answer["active"] == true
}

// wantLogins wants a password to be good, or not to be, in both dialects.
func (p *person) wantLogins(t *testing.T, what, password string, good bool) (oauth, wazo loggedIn) {
	t.Helper()
	var statuses [2]int
	statuses[0], oauth = p.oauth(t, password)
	statuses[1], wazo = p.wazo(t, password)
	want := [2]int{http.StatusOK, http.StatusOK}
	if !good {
		want = [2]int{http.StatusBadRequest, http.StatusUnauthorized}
	}
	if statuses != want {
		t.Errorf("%s: OAuth 2.0 and wazo answer %v, want %v", what, statuses, want)
	}
	return oauth, wazo
}

func TestALoginByAHashFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, hash := range map[string]string{"bcrypt": bcryptOf, "wazo-auth": wazoAuthOf, "passlib": passlibOf} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plant("the hash by "+name, hash)
			plant("the password behind it", movedPassword)
			s := sceneIn(sharedTenants[0])
			user := s.user(gen.PasswordHash())
			s.apply(t, gen.PasswordSecret(user.Name, hash), user)
			p := personAt(t, s, user)
			p.wantLogins(t, "the password", movedPassword, true)
			p.wantLogins(t, "the hash itself", hash, false)
		})
	}
}

// TestAGeneratedPasswordRotates begins with a Secret that has survived its status, almost a period old.
func TestAGeneratedPasswordRotates(t *testing.T) {
	t.Parallel()
	const ahead, overlap = 8 * time.Second, 25 * time.Second
	s := sceneIn(sharedTenants[0])
	user := s.user(gen.GeneratedPassword("1h", v1alpha1.Duration(overlap.String())))
	rotation := time.Now().UTC().Truncate(time.Second).Add(ahead)
	made := gen.PasswordSecret(user.Name, "what it was is lost")
	made.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialOutput
	made.Annotations = map[string]string{
		v1alpha1.AnnotationGeneratedFor: "AuthUser/" + user.Spec.Subject,
		v1alpha1.AnnotationGeneratedAt:  rotation.Add(-time.Hour).Format(time.RFC3339),
	}
	s.apply(t, made, user)
	p := personAt(t, s, user)
	first := secretNamed(t, s.namespace, made.Name)
	plant("a password that rotates", string(first.Data[v1alpha1.KeyPassword]))
	oauth, wazo := p.wantLogins(t, "the first password", string(first.Data[v1alpha1.KeyPassword]), true)

	second := awaitSecret(t, s.namespace, made.Name, func(now *corev1.Secret) error {
		if got := now.Annotations[v1alpha1.AnnotationGeneratedAt]; got != rotation.Format(time.RFC3339) {
			return fmt.Errorf("the password is that of %s", got)
		}
		return nil
	})
	plant("a password that has rotated", string(second.Data[v1alpha1.KeyPassword]))
	if got, want := second.Annotations[v1alpha1.AnnotationPreviousGeneratedAt], rotation.Add(-time.Hour).Format(time.RFC3339); got != want {
		t.Errorf("the one before is said to be of %q, want %q", got, want)
	}
	// The Secret is written before the endpoint has heard of it.
	eventually(t, "the new password is good", func() bool {
		status, _ := p.oauth(t, string(second.Data[v1alpha1.KeyPassword]))
		return status == http.StatusOK
	})
	p.wantLogins(t, "the second password in the overlap", string(second.Data[v1alpha1.KeyPassword]), true)
	p.wantLogins(t, "the first password in the overlap", string(first.Data[v1alpha1.KeyPassword]), true)
	if !p.isGood(t, oauth, false) || !p.isGood(t, wazo, true) {
		t.Error("a token from the first password has ended with the rotation")
	}
	if late := time.Since(rotation); late > overlap {
		t.Fatalf("this machine is too slow: %s since the rotation", late)
	}

	awaitTime(t, rotation.Add(overlap))
	p.wantLogins(t, "the first password after the overlap", string(first.Data[v1alpha1.KeyPassword]), false)
	p.wantLogins(t, "the second password after the overlap", string(second.Data[v1alpha1.KeyPassword]), true)
	if p.isGood(t, oauth, false) || p.isGood(t, wazo, true) {
		t.Error("a token from the first password has survived the overlap")
	}
	awaitSecret(t, s.namespace, made.Name, func(now *corev1.Secret) error {
		if at, there := now.Annotations[v1alpha1.AnnotationPreviousGeneratedAt]; there {
			return fmt.Errorf("the password of %s is still named", at)
		}
		return nil
	})
	eventually(t, "status tells that it is over", func() bool {
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(user), user); err != nil {
			t.Fatal(err)
		}
		return user.Status.PreviousGeneratedAt == nil
	})
	if !user.Status.GeneratedAt.Time.Equal(rotation) || !user.Status.RotationTime.Time.Equal(rotation.Add(time.Hour)) {
		t.Errorf("status tells %s and %s, want %s and an hour later", user.Status.GeneratedAt, user.Status.RotationTime, rotation)
	}
}

// endOfTokens is how long a changed password may take to reach another replica. The watch takes some
// milliseconds; the rest is for a machine that runs all tests at once.
const endOfTokens = 5 * time.Second

func TestAChangedPasswordEndsItsTokensOnEveryReplica(t *testing.T) {
	t.Parallel()
	release := ownRelease("password")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	options.BaseURL = "https://localhost"
	options.Flags = append(options.Flags, "--serving-names=127.0.0.1")
	s := sceneIn(release.Tenants[0])
	user := s.user(gen.Password())
	secret := gen.PasswordSecret(user.Name, "the old one")
	s.apply(t, secret, user)
	replicas := []*operator.Operator{startReplica(t, options), startReplica(t, options)}
	first := personAt(t, s, user)
	second := *first
	first.caller = &caller{http: first.http, issuer: replicas[0].URL}
	second.caller = &caller{http: first.http, issuer: replicas[1].URL}

	oauth, wazo := first.wantLogins(t, "the old password", "the old one", true)
	applied := loggedIn{access: string(secretNamed(t, s.namespace, s.name("grant")+"-token").Data[v1alpha1.KeyAccessToken])}
	for what, good := range map[string]func() bool{
		"an OAuth 2.0 token": func() bool { return second.isGood(t, oauth, false) },
		"a wazo token":       func() bool { return second.isGood(t, wazo, true) },
		"a grant's token":    func() bool { return second.isGood(t, applied, false) },
	} {
		eventually(t, what+" is good on the other replica", good)
	}

	edit(t, secret, func(secret *corev1.Secret) { fill(secret, "the new one") })
	changed := time.Now()
	for name, p := range map[string]*person{"first": first, "second": &second} {
		eventually(t, "the tokens have ended on the "+name+" replica", func() bool {
			return !p.isGood(t, oauth, false) && !p.isGood(t, wazo, true)
		})
		if took := time.Since(changed); took > endOfTokens {
			t.Errorf("the tokens ended on the %s replica after %s, want at most %s", name, took, endOfTokens)
		}
		if !p.isGood(t, applied, false) {
			t.Errorf("the token of an applied grant has ended on the %s replica", name)
		}
		if status := p.oauthRefresh(t, oauth.refresh); status != http.StatusBadRequest {
			t.Errorf("the OAuth 2.0 refresh token on the %s replica: %d, want %d", name, status, http.StatusBadRequest)
		}
		if status := p.wazoRefresh(t, wazo.refresh); status != http.StatusOK {
			t.Errorf("the wazo refresh token on the %s replica: %d, want %d", name, status, http.StatusOK)
		}
		p.wantLogins(t, "the new password on the "+name+" replica", "the new one", true)
		p.wantLogins(t, "the old password on the "+name+" replica", "the old one", false)
	}
}

// eventually waits for what another process is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	controlplane.Eventually(t, patience, func(context.Context) error {
		if !done() {
			return fmt.Errorf("%s: not yet", what)
		}
		return nil
	})
}
