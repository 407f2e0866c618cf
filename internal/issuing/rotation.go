package issuing

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// usage is what the use of a refresh token comes to (RFC 9700 §4.14.2).
type usage string

const (
	// usageKeep: the token is the grant's current one and stays so.
	usageKeep usage = "Keep"
	// usageRotate: it is the current one, or, after an older copy of the grant was restored, a later
	// one. The next takes its place.
	usageRotate usage = "Rotate"
	// usageRepeat: it was replaced a moment ago. Whoever did not get the answer gets it again.
	usageRepeat usage = "Repeat"
	// usageRefuse: it is not the current one of a grant whose tokens do not rotate.
	usageRefuse usage = "Refuse"
	// usageReuse: it was replaced before. Somebody has a copy.
	usageReuse usage = "Reuse"
)

// usageOf decides what a generation that a client presents comes to. The grant's refresh token is of
// an applied grant, which never rotates, or follows the client's policy.
func usageOf(presented int64, client *v1alpha1.AuthClientSpec, g *directory.Grant, now time.Time) usage {
	current := g.Spec.EffectiveGeneration()
	switch {
	case !rotates(client, g) && presented == current:
		return usageKeep
	case !rotates(client, g):
		return usageRefuse
	case presented >= current:
		return usageRotate
	case presented == current-1 && now.Before(graceEnd(client, g)):
		return usageRepeat
	}
	return usageReuse
}

// rotates tells whether a use of the grant's refresh token replaces it.
func rotates(client *v1alpha1.AuthClientSpec, g *directory.Grant) bool {
	return g.EndpointMade() && client.EffectiveRotation() == v1alpha1.RefreshTokenRotationAlways
}

// graceEnd is until when the refresh token before the current one is answered with the current one.
func graceEnd(client *v1alpha1.AuthClientSpec, g *directory.Grant) time.Time {
	grace, err := client.EffectiveGracePeriod().Parse()
	if err != nil || g.Spec.RefreshToken.RotatedAt == nil {
		return time.Time{}
	}
	return g.Spec.RefreshToken.RotatedAt.Add(grace)
}

// RefreshTokenEnd is when the refresh token of a login ends by its client's policy, unless it is used
// before; zero where it does not. An applied grant's ends with the grant alone.
func RefreshTokenEnd(client *v1alpha1.AuthClientSpec, g *directory.Grant) time.Time {
	policy := client.RefreshToken
	if policy == nil || !g.EndpointMade() || g.Spec.Login == nil {
		return time.Time{}
	}
	end := after(g.Spec.Login.IssuedAt.Time, policy.MaxAge)
	if client.EffectiveRotation() != v1alpha1.RefreshTokenRotationAlways {
		return end
	}
	idle := after(lastUse(g), policy.IdleTimeout)
	if end.IsZero() || !idle.IsZero() && idle.Before(end) {
		return idle
	}
	return end
}

func refreshTokenEnded(client *v1alpha1.AuthClientSpec, g *directory.Grant, now time.Time) bool {
	end := RefreshTokenEnd(client, g)
	return !end.IsZero() && !now.Before(end)
}

// lastUse is when the refresh token of a login was made or last replaced.
func lastUse(g *directory.Grant) time.Time {
	if made := g.Spec.RefreshToken; made != nil && made.RotatedAt != nil {
		return made.RotatedAt.Time
	}
	return g.Spec.Login.IssuedAt.Time
}

// after is a moment so much later; zero where no length is given.
func after(start time.Time, length *v1alpha1.Duration) time.Time {
	if length == nil {
		return time.Time{}
	}
	parsed, err := length.Parse()
	if err != nil {
		return start // the API server takes no such length: what cannot be read ends at once
	}
	return start.Add(parsed)
}

// newest gives the grant of a refresh token as it is now. Where the token is not what memory has as
// current, the API server is asked: another replica may have replaced it a moment ago. The client is
// known to be the grant's before anything is read.
func (s *Service) newest(ctx context.Context, c *AuthenticatedClient, presented tokens.Refresh, g *directory.Grant) (*directory.Grant, error) {
	current := g.Spec.EffectiveGeneration()
	switch {
	case g.Spec.IsWazo() || g.Spec.ClientRef.Name != c.client.Name:
		return nil, errRefreshToken
	case g.Spec.EffectiveState() != v1alpha1.GrantStateActive: // or a copy of a token would cost a read for good
		return nil, errRefreshToken
	case presented.Generation == current, presented.Generation < current && !rotates(&c.client.Spec, g):
		return g, nil
	}
	return s.grantNow(ctx, c, presented)
}

// maxUses is how often one use of a refresh token is judged anew after somebody else was quicker.
const maxUses = 3

// use lets a client use a refresh token, and gives the grant as it stands then. The next generation is
// written before it is told, so that no crash leaves a client with a token that nobody knows.
func (s *Service) use(ctx context.Context, c *AuthenticatedClient, presented tokens.Refresh, g *directory.Grant) (*directory.Grant, error) {
	for range maxUses {
		var err error
		switch usageOf(presented.Generation, &c.client.Spec, g, s.now()) {
		case usageKeep, usageRepeat:
			return g, nil
		case usageRefuse:
			return nil, errRefreshToken
		case usageRotate:
			rotated, failure := s.Store.Rotate(ctx, g.RefreshTokenGrant, presented.Generation+1, s.now())
			if failure == nil {
				return &directory.Grant{RefreshTokenGrant: rotated}, nil
			}
			err = failure
		case usageReuse:
			if err = s.revokeCopied(ctx, c.tenant, g.RefreshTokenGrant, endedByReuse); err == nil {
				return nil, errReused
			}
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, unavailable(err)
		}
		if g, err = s.grantNow(ctx, c, presented); err != nil {
			return nil, err
		}
	}
	return nil, unavailable(errContended)
}

// errReused ends a grant whose refresh token has been copied. Its words are those of every refresh
// token that does not count.
var errReused = refuse(RefreshTokenReused, "%s", errRefreshToken.Description)

var errContended = errors.New("the grant is being changed by many at once")

// grantNow is the grant of a refresh token as the API server has it, if the client may refresh it.
func (s *Service) grantNow(ctx context.Context, c *AuthenticatedClient, presented tokens.Refresh) (*directory.Grant, error) {
	g, err := s.liveGrant(ctx, c.tenant, cmp.Or(presented.GrantNamespace, c.tenant.Namespace()), presented.GrantID)
	switch {
	case errors.Is(err, errNoGrant):
		return nil, errRefreshToken
	case err != nil:
		return nil, unavailable(err)
	case !isOf(presented, g):
		return nil, errRefreshToken
	}
	_, err = s.refreshable(c, g)
	return g, err
}
