package v1alpha1_test

import "testing"

func TestPublicClients(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthClient", map[string]creation{
		"a public client needs nothing": {spec: `type: Public`},
		"a public client may log users in": {spec: `
type: Public
grantTypes: [AuthorizationCode, RefreshToken]
redirectURIs: ["com.example.app:/callback", "http://127.0.0.1/cb", "https://app.example.com/cb?tenant=a"]
refreshToken: {rotation: Always, gracePeriod: 60s, idleTimeout: 720h, maxAge: 8760h}`},
		"a public client does not authenticate": {
			spec:      "type: Public\nauthentication: SecretPost",
			wantField: "spec.authentication", wantMessage: "does not authenticate",
		},
		"a public client cannot act for itself": {
			spec:      "type: Public\ngrantTypes: [ClientCredentials]",
			wantField: "spec.grantTypes", wantMessage: "RefreshToken and AuthorizationCode only",
		},
		"a public client sees no passwords": {
			spec:      "type: Public\ngrantTypes: [RefreshToken, Password]",
			wantField: "spec.grantTypes", wantMessage: "RefreshToken and AuthorizationCode only",
		},
		"a public client's refresh tokens rotate": {
			spec:      "type: Public\nrefreshToken: {rotation: Never}",
			wantField: "spec.refreshToken", wantMessage: "is Always",
		},
		"implied consent of a public client needs redirects that are its own": {
			spec:      "type: Public\nconsent: Implied\nredirectURIs: ['com.example.app:/cb', 'https://app.example.com/cb']",
			wantField: "spec.consent", wantMessage: "https redirectURIs alone",
		},
		"an https redirect is a public client's own": {
			spec: "type: Public\nconsent: Implied\nredirectURIs: ['https://app.example.com/cb']",
		},
	})
	testChanges(t, "AuthClient", map[string]change{
		"a client that had a secret may not drop it": {
			before: withSecret(`type: Confidential`), after: `type: Public`,
			wantField: "spec.type", wantMessage: "type is immutable",
		},
		"to say what was the default is no change": {
			before: withSecret(``), after: withSecret(`type: Confidential`),
		},
	})
}

func TestRedirectURIs(t *testing.T) {
	t.Parallel()
	refusal := func(uri, message string) creation {
		return creation{spec: withSecret("redirectURIs: ['" + uri + "']"), wantField: "spec.redirectURIs[0]", wantMessage: message}
	}
	const form, ascii = "must be https URLs", "must be visible ASCII as a URL has it"
	testCreations(t, "AuthClient", map[string]creation{
		"a loopback address may have a port":       {spec: withSecret("redirectURIs: ['http://[::1]:8080/cb', 'http://localhost:1/']")},
		"an https URL may have a port and no path": {spec: withSecret("redirectURIs: ['https://app.example.com:8443']")},
		"http elsewhere can be read on the way":    refusal("http://app.example.com/cb", form),
		"a host that begins like a loopback one":   refusal("http://127.0.0.1.example.com/cb", form),
		"a URL with a user name":                   refusal("https://user@app.example.com/cb", form),
		"a scheme that a browser runs":             refusal("javascript:alert(1)", form),
		"a scheme without a dot is nobody's":       refusal("myapp:/cb", form),
		"a relative URL leads nowhere":             refusal("/cb", form),
		"a fragment":                               refusal("https://app.example.com/cb#here", ascii),
		"a space":                                  refusal("https://app.example.com/c b", ascii),
		"a backslash":                              refusal(`https://app.example.com/\evil`, ascii),
		"codes need somewhere to go": {
			spec:      withSecret("grantTypes: [AuthorizationCode]"),
			wantField: "spec.redirectURIs", wantMessage: "required for AuthorizationCode",
		},
	})
}

func TestRefreshTokenPolicy(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthClient", map[string]creation{
		"a confidential client may choose":  {spec: withSecret("refreshToken: {rotation: Always, idleTimeout: 1h}")},
		"an absolute end needs no rotation": {spec: withSecret("refreshToken: {maxAge: 8760h}")},
		"a grace period of a minute is enough": {
			spec:      withSecret("refreshToken: {rotation: Always, gracePeriod: 61s}"),
			wantField: "spec.refreshToken.gracePeriod", wantMessage: "no longer than 60s",
		},
		"a grace period needs something that is replaced": {
			spec:      withSecret("refreshToken: {gracePeriod: 10s}"),
			wantField: "spec.refreshToken", wantMessage: "gracePeriod needs rotation Always",
		},
		"a public client's has one by default": {spec: "type: Public\nrefreshToken: {gracePeriod: 10s}"},
		"an age that ends a login at once": {
			spec:      withSecret("refreshToken: {maxAge: 59s}"),
			wantField: "spec.refreshToken.maxAge", wantMessage: "at least 1m",
		},
		"idleness that nobody can avoid": {
			spec:      withSecret("refreshToken: {rotation: Always, idleTimeout: 59s}"),
			wantField: "spec.refreshToken.idleTimeout", wantMessage: "at least 1m",
		},
		"idleness is seen by rotation alone": {
			spec:      withSecret("refreshToken: {idleTimeout: 1h}"),
			wantField: "spec.refreshToken", wantMessage: "needs rotation Always",
		},
	})
}
