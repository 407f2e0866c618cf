package issuing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Issued is an access token and what its holder may be told about it. It must not be changed.
type Issued struct {
	AccessToken sensitive.String
	Access      *tokens.Access
	// User is nil where a client acts for itself.
	User *directory.User
	// RefreshToken is zero where none is due.
	RefreshToken sensitive.String
	// SessionsRevoked counts the live sessions that this login ended.
	SessionsRevoked int
}

// login is what a token remembers of the login that it stems from.
type login struct {
	at                time.Time
	credentialVersion string
	mobile            bool
	userAgent         string
	remoteAddress     string
}

// access forms a token from what was asked, for a second and an id.
func access(ask *revision.Ask, id string, issuedAt, expiresAt time.Time, from login) *tokens.Access {
	a := &tokens.Access{
		Dialect:           tokens.Dialect(ask.Dialect),
		Issuer:            ask.Issuer,
		Subject:           ask.Subject,
		Audiences:         ask.Audiences,
		ClientID:          ask.ClientID,
		Scopes:            ask.Scopes,
		ACL:               ask.ACL,
		ID:                id,
		IssuedAt:          issuedAt,
		NotBefore:         revision.Token{IssuedAt: issuedAt}.NotBefore(),
		ExpiresAt:         expiresAt,
		GrantID:           ask.GrantID,
		AuthTime:          from.at,
		CredentialVersion: from.credentialVersion,
		Mobile:            from.mobile,
		UserAgent:         from.userAgent,
		RemoteAddress:     from.remoteAddress,
	}
	if ask.GrantID != "" {
		a.Epoch, a.GrantNamespace = ask.Epoch, ask.GrantNamespace
	}
	if ask.Profile != nil {
		profile := tokens.Profile(*ask.Profile)
		a.Profile = &profile
	}
	return a
}

// mint makes the token that a request asked for: a JWT from memory, a reference token with one
// write. The id is random, and so is a reference token.
func (s *Service) mint(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms, from login) (*Issued, error) {
	id, err := tokens.NewID(s.Rand)
	if err != nil {
		return nil, unavailable(err)
	}
	return s.mintAs(ctx, t, ring, terms, from, id)
}

// mintAs is mint for a token whose id is known before.
func (s *Service) mintAs(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms, from login, id string) (*Issued, error) {
	ask, now := terms.Ask, s.now()
	if ask.Format == revision.FormatJWT && s.Limits.MaxJWTTTL > 0 {
		ask.TTL = min(ask.TTL, s.Limits.MaxJWTTTL)
	}
	a := access(&ask, id, now, ask.ExpiresAt(now), from)
	var token string
	var err error
	if ask.Format == revision.FormatJWT {
		token, err = s.newJWT(t, ring, terms, &ask, a)
	} else {
		token, err = s.newReference(ctx, t, ring, terms, a)
	}
	if err != nil {
		return nil, err
	}
	return &Issued{AccessToken: sensitive.New(token), Access: a, User: terms.User}, nil
}

// newJWT makes a JWT where there is room for its revocation.
func (s *Service) newJWT(t *directory.Tenant, ring *keys.Ring, terms *Terms, ask *revision.Ask, a *tokens.Access) (string, error) {
	if err := s.roomForRevocation(t, terms); err != nil {
		return "", err
	}
	return sign(ring, ask, a)
}

func sign(ring *keys.Ring, ask *revision.Ask, a *tokens.Access) (string, error) {
	key, err := ring.Signer(keys.Algorithm(ask.Algorithm))
	if err != nil {
		return "", unavailable(err)
	}
	token, err := tokens.Sign(key, a)
	if errors.Is(err, tokens.ErrTooLarge) {
		return "", refuse(InvalidScope, "the token would be too large: ask for fewer scopes")
	}
	if err != nil {
		return "", unavailable(err)
	}
	return token, nil
}

// newReference makes a reference token within the bounds of its user or client and of the tenant.
func (s *Service) newReference(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms, a *tokens.Access) (string, error) {
	token, err := tokens.NewReference(s.Rand)
	if err != nil {
		return "", unavailable(err)
	}
	return token, s.createSession(ctx, ring, token, a, terms.User, boundsOf(t, terms.User))
}

// createSession writes what a reference token stands for, sealed and named by the token's digest.
func (s *Service) createSession(ctx context.Context, ring *keys.Ring, token string, a *tokens.Access, user *directory.User, bounds store.Bounds) error {
	name, sealed, err := tokens.SealSession(s.Rand, ring, token, a)
	if err != nil {
		return unavailable(fmt.Errorf("seal a session: %w", err))
	}
	session := &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ring.Tenant().Namespace,
			Name:      name,
			Labels:    map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper},
		},
		Spec: v1alpha1.AuthSessionSpec{
			ID:             a.ID,
			ClientID:       a.ClientID,
			GrantID:        a.GrantID,
			GrantNamespace: a.GrantNamespace,
			Mobile:         a.Mobile,
			ExpiresAt:      metav1.NewTime(a.ExpiresAt),
			Sealed:         sealed,
		},
	}
	if user != nil {
		session.Spec.Subject = a.Subject
		session.Spec.Username = user.EffectiveUsername()
	}
	return refuseFull(s.Sessions.Create(ctx, ring.Tenant(), session, bounds))
}

// refreshToken makes the refresh token of a grant as it stands. It is derived, so making it twice
// gives the same token.
func refreshToken(ring *keys.Ring, g *v1alpha1.RefreshTokenGrant) (sensitive.String, error) {
	text, err := tokens.Refresh{
		GrantID:    g.Spec.ID,
		Epoch:      g.Spec.EffectiveEpoch(),
		Generation: g.Spec.EffectiveGeneration(),
		KeyVersion: g.Spec.RefreshToken.KeyVersion,

		GrantNamespace: g.CrossesFrom(),
	}.Encode(ring)
	if err != nil {
		return sensitive.String{}, unavailable(err)
	}
	return sensitive.New(text), nil
}

// maxUserAgent is what spec.login.userAgent may hold.
const maxUserAgent = 512

func clipUserAgent(text string) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) > maxUserAgent {
		text = strings.ToValidUTF8(text[:maxUserAgent], "")
	}
	return text
}
