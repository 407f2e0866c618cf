package issuing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Scopes that let a name or an address into a token (OpenID Connect Core §5.4).
const (
	scopeProfile = "profile"
	scopeEmail   = "email"
)

// Terms are what a token for a grant would say now, before any second and any key is chosen.
type Terms struct {
	revision.Ask
	User   *directory.User
	Client *directory.Client // nil in the wazo dialect
}

// GrantTerms finds the terms of a grant of a tenant's (directory.TenantOf), or why it may not issue.
// It is pure: a function of the directory's rows and the time. User and client come first: until both
// permit the grant, nothing is told of the tenant.
func GrantTerms(t *directory.Tenant, g *directory.Grant, now time.Time) (Terms, directory.Standing) {
	if standing := grantStanding(t, g, now); !standing.Good() {
		return Terms{}, standing
	}
	user, client, standing := parties(t, g, now)
	if !standing.Good() {
		return Terms{}, standing
	}
	ring, standing := t.RingStanding()
	if !standing.Good() {
		return Terms{}, standing
	}
	terms := Terms{User: user, Client: client, Ask: revision.Ask{
		Issuer:         ring.Tenant().Issuer,
		Subject:        user.Subject(),
		GrantID:        g.Spec.ID,
		Epoch:          g.Spec.EffectiveEpoch(),
		GrantNamespace: g.CrossesFrom(),
	}}
	if g.Spec.IsWazo() {
		standing = terms.forWazo(t, g)
	} else {
		standing = terms.forClient(t, g)
	}
	if !standing.Good() {
		return Terms{}, standing
	}
	terms.NotAfter = earliest(g.Spec.ExpiresAt, user.Spec.ExpiresAt)
	return terms, directory.Standing{}
}

func grantStanding(t *directory.Tenant, g *directory.Grant, now time.Time) directory.Standing {
	if g.Spec.ID == "" {
		return directory.NewStanding(v1alpha1.ReasonPending, "spec.id has not been written yet")
	}
	if holder, duplicate := t.GrantDuplicate(g); duplicate {
		return directory.NewStanding(v1alpha1.ReasonDuplicateGrantID, "spec.id is held by RefreshTokenGrant %q", holder)
	}
	switch g.Spec.EffectiveState() {
	case v1alpha1.GrantStateSuspended:
		return directory.NewStanding(v1alpha1.ReasonSuspended, "spec.state is Suspended")
	case v1alpha1.GrantStateRevoked:
		return directory.NewStanding(v1alpha1.ReasonRevoked, "spec.state is Revoked")
	}
	if end := g.Spec.ExpiresAt; end != nil && !now.Before(end.Time) {
		return directory.NewStanding(v1alpha1.ReasonExpired, "spec.expiresAt is in the past")
	}
	return directory.Standing{}
}

// parties finds the user and the client of a grant; the client is nil in the wazo dialect. Whether one of
// another namespace is absent, does not permit the grant, or is where nobody watches: it is one answer,
// made of the grant's own words.
func parties(t *directory.Tenant, g *directory.Grant, now time.Time) (*directory.User, *directory.Client, directory.Standing) {
	user, hasUser := t.UserOf(g)
	client, hasClient := (*directory.Client)(nil), true
	if !g.Spec.IsWazo() {
		client, hasClient = t.ClientOf(g)
	}
	switch {
	case g.CrossesFrom() == "" && (!hasUser || !hasClient):
		return nil, nil, notFound(t, g, hasUser, hasClient)
	case !hasUser:
		return nil, nil, directory.NewStanding(v1alpha1.ReasonRefNotPermitted, "spec.userRef: AuthUser %q does not exist or does not permit this grant", g.Spec.UserRef.Name)
	}
	if standing := t.UserStanding(user, now); !standing.Good() {
		return nil, nil, directory.NewStanding(v1alpha1.ReasonUserNotReady, "AuthUser %q may not be acted for: %s", user.Name, standing.Reason)
	}
	if !hasClient {
		return nil, nil, directory.NewStanding(v1alpha1.ReasonRefNotPermitted, "spec.clientRef: AuthClient %q does not exist or does not permit this grant", g.Spec.ClientRef.Name)
	}
	if client == nil {
		return user, nil, directory.Standing{}
	}
	if standing := t.ClientStanding(client); !standing.Good() {
		return nil, nil, directory.NewStanding(v1alpha1.ReasonClientNotReady, "AuthClient %q may not be used: %s", client.Name, standing.Reason)
	}
	return user, client, directory.Standing{}
}

// notFound says which of the user and the client that a grant names is not in its own namespace, where
// nobody has to consent: what is missing there is absent, and whoever writes grants may know it.
func notFound(t *directory.Tenant, g *directory.Grant, hasUser, hasClient bool) directory.Standing {
	reason, missing := v1alpha1.ReasonRefNotFound, []string(nil)
	if _, bears := t.User(g.Spec.UserRef.Name); bears && !hasUser {
		reason = v1alpha1.ReasonSubjectMismatch
		missing = append(missing, fmt.Sprintf("AuthUser %q is another user than the grant names (spec.userRef.subject)", g.Spec.UserRef.Name))
	} else if !hasUser {
		missing = append(missing, fmt.Sprintf("spec.userRef: AuthUser %q does not exist", g.Spec.UserRef.Name))
	}
	if !hasClient {
		missing = append(missing, fmt.Sprintf("spec.clientRef: AuthClient %q does not exist", g.Spec.ClientRef.Name))
	}
	return directory.NewStanding(reason, "%s", strings.Join(missing, "; "))
}

// forClient completes the terms of a grant to a registered client.
func (terms *Terms) forClient(t *directory.Tenant, g *directory.Grant) directory.Standing {
	client, name := terms.Client, terms.Client.Name
	if g.Spec.DeliversRefreshToken() && client.Spec.IsPublic() {
		return directory.NewStanding(v1alpha1.ReasonInvalidSpec, "spec.refreshToken.delivery: a Public client's refresh tokens rotate, and one in a Secret cannot; AuthClient %q is Public", name)
	}
	if g.Spec.DeliversRefreshToken() && !client.Spec.AllowsGrantType(v1alpha1.GrantTypeRefreshToken) {
		return directory.NewStanding(v1alpha1.ReasonGrantTypeNotAllowed, "AuthClient %q does not list RefreshToken in spec.grantTypes", name)
	}
	granted, refused := grantedScopes(g.Spec.Scopes, client, &terms.User.Scopes)
	if g.EndpointMade() && len(g.Spec.Scopes) == 0 {
		granted = nil // a login that got no scope gets none later, whatever the client's defaults become
	}
	if len(refused) > 0 {
		return notGranted(refused, terms.User, client)
	}
	settings := t.Settings()
	audiences, refused := audiencesOf(g.Spec.Audiences, client, settings, terms.Issuer)
	if len(refused) > 0 {
		return directory.NewStanding(v1alpha1.ReasonAudienceNotAllowed, "spec.audiences: %q is not listed by AuthClient %q", refused, name)
	}
	ttl, err := g.Spec.EffectiveTTL(&client.Spec, settings).Parse()
	if err != nil {
		return directory.NewStanding(v1alpha1.ReasonInvalidSpec, "accessToken.ttl: %v", err)
	}
	terms.Dialect = string(tokens.OAuth2)
	terms.ClientID = client.EffectiveClientID()
	terms.Scopes, terms.Audiences, terms.TTL = granted, audiences, ttl
	terms.Profile = profileOf(terms.User.AuthUser, granted)
	terms.setFormat(g.Spec.EffectiveFormat(&client.Spec, settings), keys.Algorithm(client.Spec.EffectiveSigningAlgorithm(settings)))
	return directory.Standing{}
}

// notGranted says who does not allow which of the scopes that are refused.
func notGranted(refused []string, user *directory.User, client *directory.Client) directory.Standing {
	var who []string
	if by := notAllowed(refused, user.Scopes); len(by) > 0 {
		who = append(who, fmt.Sprintf("AuthUser %q does not allow %q", user.Name, by))
	}
	if _, by := scopes.Grant(refused, client.Scopes); len(by) > 0 {
		who = append(who, fmt.Sprintf("AuthClient %q does not allow %q", client.Name, by))
	}
	return directory.NewStanding(v1alpha1.ReasonScopeNotGranted, "spec.scopes: %s", strings.Join(who, "; "))
}

// forWazo completes the terms of a grant to an unregistered client of the wazo dialect.
func (terms *Terms) forWazo(t *directory.Tenant, g *directory.Grant) directory.Standing {
	ttl, err := g.Spec.EffectiveTTL(nil, t.Settings()).Parse()
	if err != nil {
		return directory.NewStanding(v1alpha1.ReasonInvalidSpec, "accessToken.ttl: %v", err)
	}
	if _, err := scopes.Compile(g.Spec.Scopes); err != nil {
		return directory.NewStanding(v1alpha1.ReasonInvalidSpec, "spec.scopes: %v", err)
	}
	if refused := notAllowed(g.Spec.Scopes, terms.User.Scopes); len(refused) > 0 {
		return directory.NewStanding(v1alpha1.ReasonScopeNotGranted, "spec.scopes: %q is not allowed by AuthUser %q", refused, terms.User.Name)
	}
	terms.Dialect = string(tokens.Wazo)
	terms.ClientID = g.Spec.ClientID
	terms.ACL = aclOf(g.Spec.Scopes, terms.User.Spec.Scopes)
	terms.Audiences = []string{terms.Issuer}
	terms.TTL = ttl
	terms.setFormat(g.Spec.EffectiveFormat(nil, t.Settings()), keys.ES256)
	return directory.Standing{}
}

func (terms *Terms) setFormat(format v1alpha1.TokenFormat, algorithm keys.Algorithm) {
	terms.Format = revision.Format(format)
	if terms.Format == revision.FormatJWT {
		terms.Algorithm = string(algorithm)
	}
}

// grantedScopes decides which of the requested scopes client and user both allow. Where none is
// requested, they are the client's default scopes, as far as they are allowed. user is nil where
// a client acts for itself.
func grantedScopes(requested []string, client *directory.Client, user *scopes.Patterns) (granted, refused []string) {
	byDefault := len(requested) == 0
	if byDefault {
		requested = client.Spec.DefaultScopes
	}
	granted, refused = scopes.Grant(requested, client.Scopes, userLists(user)...)
	if byDefault {
		refused = nil
	}
	return granted, refused
}

func userLists(user *scopes.Patterns) []scopes.Patterns {
	if user == nil {
		return nil
	}
	return []scopes.Patterns{*user}
}

// notAllowed lists the scopes that a user's patterns do not allow.
func notAllowed(requested []string, user scopes.Patterns) (refused []string) {
	for _, scope := range requested {
		if !user.Allows(scope) {
			refused = append(refused, scope)
		}
	}
	return refused
}

// aclOf is what a wazo token carries: the grant's scopes, or else all of the user's patterns, and
// always every denial of the user's.
func aclOf(narrowed, patterns []string) []string {
	if len(narrowed) == 0 {
		return slices.Clone(patterns)
	}
	acl := slices.Clone(narrowed)
	for _, pattern := range patterns {
		if pattern[0] == '!' {
			acl = append(acl, pattern)
		}
	}
	return acl
}

// audiencesOf narrows a client's audiences to the requested ones. A client that has none, by itself
// or by its tenant, is good for the tenant's issuer.
func audiencesOf(requested []string, client *directory.Client, settings *v1alpha1.AuthTenantSpec, issuer string) (audiences, refused []string) {
	allowed := client.Spec.EffectiveAudiences(settings)
	if len(allowed) == 0 {
		allowed = []string{issuer}
	}
	return subset(requested, allowed)
}

// profileOf is what the granted scopes let into a token about the person; nil where that is
// nothing.
func profileOf(u *v1alpha1.AuthUser, granted []string) *revision.Profile {
	profile := revision.Profile{}
	if slices.Contains(granted, scopeProfile) {
		profile.GivenName, profile.FamilyName = u.Spec.FirstName, u.Spec.LastName
		profile.Name = join(u.Spec.FirstName, u.Spec.LastName)
	}
	if email, ok := u.Spec.MainEmail(); ok && slices.Contains(granted, scopeEmail) {
		profile.Email, profile.EmailVerified = email.Address, email.Verified
	}
	if profile == (revision.Profile{}) {
		return nil
	}
	told := profile // most tokens tell nothing, and for them nothing is allocated
	return &told
}
