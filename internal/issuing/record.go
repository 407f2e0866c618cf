package issuing

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// attempt is a request for a token as it is recorded: what was asked for, and who said so.
type attempt struct {
	flow   metrics.Flow
	tenant string
	// client is the one that has authenticated; nil in the wazo dialect.
	client *directory.Client
	// login is what a password came with, refreshToken what a refresh came with, and subject whom an
	// authorization code is of.
	login        string
	refreshToken string
	subject      string
}

func (c *registered) attempt(flow metrics.Flow) attempt {
	return attempt{flow: flow, tenant: c.tenant.Namespace(), client: c.client}
}

// conclude records what came of an attempt. It is the one place where requests for tokens are
// counted and audited.
func (s *Service) conclude(ctx context.Context, of attempt, issued *Issued, err error) {
	switch {
	case err != nil:
		s.recordRefused(ctx, of, AsRefusal(err))
		return
	case issued == nil:
		return // a panic on its way up
	}
	kind, session := metrics.JWT, ""
	if token := issued.AccessToken.Reveal(); tokens.IsReference(token) {
		kind = metrics.Reference
		if s.Audit != nil {
			session = tokens.SessionName(token)
		}
	}
	s.Metrics.Issued(of.flow, kind)
	refreshed := !issued.RefreshToken.IsZero() && issued.RefreshToken.Reveal() != of.refreshToken
	if refreshed {
		s.Metrics.Issued(of.flow, metrics.Refresh)
	}
	a := issued.Access
	s.Audit.Record(ctx, audit.Record{
		Event:          audit.TokenIssued,
		Tenant:         of.tenant,
		Dialect:        of.flow.Dialect(),
		GrantType:      of.flow.GrantType(),
		Subject:        a.Subject,
		Username:       usernameOf(issued.User),
		ClientID:       a.ClientID,
		GrantID:        a.GrantID,
		GrantNamespace: a.GrantNamespace,
		TokenID:        a.ID,
		Session:        session,
		RefreshToken:   refreshed,
		ExpiresAt:      a.ExpiresAt,
	})
}

// recordRefused names only who is known. A login that nobody has, or a wazo client_id, which nobody
// proves, may be anything that was typed into the wrong box.
func (s *Service) recordRefused(ctx context.Context, of attempt, why *Refusal) {
	s.Metrics.Refused(of.flow.Dialect(), string(why.Reason))
	if s.Audit == nil || why.Reason == UnknownTenant {
		return // what a stranger makes up is no tenant's business
	}
	record := audit.Record{
		Event:     audit.TokenRefused,
		Tenant:    of.tenant,
		Dialect:   of.flow.Dialect(),
		GrantType: of.flow.GrantType(),
		Reason:    string(why.Reason),
		Detail:    why.detail,
	}
	if of.client != nil {
		record.ClientID = of.client.EffectiveClientID()
	}
	if t, ok := s.Directory.Tenant(of.tenant); ok {
		s.name(&record, t, of)
	}
	s.Audit.Record(ctx, record)
}

// name fills in whom a refused request is about: the user whose login or authorization code it is, or
// that of the grant whose refresh token it is.
func (s *Service) name(record *audit.Record, t *directory.Tenant, of attempt) {
	user, known := (*directory.User)(nil), false
	if of.subject != "" {
		user, known = t.UserBySubject(of.subject)
	} else if of.refreshToken == "" {
		if user, known = t.UserByLogin(of.login); !known {
			record.Claimed = s.Audit.Pseudonym(of.login)
		}
	} else if ring, err := t.Ring(); err == nil {
		if presented, err := tokens.ParseRefresh(ring, of.refreshToken); err == nil {
			record.GrantID, record.GrantNamespace = presented.GrantID, presented.GrantNamespace
			if g, ok := s.heldGrant(t, grantRef{namespace: presented.GrantNamespace, id: presented.GrantID}); ok {
				user, known = t.User(g.Spec.UserRef.Name)
			}
		}
	}
	if known {
		record.Subject, record.Username = user.Subject(), user.EffectiveUsername()
	}
}

// recordClientRefused records that a client did not prove who it is.
func (s *Service) recordClientRefused(ctx context.Context, namespace, clientID string, why Reason) {
	s.Metrics.Refused(metrics.DialectOAuth2, string(why))
	if s.Audit == nil || why == UnknownTenant {
		return
	}
	record := audit.Record{Event: audit.ClientRefused, Tenant: namespace, Dialect: metrics.DialectOAuth2, Reason: string(why)}
	known := false
	if t, ok := s.Directory.Tenant(namespace); ok {
		_, known = t.ClientByID(clientID)
	}
	if known {
		record.ClientID = clientID
	} else {
		record.Claimed = s.Audit.Pseudonym(clientID)
	}
	s.Audit.Record(ctx, record)
}

// recordRevoked records that an access token was ended.
func (s *Service) recordRevoked(ctx context.Context, t *directory.Tenant, o *opened) {
	if s.Audit == nil {
		return
	}
	record := audit.Record{
		Event:          audit.TokenRevoked,
		Tenant:         t.Namespace(),
		Dialect:        dialect(o.access.Dialect == tokens.Wazo),
		Subject:        o.access.Subject,
		ClientID:       o.access.ClientID,
		GrantID:        o.access.GrantID,
		GrantNamespace: o.access.GrantNamespace,
		TokenID:        o.access.ID,
		ExpiresAt:      o.access.ExpiresAt,
	}
	if o.session != nil {
		record.Session = o.session.Name
	}
	if user, ok := t.UserBySubject(o.access.Subject); ok {
		record.Username = user.EffectiveUsername()
	}
	s.Audit.Record(ctx, record)
}

// Delivered records that the Secret of a grant was given the token of a revision. Whoever writes the
// Secret calls it, once that is written: a token that reached nobody was not issued.
func (s *Service) Delivered(ctx context.Context, ring *keys.Ring, g *directory.Grant, terms *Terms, r revision.Token, why revision.Reason) {
	flow, kind, session := metrics.OAuth2Delivery, metrics.JWT, ""
	if g.Spec.IsWazo() {
		flow = metrics.WazoDelivery
	}
	if terms.Format == revision.FormatReference {
		kind = metrics.Reference
		session = tokens.SessionName(terms.reference(ring, r.IssuedAt))
	}
	s.Metrics.Issued(flow, kind)
	secret, _ := g.TargetName()
	s.Audit.Record(ctx, audit.Record{
		Event:          audit.RevisionDelivered,
		Tenant:         ring.Tenant().Namespace,
		Dialect:        flow.Dialect(),
		GrantType:      flow.GrantType(),
		Subject:        terms.Subject,
		Username:       usernameOf(terms.User),
		ClientID:       terms.ClientID,
		GrantID:        terms.GrantID,
		Grant:          g.Name,
		GrantNamespace: terms.GrantNamespace,
		TokenID:        r.ID,
		Session:        session,
		ExpiresAt:      r.ExpiresAt,
		Revision:       r.Revision,
		Secret:         secret,
		KeyID:          r.KeyID,
		Reason:         string(why),
	})
}

func dialect(isWazo bool) string {
	if isWazo {
		return metrics.DialectWazo
	}
	return metrics.DialectOAuth2
}

func usernameOf(user *directory.User) string {
	if user == nil {
		return ""
	}
	return user.EffectiveUsername()
}
