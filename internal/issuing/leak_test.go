package issuing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// everyText prints an error in all the ways a log might, with what it wraps.
func everyText(err error) string {
	var all strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&all, "%v\n%+v\n%#v\n%q\n", err, err, err, err)
	}
	return all.String()
}

// TestNoErrorHoldsACredential makes every refusal it can think of while the real credentials, and
// wrong ones, are about.
func TestNoErrorHoldsACredential(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken()), app())
	issued := login(t, x.Tenant, issuing.Wish{})
	access, refreshToken := issued.AccessToken.Reveal(), issued.RefreshToken.Reveal()
	presented := redemption(code(t, x.Tenant, asking()))
	if _, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), presented, issuing.Wish{}); err != nil {
		t.Fatal(err)
	}
	canaries := []string{presented.Code.Reveal(), verifier, password, clientSecret, "canary-wrong", access, refreshToken, access[strings.LastIndexByte(access, '.'):], refreshToken[strings.LastIndexByte(refreshToken, '.'):]}
	service, ctx := x.Service, t.Context()
	c := authenticated(t, x.Tenant, "billing")
	wrong := asAlice()
	wrong.Password = sensitive.New("canary-wrong")

	refusals := map[string]func() error{
		"a wrong secret": func() error {
			_, err := service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{ClientID: "billing", Secret: sensitive.New("canary-wrong")})
			return err
		},
		"a wrong password": func() error {
			_, err := service.PasswordGrant(ctx, c, wrong, "", issuing.Wish{})
			return err
		},
		"a scope too much": func() error {
			_, err := service.PasswordGrant(ctx, c, asAlice(), "", issuing.Wish{Scopes: []string{"stock:read"}})
			return err
		},
		"a code that was used": func() error {
			_, err := service.CodeGrant(ctx, public(t, x.Tenant), presented, issuing.Wish{})
			return err
		},
		"a code one bit off": func() error {
			off := presented
			off.Code = sensitive.New(flip(presented.Code.Reveal()))
			_, err := service.CodeGrant(ctx, public(t, x.Tenant), off, issuing.Wish{})
			return err
		},
		"a verifier one bit off": func() error {
			off := presented
			off.Verifier = sensitive.New(flip(verifier))
			_, err := service.CodeGrant(ctx, public(t, x.Tenant), off, issuing.Wish{})
			return err
		},
		"a wrong password on the page": func() error {
			a, err := service.Authorize(x.Namespace, asking())
			if err != nil {
				t.Fatal(err)
			}
			_, err = service.LogIn(ctx, a, wrong)
			return err
		},
		"a refresh token one bit off": func() error {
			_, err := service.RefreshGrant(ctx, c, flip(refreshToken), issuing.Wish{})
			return err
		},
		"a refresh token with a scope too much": func() error {
			_, err := service.RefreshGrant(ctx, c, refreshToken, issuing.Wish{Scopes: []string{"stock:read"}})
			return err
		},
		"an access token as a refresh token": func() error {
			_, err := service.RefreshGrant(ctx, c, access, issuing.Wish{})
			return err
		},
		"a refresh token as an access token": func() error {
			_, err := service.Check(ctx, x.Namespace, refreshToken)
			return err
		},
		"an access token one bit off": func() error {
			_, err := service.Check(ctx, x.Namespace, flip(access))
			return err
		},
		"an access token that was revoked": func() error {
			x.Put(gen.TokenRevocation(issued.Access.ID, issued.Access.ExpiresAt))
			_, err := service.Check(ctx, x.Namespace, access)
			return err
		},
		"a foreign tenant": func() error {
			_, err := service.Check(ctx, "elsewhere", access)
			return err
		},
	}
	for name, refuse := range refusals {
		search(t, name, refuse(), canaries)
	}

	x.Remove(soleLogin(t, x))
	x.Cut()
	outage := map[string]func() error{
		"a login without the API server": func() error {
			_, err := service.PasswordGrant(ctx, c, asAlice(), "", issuing.Wish{})
			return err
		},
		"a refresh without the API server": func() error {
			_, err := service.RefreshGrant(ctx, c, refreshToken, issuing.Wish{})
			return err
		},
	}
	for name, refuse := range outage {
		search(t, name, refuse(), canaries)
	}
}

func search(t *testing.T, what string, err error, canaries []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: granted, want a refusal", what)
	}
	for _, canary := range canaries {
		if text := everyText(err); strings.Contains(text, canary) {
			t.Errorf("%s: the error holds a credential: %q", what, text)
		}
	}
}

// soleLogin is the one grant that the endpoint made for a password.
func soleLogin(t *testing.T, x *tenant.OnAPIServer) client.Object {
	t.Helper()
	for _, grant := range x.Grants(t) {
		if grant.Spec.Login != nil && grant.Spec.Login.CodeExpiresAt == nil {
			x.AwaitVersion(t, &grant)
			return &grant
		}
	}
	t.Fatal("the endpoint made no grant")
	return nil
}

func TestWhatIsIssuedPrintsNoToken(t *testing.T) {
	t.Parallel()
	x := team(t, gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken()))
	issued := refresh(t, x, delivered(t, x, "nightly"))
	text := fmt.Sprintf("%v %+v %#v", issued, issued, issued)
	for _, token := range []sensitive.String{issued.AccessToken, issued.RefreshToken} {
		if strings.Contains(text, token.Reveal()) {
			t.Error("a printed answer holds its token")
		}
	}
	presented := issuing.ClientAuthentication{ClientID: "billing", Secret: sensitive.New(clientSecret), Method: v1alpha1.ClientAuthenticationSecretBasic}
	if text := fmt.Sprintf("%v %+v %#v", presented, presented, asAlice()); strings.Contains(text, "canary") {
		t.Errorf("printed credentials hold a secret: %s", text)
	}
}
