package issuing

import (
	"slices"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
)

// AuthorizationRequest is what a client asks of a user, by way of the user's browser (RFC 6749
// §4.1.1). Nothing of it is proven. Absent texts are empty.
type AuthorizationRequest struct {
	ClientID, RedirectURI, ResponseType string
	// CodeChallenge and CodeChallengeMethod are RFC 7636's.
	CodeChallenge, CodeChallengeMethod string
	Wish
	Prompt Prompt
}

// Prompt is what the client wants the user to be asked (OpenID Connect Core §3.1.2.1).
type Prompt struct {
	// None: nothing. What would have to be asked is an error then.
	None bool
	// Login: for the password, although the browser is known.
	Login bool
	// Consent: for consent, although it was given before.
	Consent bool
	// MaxAge is how long ago the user may have given the password; nil for as long as a browser is known.
	MaxAge *time.Duration
}

// Authorization is a request of a client that exists, to be answered at a redirect URI of its. Whether
// the user may have what it asks for is not known before there is a user.
type Authorization struct {
	registered
	request  AuthorizationRequest
	redirect string
}

// RedirectURI is where the answer goes.
func (a *Authorization) RedirectURI() string { return a.redirect }

// ClientID names the client.
func (a *Authorization) ClientID() string { return a.client.EffectiveClientID() }

// Issuer is the tenant's, which the answer names (RFC 9207).
func (a *Authorization) Issuer() string { return a.ring.Tenant().Issuer }

// MayRefresh tells whether the client would have a refresh token.
func (a *Authorization) MayRefresh() bool {
	return a.client.Spec.AllowsGrantType(v1alpha1.GrantTypeRefreshToken)
}

// TenantName is what people call the tenant.
func (a *Authorization) TenantName() string {
	if name := a.tenant.Settings().DisplayName; name != "" {
		return name
	}
	return a.tenant.Namespace()
}

// Authorize looks at a request before anybody is asked anything. It does no I/O. Where it refuses
// and gives an Authorization all the same, the refusal is for the client, at the redirect URI. Where it
// gives none the client or the redirect URI cannot be trusted, and nobody may be sent anywhere
// (RFC 6749 §4.1.2.1).
func (s *Service) Authorize(namespace string, request AuthorizationRequest) (*Authorization, error) {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	client, known := t.ClientByID(request.ClientID)
	if !known || !t.ClientStanding(client).Good() {
		return nil, refuse(InvalidClient, "the application is not known here")
	}
	redirect, err := redirectOf(client, request.RedirectURI)
	if err != nil {
		return nil, err
	}
	a := &Authorization{registered: registered{tenant: t, ring: ring, client: client}, request: request, redirect: redirect}
	return a, a.check()
}

// redirectOf finds the redirect URI. A request may leave it out where there is one alone (RFC 6749
// §3.1.2.3).
func redirectOf(client *directory.Client, requested string) (string, error) {
	all := client.Spec.RedirectURIs
	switch {
	case requested == "" && len(all) == 1:
		return all[0], nil
	case requested == "":
		return "", refuse(InvalidRequest, "the application did not say where to go back to")
	case !slices.ContainsFunc(all, func(one string) bool { return matchesRedirect(one, requested) }):
		return "", refuse(InvalidRequest, "the address to go back to is not one of the application's")
	}
	return requested, nil
}

// check looks at the rest of a request whose redirect URI is the client's.
func (a *Authorization) check() error {
	r, client := &a.request, a.client
	switch {
	case r.ResponseType == "":
		return refuse(InvalidRequest, "a parameter is missing: response_type")
	case r.ResponseType != "code":
		return refuse(UnsupportedResponseType, "response_type has to be code")
	case r.Prompt.None && (r.Prompt.Login || r.Prompt.Consent):
		return refuse(InvalidRequest, "prompt none goes with no other")
	}
	if err := a.may(v1alpha1.GrantTypeAuthorizationCode); err != nil {
		return err
	}
	if err := a.checkChallenge(); err != nil {
		return err
	}
	if err := r.Wish.check(); err != nil {
		return err
	}
	if _, refused := scopes.Grant(r.Scopes, client.Scopes); len(refused) > 0 {
		return refuse(InvalidScope, "not granted: %q", refused)
	}
	if _, refused := audiencesOf(r.Audiences, client, a.tenant.Settings(), a.Issuer()); len(refused) > 0 {
		return refuse(InvalidTarget, "not an audience of this client: %q", refused)
	}
	return nil
}

// checkChallenge holds a request to RFC 7636: the method S256 alone, and a challenge of every client that
// has no secret.
func (a *Authorization) checkChallenge() error {
	r := &a.request
	switch {
	case r.CodeChallenge == "" && r.CodeChallengeMethod != "":
		return refuse(InvalidRequest, "a parameter is missing: code_challenge")
	case r.CodeChallenge == "" && a.client.Spec.IsPublic():
		return refuse(InvalidRequest, "a public client needs a code_challenge")
	case r.CodeChallenge != "" && (r.CodeChallengeMethod != "S256" || !isChallenge(r.CodeChallenge)):
		return refuse(InvalidRequest, "code_challenge has to be of the method S256")
	}
	return nil
}

// Step is what an authorization needs next.
type Step string

// The steps.
const (
	// StepLogin: the password of a user.
	StepLogin Step = "Login"
	// StepConsent: the user's consent.
	StepConsent Step = "Consent"
	// StepCode: nothing; the client may have its code.
	StepCode Step = "Code"
)

// Next is a step, and what the client would have after it.
type Next struct {
	Step Step
	// Terms are nil before a login.
	Terms *Terms
}

// Next tells what an authorization needs from the browser that brought it. It refuses what a client
// that wants nothing to be asked cannot have, and with InvalidScope what the user may not have. It
// does no I/O.
func (s *Service) Next(a *Authorization, b *Browser) (Next, error) {
	prompt, now := a.request.Prompt, s.now()
	tooLongAgo := prompt.MaxAge != nil && now.Sub(b.is.AuthTime) > *prompt.MaxAge
	if b.user == nil || prompt.Login || tooLongAgo {
		if prompt.None {
			return Next{}, refuse(LoginRequired, "nobody has logged in, or not lately")
		}
		return Next{Step: StepLogin}, nil
	}
	terms, err := a.TermsFor(b)
	if err != nil {
		return Next{}, err
	}
	if !prompt.Consent && !a.couldBeAnother() && (a.client.Spec.Consent == v1alpha1.ConsentImplied || a.hasConsent(b.user, terms)) {
		return Next{StepCode, terms}, nil
	}
	if prompt.None {
		return Next{}, refuse(ConsentRequired, "the user has not agreed to this yet")
	}
	return Next{StepConsent, terms}, nil
}

// TermsFor are what the client would have for the user who has logged in in a browser. It refuses with
// InvalidScope what the user may not have, and with LoginRequired where there is no user.
func (a *Authorization) TermsFor(b *Browser) (*Terms, error) {
	if b.user == nil {
		return nil, refuse(LoginRequired, "nobody has logged in")
	}
	return a.terms(b.user, a.request.Wish)
}

// couldBeAnother tells whether another program on the user's device could take the place of the client,
// which then is asked about each time (RFC 8252 §8.6): one without a secret, that is led back to there.
func (a *Authorization) couldBeAnother() bool {
	return a.client.Spec.IsPublic() && staysOnDevice(a.redirect)
}

// hasConsent tells whether the user has agreed before to all that the client asks for: what they
// agreed to stands as a grant.
func (a *Authorization) hasConsent(user *directory.User, terms *Terms) bool {
	return slices.ContainsFunc(a.tenant.EndpointGrants(user.Subject()), func(g *directory.Grant) bool {
		return g.IsOfCode() && g.Spec.ClientRef != nil && g.Spec.ClientRef.Name == a.client.Name &&
			g.Spec.EffectiveState() == v1alpha1.GrantStateActive &&
			containsAll(g.Spec.Scopes, terms.Scopes) && containsAll(g.Spec.Audiences, terms.Audiences)
	})
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}
