package gen

import (
	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// AuthClient builds a Confidential client that may do nothing but refresh, and that takes its
// secret from the Secret that ClientSecret builds for the same name.
func AuthClient(name string, mods ...func(*v1alpha1.AuthClient)) *v1alpha1.AuthClient {
	return build(&v1alpha1.AuthClient{
		ObjectMeta: meta(name),
		Spec: v1alpha1.AuthClientSpec{Secret: &v1alpha1.ClientSecret{
			SecretRef: &v1alpha1.SecretKeyReference{Name: clientSecret(name), Key: v1alpha1.KeyClientSecret},
		}},
	}, mods)
}

// ClientID gives the client a client_id that is not the object's name.
func ClientID(clientID string) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.ClientID = clientID }
}

// SecretPost lets the client authenticate in the form rather than by HTTP Basic.
func SecretPost() func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.Authentication = v1alpha1.ClientAuthenticationSecretPost }
}

// GrantTypes lists what the client may use.
func GrantTypes(types ...v1alpha1.GrantType) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.GrantTypes = types }
}

// EveryGrantType lists all of them.
func EveryGrantType() func(*v1alpha1.AuthClient) {
	return GrantTypes(v1alpha1.GrantTypePassword, v1alpha1.GrantTypeRefreshToken, v1alpha1.GrantTypeClientCredentials)
}

// ClientScopes sets the patterns of what the client may be granted.
func ClientScopes(patterns ...string) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.Scopes = patterns }
}

// DefaultScopes sets what the client gets where it asks for no scope.
func DefaultScopes(scopes ...string) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.DefaultScopes = scopes }
}

// ClientAudiences sets whom the client's tokens are for.
func ClientAudiences(audiences ...string) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.Audiences = audiences }
}

// ClientTTL sets how long the client's access tokens live.
func ClientTTL(ttl v1alpha1.Duration) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { clientAccessToken(c).TTL = &ttl }
}

// ReferenceTokens gives the client opaque access tokens.
func ReferenceTokens() func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { clientAccessToken(c).Format = v1alpha1.TokenFormatReference }
}

// SignedWith sets the algorithm of the client's self-contained tokens.
func SignedWith(algorithm v1alpha1.SigningAlgorithm) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { clientAccessToken(c).SigningAlgorithm = algorithm }
}

func clientAccessToken(c *v1alpha1.AuthClient) *v1alpha1.ClientAccessToken {
	if c.Spec.AccessToken == nil {
		c.Spec.AccessToken = &v1alpha1.ClientAccessToken{}
	}
	return c.Spec.AccessToken
}

// PublicClient takes the client's secret away.
func PublicClient() func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.Type, c.Spec.Secret = v1alpha1.ClientTypePublic, nil }
}

// RedirectURIs lets users log in for the client, and come back to one of these.
func RedirectURIs(uris ...string) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) {
		c.Spec.RedirectURIs = uris
		c.Spec.GrantTypes = append(c.Spec.GrantTypes, v1alpha1.GrantTypeAuthorizationCode)
	}
}

// ConsentImplied asks no user.
func ConsentImplied() func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.Consent = v1alpha1.ConsentImplied }
}
