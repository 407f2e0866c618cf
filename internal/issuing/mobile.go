package issuing

import (
	"context"
	"errors"
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// otherMobile lists the grants that a mobile login ends: those of the user's other mobile logins.
func otherMobile(t *directory.Tenant, wanted *v1alpha1.RefreshTokenGrant) []*directory.Grant {
	if !isMobile(wanted) {
		return nil
	}
	return slices.DeleteFunc(t.EndpointGrants(wanted.Spec.UserRef.Subject), func(g *directory.Grant) bool {
		return g.Name == wanted.Name || !g.Spec.IsWazo() || !isMobile(g.RefreshTokenGrant)
	})
}

// endMobile ends the grants that a mobile login ends, and with them their sessions and those of this
// client_id's grant, whatever it is. It counts the sessions that end.
func (s *Service) endMobile(ctx context.Context, t *directory.Tenant, ring *keys.Ring, wanted *v1alpha1.RefreshTokenGrant, ending []*directory.Grant) (revoked int, err error) {
	if !isMobile(wanted) {
		return 0, nil
	}
	for _, g := range ending {
		if err := s.deleteGrant(ctx, t, g.RefreshTokenGrant, endedByMobile); err != nil {
			return 0, unavailable(err)
		}
	}
	if own, ok := t.Grant(wanted.Name); ok {
		ending = append(ending, own)
	}
	for _, g := range ending {
		ended, err := s.endSessionsOfGrant(ctx, ring, g.Spec.ID)
		if err != nil {
			return 0, err
		}
		revoked += ended
	}
	return revoked, nil
}

// renewMobile gives a mobile login a refresh token of its own where a grant stood before it: one of
// a login that was not mobile gives way, for how a grant was made does not change; one of a mobile
// login moves its epoch, so that its refresh token and all its sessions die. Memory may lag behind
// an earlier login: what it shows is then found to be out of date, and read anew.
func (s *Service) renewMobile(ctx context.Context, t *directory.Tenant, g *directory.Grant, wanted *v1alpha1.RefreshTokenGrant) (*directory.Grant, error) {
	if !isMobile(g.RefreshTokenGrant) {
		if err := s.deleteGrant(ctx, t, g.RefreshTokenGrant, endedByLogin); err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, unavailable(err)
		}
		var err error
		if g, err = s.createGrant(ctx, t, wanted); err != nil || g.RefreshTokenGrant == wanted {
			return g, err
		}
	}
	moved, err := s.moveEpoch(ctx, t, g.RefreshTokenGrant, endedByRelogin)
	if errors.Is(err, store.ErrConflict) {
		moved, err = s.moveAnew(ctx, t, g.Spec.ID)
	}
	if err != nil {
		return nil, AsRefusal(err)
	}
	return &directory.Grant{RefreshTokenGrant: moved}, nil
}

// moveAnew moves the epoch of a grant as the API server has it.
func (s *Service) moveAnew(ctx context.Context, t *directory.Tenant, id string) (*v1alpha1.RefreshTokenGrant, error) {
	current, err := s.liveGrant(ctx, t, t.Namespace(), id)
	if err != nil {
		return nil, err
	}
	if err := s.mayStand(t, current); err != nil {
		return nil, err
	}
	return s.moveEpoch(ctx, t, current.RefreshTokenGrant, endedByRelogin)
}

func isMobile(g *v1alpha1.RefreshTokenGrant) bool { return g.Spec.Login != nil && g.Spec.Login.Mobile }
