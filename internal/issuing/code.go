package issuing

import (
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Code makes the authorization code for a client whose request needs nothing more, or whose user has just
// agreed to the terms that Next gave. It writes nothing.
func (s *Service) Code(ctx context.Context, a *Authorization, b *Browser, terms *Terms) (sensitive.String, error) {
	if b.user == nil || terms == nil {
		return sensitive.String{}, refuse(LoginRequired, "nobody has logged in")
	}
	id, err := tokens.NewID(s.Rand)
	if err != nil {
		return sensitive.String{}, unavailable(err)
	}
	code, err := tokens.SealCode(s.Rand, a.ring, &tokens.Code{
		ID:                id,
		ClientID:          a.ClientID(),
		RedirectURI:       a.redirect,
		RedirectSent:      a.request.RedirectURI != "",
		Challenge:         a.request.CodeChallenge,
		Scopes:            terms.Scopes,
		Audiences:         terms.Audiences,
		Subject:           b.is.Subject,
		CredentialVersion: b.is.CredentialVersion,
		AuthTime:          b.is.AuthTime,
		ExpiresAt:         s.now().Add(tokens.CodeLifetime),
	})
	switch {
	case errors.Is(err, tokens.ErrTooLarge):
		return sensitive.String{}, refuse(InvalidScope, "the code would be too large: ask for fewer scopes")
	case err != nil:
		return sensitive.String{}, unavailable(err)
	}
	s.recordAuthorization(ctx, audit.CodeIssued, a, b.user)
	return sensitive.New(code), nil
}

// Deny records that the user does not want the client to act for them, and gives the refusal that says
// so.
func (s *Service) Deny(ctx context.Context, a *Authorization, b *Browser) error {
	asked := a.attempt(metrics.OAuth2AuthorizationCode)
	asked.subject = b.is.Subject
	denied := refuse(AccessDenied, "the user did not agree")
	s.recordRefused(ctx, asked, denied)
	return denied
}
