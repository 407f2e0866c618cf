package issuing_test

import (
	"errors"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	const basic, post = v1alpha1.ClientAuthenticationSecretBasic, v1alpha1.ClientAuthenticationSecretPost
	older := gen.AuthClient("a-twin", gen.ClientID("twin"), func(c *v1alpha1.AuthClient) { c.Status.ClientID = "twin" })
	younger := gen.AuthClient("b-twin", gen.ClientID("twin"))
	tests := map[string]struct {
		clientID string
		secret   string
		method   v1alpha1.ClientAuthentication
		want     issuing.Reason // empty: authenticated
	}{
		"the right secret proves the client":                   {"billing", clientSecret, basic, ""},
		"a client_id need not be the object's name":            {"shop/eu-1", clientSecret, post, ""},
		"a wrong secret proves nothing":                        {"billing", clientSecret + "x", basic, issuing.InvalidClient},
		"no secret proves nothing":                             {"billing", "", basic, issuing.InvalidClient},
		"an unknown client is as good as a wrong secret":       {"unknown", clientSecret, basic, issuing.InvalidClient},
		"an object's name is no client_id where there is one":  {"shop", clientSecret, post, issuing.InvalidClient},
		"a client_id is compared to the letter":                {"Billing", clientSecret, basic, issuing.InvalidClient},
		"a Basic client does not authenticate in the form":     {"billing", clientSecret, post, issuing.InvalidClient},
		"a client of the form does not authenticate by Basic":  {"shop/eu-1", clientSecret, basic, issuing.InvalidClient},
		"a client whose Secret is missing cannot authenticate": {"lost", "", basic, issuing.InvalidClient},
		"the incumbent of a client_id keeps it":                {"twin", clientSecret, basic, ""},
		"the secret of the later twin does not open the first": {"twin", "the younger's", basic, issuing.InvalidClient},
		"a client whose scopes do not compile is not used":     {"broken", clientSecret, basic, issuing.InvalidClient},
	}
	x := team(t,
		gen.AuthClient("shop", gen.ClientID("shop/eu-1"), gen.SecretPost()), gen.ClientSecret("shop", clientSecret),
		gen.AuthClient("lost"),
		gen.AuthClient("broken", gen.ClientScopes("")), gen.ClientSecret("broken", clientSecret),
		older, gen.ClientSecret("a-twin", clientSecret), younger, gen.ClientSecret("b-twin", "the younger's"))
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{
				ClientID: tc.clientID, Secret: sensitive.New(tc.secret), Method: tc.method,
			})
			if tc.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tc.want != "" {
				wantRefusal(t, err, tc.want)
			}
		})
	}
}

func TestGeneratedClientSecretIsTheDerivedOne(t *testing.T) {
	t.Parallel()
	generated := gen.AuthClient("robot", func(c *v1alpha1.AuthClient) {
		c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: "robot"}}
		c.Status.GeneratedAt = gen.Time(tenant.Start)
	})
	edited := gen.InputSecret("robot", v1alpha1.KeyClientSecret, "edited by hand")
	x := team(t, generated, edited)
	c, _ := x.Rows(t).Client("robot")
	derived, _, standing := x.Rows(t).ClientSecrets(c, tenant.Start)
	if !standing.Good() {
		t.Fatalf("no secret: %+v", standing)
	}
	authenticate := func(secret sensitive.String) error {
		_, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{
			ClientID: "robot", Secret: secret, Method: v1alpha1.ClientAuthenticationSecretBasic,
		})
		return err
	}
	if err := authenticate(derived); err != nil {
		t.Errorf("the derived secret is refused: %v", err)
	}
	wantRefusal(t, authenticate(sensitive.New("edited by hand")), issuing.InvalidClient)
}

func TestTenantsWithoutKeysIssueNothing(t *testing.T) {
	t.Parallel()
	x := team(t)
	x.Directory.Put(gen.In("keyless", client.Object(billing())))
	x.Directory.SetRing("unreadable", nil, errors.New("unknown format"))
	tests := map[string]struct {
		namespace string
		want      issuing.Reason
	}{
		"a namespace without anything of ours is no tenant": {"nowhere", issuing.UnknownTenant},
		"a tenant without a keyring is none yet":            {"keyless", issuing.UnknownTenant},
		"a keyring that cannot be read closes the tenant":   {"unreadable", issuing.Unavailable},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := x.Service.AuthenticateClient(t.Context(), tc.namespace, issuing.ClientAuthentication{ClientID: "billing", Secret: sensitive.New(clientSecret)})
			wantRefusal(t, err, tc.want)
			_, err = x.Service.Check(t.Context(), tc.namespace, "any.token.at-all")
			wantRefusal(t, err, tc.want)
			_, err = x.Service.JWKS(tc.namespace)
			wantRefusal(t, err, tc.want)
		})
	}
}
