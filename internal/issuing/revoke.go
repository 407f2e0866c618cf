package issuing

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Revoke ends one access token of a dialect before its time: a reference token by deleting its
// session, a JWT by a TokenRevocation that lasts as long as the token would have. It is no error
// where the token is unknown, dead already, or of the other dialect, and then nothing is written.
func (s *Service) Revoke(ctx context.Context, namespace, token string, dialect tokens.Dialect) error {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return err
	}
	o, err := s.open(ctx, t, ring, token)
	switch {
	case err != nil && AsRefusal(err).Reason == UnknownToken:
		return nil
	case err != nil:
		return err
	case o.access.Dialect != dialect:
		return nil
	}
	return s.end(ctx, t, o)
}

// end ends a token that has been opened. One that is dead already costs no write. This replica knows
// at once; the others when their watch brings it.
func (s *Service) end(ctx context.Context, t *directory.Tenant, o *opened) error {
	switch {
	case o.session != nil:
		if err := s.Sessions.Delete(ctx, o.ring.Tenant(), o.session.Name); err != nil {
			return unavailable(err)
		}
		s.recordRevoked(ctx, t, o)
		return nil
	case o.access.Expired(s.Clock.Now()), isRevoked(t, o), s.isOutlived(t, o.access):
		return nil
	}
	isFirst, err := s.endJWT(ctx, t, o.access)
	if isFirst {
		s.recordRevoked(ctx, t, o)
	}
	return err
}

// endJWT ends a JWT, and tells whether that is still to be recorded. It is never refused: where there are
// too many revocations, more tokens end than this one.
func (s *Service) endJWT(ctx context.Context, t *directory.Tenant, a *tokens.Access) (isFirst bool, err error) {
	if s.crowded(t, a) {
		return s.endTogether(ctx, t, a)
	}
	return s.writeSpec(ctx, t, a.ID, revocationOf(a))
}

// What TokenRevocations say for people who read.
const (
	reasonRevoked = "revoked at the endpoint"
	reasonReused  = "its authorization code was used again"
	reasonSession = "its session was deleted at the endpoint"
	reasonCrowd   = "too many tokens were revoked one by one"
)

// revocationOf is what the revocation of a JWT says.
func revocationOf(a *tokens.Access) v1alpha1.TokenRevocationSpec {
	spec := v1alpha1.TokenRevocationSpec{
		ExpiresAt: metav1.NewTime(a.ExpiresAt), Subject: a.Subject, GrantNamespace: a.GrantNamespace, Reason: reasonRevoked,
	}
	if isClientsOwn(a) {
		spec.Subject, spec.ClientID = "", a.ClientID
	}
	return spec
}

// isClientsOwn tells whether a token is of a client that acts for itself. Its subject is then its own
// client_id: no user's can be one, for it is a UUID.
func isClientsOwn(a *tokens.Access) bool {
	return a.Dialect == tokens.OAuth2 && a.Subject == a.ClientID
}

// writeRevocation writes a TokenRevocation that counts for the tenant alone, and tells whether it did not
// stand already.
func (s *Service) writeRevocation(ctx context.Context, t *directory.Tenant, name string, end time.Time, why string) (isFirst bool, err error) {
	return s.writeSpec(ctx, t, name, v1alpha1.TokenRevocationSpec{ExpiresAt: metav1.NewTime(end), Reason: why})
}

func (s *Service) writeSpec(ctx context.Context, t *directory.Tenant, name string, spec v1alpha1.TokenRevocationSpec) (isFirst bool, err error) {
	revocation := &v1alpha1.TokenRevocation{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: t.Namespace(),
			Name:      name,
			Labels:    map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper},
		},
		Spec: spec,
	}
	if err := s.Store.Revoke(ctx, revocation); err != nil {
		return false, unavailable(err)
	}
	if revocation.UID == "" { // it stands already, and the watch has it
		return false, nil
	}
	s.Directory.Put(revocation)
	return true, nil
}
