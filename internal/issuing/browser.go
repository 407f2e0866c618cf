package issuing

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Browser is one of a tenant's, known by its cookie. It is kept nowhere.
type Browser struct {
	ring   *keys.Ring
	is     *tokens.Browser
	user   *directory.User // nil where nobody has logged in
	cookie sensitive.String
	isNew  bool
}

// Cookie is the value of the cookie; isNew tells that the browser does not have it yet.
func (b *Browser) Cookie() (value sensitive.String, isNew bool) { return b.cookie, b.isNew }

// Username is the user's who has logged in; empty where nobody has.
func (b *Browser) Username() string { return usernameOf(b.user) }

// FormToken is what a form of an action, for a request, has to bring back from this browser (see
// keys.Ring.FormToken). It is compared in constant time.
func (b *Browser) FormToken(action, request string) sensitive.String {
	return sensitive.New(b.ring.FormToken(b.is.ID, action, request))
}

// Browser finds out which browser has a cookie, and who has logged in there: nobody any more once the
// password was changed, or the user was disabled or is gone. Where the cookie is absent or says
// nothing, it is a new one. It refuses with UnknownTenant and Unavailable.
func (s *Service) Browser(namespace, cookie string) (*Browser, error) {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	is, err := tokens.OpenBrowser(ring, cookie)
	if err != nil || !s.now().Before(is.ExpiresAt) {
		return s.newBrowser(ring, &tokens.Browser{}, nil)
	}
	b := &Browser{ring: ring, is: is, cookie: sensitive.New(cookie)}
	if is.Subject != "" {
		b.user = s.stillThere(t, is.Subject, is.CredentialVersion)
	}
	return b, nil
}

// newBrowser gives a browser an id and a cookie of its own.
func (s *Service) newBrowser(ring *keys.Ring, is *tokens.Browser, user *directory.User) (*Browser, error) {
	id, err := tokens.NewID(s.Rand)
	if err != nil {
		return nil, unavailable(err)
	}
	is.ID, is.ExpiresAt = id, s.now().Add(tokens.BrowserLifetime)
	cookie, err := tokens.SealBrowser(s.Rand, ring, is)
	if err != nil {
		return nil, unavailable(err)
	}
	return &Browser{ring: ring, is: is, user: user, cookie: sensitive.New(cookie), isNew: true}, nil
}

// stillThere finds the user of a login, while both the user and the password are good; else nil.
func (s *Service) stillThere(t *directory.Tenant, subject, version string) *directory.User {
	user, ok := t.UserBySubject(subject)
	if !ok || !t.UserStanding(user, s.now()).Good() || !s.goodPassword(t, user, version) {
		return nil
	}
	return user
}

// LogIn proves a user's password in a browser, which is another one afterwards: whoever knew it
// before does not know it now. It refuses as every login with a password does.
func (s *Service) LogIn(ctx context.Context, a *Authorization, user Credentials) (b *Browser, err error) {
	asked := a.attempt(metrics.OAuth2AuthorizationCode)
	asked.login = user.Login
	defer func() {
		if err != nil {
			s.recordRefused(ctx, asked, AsRefusal(err))
		}
	}()
	u, version, err := s.authenticateUser(ctx, a.tenant, user)
	if err != nil {
		return nil, err
	}
	is := &tokens.Browser{Subject: u.Subject(), CredentialVersion: version, AuthTime: s.now()}
	if b, err = s.newBrowser(a.ring, is, u); err != nil {
		return nil, err
	}
	s.recordAuthorization(ctx, audit.LoginAccepted, a, u)
	return b, nil
}

// recordAuthorization records a step that a user took for a client.
func (s *Service) recordAuthorization(ctx context.Context, event audit.Event, a *Authorization, user *directory.User) {
	s.Audit.Record(ctx, audit.Record{
		Event:     event,
		Tenant:    a.tenant.Namespace(),
		Dialect:   metrics.OAuth2AuthorizationCode.Dialect(),
		GrantType: metrics.OAuth2AuthorizationCode.GrantType(),
		Subject:   user.Subject(),
		Username:  user.EffectiveUsername(),
		ClientID:  a.ClientID(),
	})
}
