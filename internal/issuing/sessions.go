package issuing

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Sessions keeps the reference tokens of all tenants; see package store. What it gives is shared and
// must not be changed, and anybody who can write to it may have put it there: what counts is the sealed
// record.
type Sessions interface {
	// Room is store.ErrSubjectFull or store.ErrTenantFull where another session would be past its bounds.
	Room(ctx context.Context, tenant keys.Tenant, owner store.Owner, bounds store.Bounds) error
	// Create also is store.ErrExists, where the session's name is taken.
	Create(ctx context.Context, tenant keys.Tenant, session *v1alpha1.AuthSession, bounds store.Bounds) error
	// Session is store.ErrNotFound where there is none of that name.
	Session(ctx context.Context, tenant keys.Tenant, name string) (*v1alpha1.AuthSession, error)
	// Delete is no error where there is none of that name.
	Delete(ctx context.Context, tenant keys.Tenant, name string) error
	// OfTenant, OfSubject and OfGrant end with an error where not all could be read.
	OfTenant(ctx context.Context, tenant keys.Tenant) iter.Seq2[*v1alpha1.AuthSession, error]
	OfSubject(ctx context.Context, tenant keys.Tenant, subject string) iter.Seq2[*v1alpha1.AuthSession, error]
	OfGrant(ctx context.Context, tenant keys.Tenant, grantID string) iter.Seq2[*v1alpha1.AuthSession, error]
	// ByID lists those that may have an id.
	ByID(ctx context.Context, tenant keys.Tenant, id string) ([]*v1alpha1.AuthSession, error)
}

// LiveSessions lists what the reference tokens of a tenant stand for that count now, in no order. The id
// of each is its session's. It opens each seal, and ends with an error where not all could be read, or when
// the context ends. Whoever keeps a text of one keeps the whole record with it, unless it is cloned.
//
// Nothing but the store bounds how many there are: listings wait for each other, a few at a time.
func (s *Service) LiveSessions(ctx context.Context, namespace string) iter.Seq2[*tokens.Access, error] {
	return s.liveSessions(ctx, namespace, s.Sessions.OfTenant)
}

// LiveSessionsOf is LiveSessions for a user's subject.
func (s *Service) LiveSessionsOf(ctx context.Context, namespace, subject string) iter.Seq2[*tokens.Access, error] {
	return s.liveSessions(ctx, namespace, func(ctx context.Context, tenant keys.Tenant) iter.Seq2[*v1alpha1.AuthSession, error] {
		return s.Sessions.OfSubject(ctx, tenant, subject)
	})
}

// listings is how many lists of sessions are made at once.
const listings = 2

func (s *Service) liveSessions(
	ctx context.Context, namespace string, list func(context.Context, keys.Tenant) iter.Seq2[*v1alpha1.AuthSession, error],
) iter.Seq2[*tokens.Access, error] {
	return func(yield func(*tokens.Access, error) bool) {
		t, ring, err := s.tenant(namespace)
		if err != nil {
			yield(nil, err)
			return
		}
		if err := s.listing.Acquire(ctx, 1); err != nil {
			yield(nil, unavailable(err))
			return
		}
		defer s.listing.Release(1)
		for session, err := range list(ctx, ring.Tenant()) {
			if err = errors.Join(err, ctx.Err()); err != nil { // nobody waits any more for ten thousand seals
				yield(nil, unavailable(err))
				return
			}
			o, err := s.openSession(ring, session)
			if err == nil && s.counts(t, o.access) && speaksOf(session, o.access) && !yield(o.access, nil) {
				return
			}
		}
	}
}

// EndSession ends the wazo session that has an id, and with it its token. It is no error where there is
// none; one of the other dialect does not exist here. With a subject it refuses, with UnknownToken, to end
// that of another one.
//
// Where a tenant's wazo tokens may be JWTs, a session that is not found may be such a token, of which
// nothing is stored: its id is revoked for as long as a JWT can live. With a subject that is refused with
// UnknownToken: nothing tells whose the token is, and nobody should believe that it has ended.
func (s *Service) EndSession(ctx context.Context, namespace, subject, id string) error {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return err
	}
	sessions, err := s.sessionsByID(ctx, ring, id)
	if err != nil {
		return err
	}
	for _, o := range sessions {
		switch {
		case o.access.Dialect != tokens.Wazo:
			continue
		case subject != "" && o.access.Subject != subject:
			return errNoSession
		}
		if err := s.end(ctx, t, o); err != nil {
			return err
		}
	}
	switch {
	case len(sessions) > 0 || !mayHaveWazoJWTs(t):
		return nil
	case subject != "":
		return errNoSession
	}
	return s.revokeUnseen(ctx, t, id)
}

var errNoSession = refuse(UnknownToken, "the subject has no such session")

// mayHaveWazoJWTs tells whether a tenant as it stands makes wazo tokens of which nothing is stored: its
// logins do, or a grant in its namespace does.
func mayHaveWazoJWTs(t *directory.Tenant) bool {
	settings := t.Settings()
	return settings.EffectiveWazoFormat() == v1alpha1.TokenFormatJWT || slices.ContainsFunc(t.Grants(), func(g *directory.Grant) bool {
		return g.Spec.IsWazo() && g.Spec.EffectiveFormat(nil, settings) == v1alpha1.TokenFormatJWT
	})
}

// revokeUnseen revokes a JWT by its id alone. Whether there is one, nobody knows.
func (s *Service) revokeUnseen(ctx context.Context, t *directory.Tenant, id string) error {
	if t.Revoked(id) {
		return nil
	}
	end := s.now().Add(s.Limits.MaxJWTTTL)
	isFirst, err := s.writeRevocation(ctx, t, id, end, reasonSession)
	if isFirst {
		s.Audit.Record(ctx, audit.Record{
			Event: audit.TokenRevoked, Tenant: t.Namespace(), Dialect: metrics.DialectWazo, TokenID: id, ExpiresAt: end,
		})
	}
	return err
}

// sessionsByID opens the sessions that have an id. Those that only say so are left out.
func (s *Service) sessionsByID(ctx context.Context, ring *keys.Ring, id string) (all []*opened, err error) {
	sessions, err := s.Sessions.ByID(ctx, ring.Tenant(), id)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, session := range sessions {
		if o, err := s.openSession(ring, session); err == nil && o.access.ID == id {
			all = append(all, o)
		}
	}
	return all, nil
}

// counts tells whether the token of a session is good as far as memory knows. Check may know more.
func (s *Service) counts(t *directory.Tenant, a *tokens.Access) bool {
	if now := s.Clock.Now(); a.Expired(now) || t.Revoked(a.ID) {
		return false
	}
	if _, err := s.actor(t, a); err != nil {
		return false
	}
	if a.GrantID == "" {
		return true
	}
	g, ok := s.heldGrant(t, grantRef{namespace: a.GrantNamespace, id: a.GrantID})
	return ok && s.carries(t, g, a)
}

// speaksOf tells whether a session is kept under whom its token is about.
func speaksOf(session *v1alpha1.AuthSession, a *tokens.Access) bool {
	return store.OwnerOf(session).Subject == a.Subject
}

// openSession reads what a session stands for. One that does not open was not made here, or is damaged:
// it counts for nothing, and a person should look. That of a key that was given up is no wonder.
func (s *Service) openSession(ring *keys.Ring, session *v1alpha1.AuthSession) (*opened, error) {
	access, err := tokens.OpenSession(ring, session.Name, session.Spec.Sealed)
	if err == nil {
		return &opened{access: access, ring: ring, session: session}, nil
	}
	if !ring.GaveUpSession(session.Spec.Sealed) {
		s.Metrics.ForeignSession()
		if s.foreign.now(s.Clock.Now()) {
			s.Log.Info("A session does not open: the endpoint did not make it, or it is damaged", "tenant", session.Namespace, "session", session.Name)
		}
	}
	return nil, errUnknownToken
}
