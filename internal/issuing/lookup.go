package issuing

import (
	"cmp"
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

var errNoGrant = errors.New("no such grant")

// grantRef is how a token names its grant.
type grantRef struct {
	// namespace is empty for a grant in the tenant's own.
	namespace string
	id        string
	epoch     int64
}

// grantOf finds a tenant's grant by what a token says of it: in the namespace that the token names,
// where an id is unique, and nowhere else. Memory answers, unless it does not know the grant or not
// yet the epoch that the caller saw: then one bounded live read does.
func (s *Service) grantOf(ctx context.Context, t *directory.Tenant, ref grantRef) (*directory.Grant, error) {
	if ref.namespace != "" {
		if !s.Directory.IsWatched(ref.namespace) {
			return nil, errNoGrant
		}
		if err := s.Directory.Known(ref.namespace, s.Clock.Now()); err != nil {
			return nil, err
		}
	}
	if g, ok := s.heldGrant(t, ref); ok && g.Spec.EffectiveEpoch() >= ref.epoch {
		return g, nil
	}
	return s.liveGrant(ctx, t, cmp.Or(ref.namespace, t.Namespace()), ref.id)
}

// heldGrant finds a tenant's grant in memory, of whatever epoch.
func (s *Service) heldGrant(t *directory.Tenant, ref grantRef) (*directory.Grant, bool) {
	home, ok := t, true
	if ref.namespace != "" {
		home, ok = s.Directory.Tenant(ref.namespace)
	}
	if !ok {
		return nil, false
	}
	g, ok := home.GrantByID(ref.id)
	return g, ok && g.UserNamespace() == t.Namespace()
}

// liveGrant reads a tenant's grant in a namespace as the API server has it. One of another tenant's is
// none of this one's.
func (s *Service) liveGrant(ctx context.Context, t *directory.Tenant, namespace, id string) (*directory.Grant, error) {
	object, err := s.Live.GrantByID(ctx, namespace, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errNoGrant
	case err != nil:
		return nil, err
	case object.UserNamespace() != t.Namespace():
		return nil, errNoGrant
	}
	return &directory.Grant{RefreshTokenGrant: object}, nil
}
