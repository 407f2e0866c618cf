package issuing

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// errCodeReused ends what a code has given. Its words are those of every code that does not count.
var errCodeReused = refuse(CodeReused, "%s", errCode.Description)

// usedBefore ends what a code has given that memory knows to have been used: one of the two who had it
// is a thief (RFC 6749 §4.1.2). It asks for either trace, because the client may have been given or
// denied refresh tokens meanwhile. It is nil for a code that memory knows nothing of.
func (s *Service) usedBefore(ctx context.Context, c *AuthenticatedClient, code *tokens.Code) error {
	if g, ok := c.tenant.Grant(code.GrantName()); ok {
		return s.endGrantOf(ctx, c, g)
	}
	if c.tenant.Revoked(code.MarkerName()) {
		return s.endTokenOf(ctx, c, code)
	}
	return nil
}

// usedElsewhere is usedBefore for a code that is about to be refused for another reason, and that another
// replica may have redeemed a moment ago: it makes one bounded live read of either trace. It is nil where
// nothing can be found out: the code is refused all the same.
func (s *Service) usedElsewhere(ctx context.Context, c *AuthenticatedClient, code *tokens.Code) error {
	if g, err := s.Live.Grant(ctx, c.tenant.Namespace(), code.GrantName()); err == nil {
		return s.endGrantOf(ctx, c, &directory.Grant{RefreshTokenGrant: g})
	}
	if sessions, err := s.sessionsByID(ctx, c.ring, code.TokenID()); err == nil && len(sessions) > 0 {
		return s.endTokenOf(ctx, c, code)
	}
	return nil
}

// endGrantOf ends the grant of a code that came again.
func (s *Service) endGrantOf(ctx context.Context, c *AuthenticatedClient, g *directory.Grant) error {
	for range maxUses {
		if g.Spec.EffectiveState() == v1alpha1.GrantStateRevoked {
			return errCodeReused
		}
		err := s.revokeCopied(ctx, c.tenant, g.RefreshTokenGrant, endedByCode)
		switch {
		case err == nil:
			return errCodeReused
		case !errors.Is(err, store.ErrConflict):
			return unavailable(err)
		}
		if g, err = s.liveGrant(ctx, c.tenant, c.tenant.Namespace(), g.Spec.ID); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(errContended)
}

// endTokenOf ends the access token that a code has given before. It may have been given at the latest
// now, and so lives no longer than one that is. A session that is not found may be about to be written:
// the revocation ends it, too.
func (s *Service) endTokenOf(ctx context.Context, c *AuthenticatedClient, code *tokens.Code) error {
	if c.tenant.Revoked(code.TokenID()) {
		return errCodeReused
	}
	settings := c.tenant.Settings()
	ttl, err := c.client.Spec.EffectiveTTL(settings).Parse()
	if err != nil {
		return unavailable(err)
	}
	end := s.now().Add(ttl)
	isFirst, err := s.writeSpec(ctx, c.tenant, code.TokenID(), v1alpha1.TokenRevocationSpec{
		ExpiresAt: metav1.NewTime(end), Subject: code.Subject, Reason: reasonReused,
	})
	if err != nil {
		return err
	}
	if isFirst {
		s.recordCodeReused(ctx, c, code, end)
	}
	if revision.Format(c.client.Spec.EffectiveFormat(settings)) != revision.FormatReference {
		return errCodeReused
	}
	return s.dropSessionOf(ctx, c, code)
}

// dropSessionOf deletes the session of a code's token, which is dead, so that it takes up none of its
// user's room.
func (s *Service) dropSessionOf(ctx context.Context, c *AuthenticatedClient, code *tokens.Code) error {
	sessions, err := s.sessionsByID(ctx, c.ring, code.TokenID())
	if err != nil {
		return err
	}
	for _, o := range sessions {
		if err := s.Sessions.Delete(ctx, c.ring.Tenant(), o.session.Name); err != nil {
			return unavailable(err)
		}
	}
	return errCodeReused
}

// recordCodeReused records that the access token of a code was ended.
func (s *Service) recordCodeReused(ctx context.Context, c *AuthenticatedClient, code *tokens.Code, end time.Time) {
	user, _ := c.tenant.UserBySubject(code.Subject)
	s.Audit.Record(ctx, audit.Record{
		Event:     audit.TokenRevoked,
		Tenant:    c.tenant.Namespace(),
		Dialect:   metrics.DialectOAuth2,
		Subject:   code.Subject,
		Username:  usernameOf(user),
		ClientID:  code.ClientID,
		TokenID:   code.TokenID(),
		ExpiresAt: end,
		Reason:    endedByCode,
	})
}
