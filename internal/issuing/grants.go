package issuing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// loginOf is the login that a grant stems from; zero for an applied grant, whatever it says.
func loginOf(g *directory.Grant) login {
	from := g.Spec.Login
	if from == nil || !g.EndpointMade() {
		return login{}
	}
	return login{at: from.AuthTime.Time, credentialVersion: from.CV, mobile: from.Mobile, userAgent: from.UserAgent}
}

// passwordLoginGrant is the grant that an OAuth2 password login stands on. Its name is a digest of
// all that makes two logins alike, in whatever order it was asked for, so that etcd keeps one grant
// for them. Where refresh tokens rotate every login has a grant of its own: two holders of one would
// take each other for thieves.
func (s *Service) passwordLoginGrant(c *AuthenticatedClient, terms *Terms, from login) (*v1alpha1.RefreshTokenGrant, error) {
	name := keys.Name("oauth2-login", terms.Subject, terms.ClientID, unordered(terms.Scopes), unordered(terms.Audiences), from.credentialVersion)
	if c.client.Spec.EffectiveRotation() == v1alpha1.RefreshTokenRotationAlways {
		unique, err := tokens.NewID(s.Rand)
		if err != nil {
			return nil, unavailable(err)
		}
		name = keys.Name("oauth2-rotating-login", unique)
	}
	g := endpointGrant(c.ring, name, terms.User, from)
	g.Spec.ClientRef = &v1alpha1.ClientReference{Name: c.client.Name}
	g.Spec.Scopes, g.Spec.Audiences = terms.Scopes, terms.Audiences
	return g, nil
}

// offlineLoginGrant is the grant of a wazo offline login: one for a user and a client_id.
func offlineLoginGrant(ring *keys.Ring, user *directory.User, clientID string, from login) *v1alpha1.RefreshTokenGrant {
	g := endpointGrant(ring, loginGrantName(user.Subject(), clientID), user, from)
	g.Spec.ClientID = clientID
	return g
}

// loginGrantName is what the grant of a user's wazo logins for a client_id is called.
func loginGrantName(subject, clientID string) string {
	return keys.Name("wazo-login", subject, clientID)
}

// unordered writes a set of words, which hold no space, in one way.
func unordered(words []string) string {
	return strings.Join(slices.Sorted(slices.Values(words)), " ")
}

func endpointGrant(ring *keys.Ring, name string, user *directory.User, from login) *v1alpha1.RefreshTokenGrant {
	at := metav1.NewTime(from.at)
	return &v1alpha1.RefreshTokenGrant{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ring.Tenant().Namespace,
			Name:      name,
			Labels:    map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper},
		},
		Spec: v1alpha1.RefreshTokenGrantSpec{
			UserRef: v1alpha1.UserReference{Name: user.Name, Subject: user.Subject()},
			Epoch:   v1alpha1.FirstEpoch,
			RefreshToken: &v1alpha1.GrantRefreshToken{
				Generation: v1alpha1.FirstGeneration,
				KeyVersion: ring.NewestRefresh(),
			},
			Login: &v1alpha1.GrantLogin{
				AuthTime: at, IssuedAt: at, CV: from.credentialVersion, Mobile: from.mobile, UserAgent: from.userAgent,
			},
		},
	}
}

// place is where a login's grant goes: to one that stands there, or to a new one, for which another
// may have to give way, such as one whose refresh token has ended.
type place struct{ standing, givesWay *directory.Grant }

// placeFor decides on the place of a wanted grant and writes nothing. At the user's maxGrants, not counting
// those that are ending anyway and those that a person revoked, one gives way: one that nothing is good of
// any more, whosever it is, or else the one of the same client that was not used for longest. At the
// tenant's limit only one of the former does. Where there is none, the login is refused.
func (s *Service) placeFor(t *directory.Tenant, wanted *v1alpha1.RefreshTokenGrant, ending []*directory.Grant) (place, error) {
	if standing, ok := t.Grant(wanted.Name); ok {
		if s.hasEnded(t, standing) || GaveUp(t, standing) {
			return place{givesWay: standing}, nil
		}
		return place{standing: standing}, s.mayStand(t, standing)
	}
	held := slices.DeleteFunc(t.EndpointGrants(wanted.Spec.UserRef.Subject), func(g *directory.Grant) bool {
		return slices.Contains(ending, g) || g.Spec.EffectiveState() == v1alpha1.GrantStateRevoked && !RevokedInPassing(t, g)
	})
	user, ok := t.User(wanted.Spec.UserRef.Name)
	if ok && len(held) >= int(user.Spec.EffectiveMaxGrants()) {
		return s.placeOfOneHeld(t, wanted, held)
	}
	if len(ending) > 0 || t.HasRoomForGrant() {
		return place{}, nil
	}
	if spent := s.firstSpent(t, t.EndpointMadeGrants()); spent != nil {
		return place{givesWay: spent}, nil
	}
	return place{}, refuse(TooManyGrants, "the tenant has too many grants")
}

// standsForCode tells whether the code that a grant stems from could still be used a second time: the
// grant is what would tell, so it must not go.
func (s *Service) standsForCode(g *directory.Grant) bool {
	return g.IsOfCode() && s.now().Before(g.Spec.Login.CodeExpiresAt.Time)
}

// placeOfOneHeld is that of one of the grants that a user holds. One that is not active does not give
// way while it counts: a person may have stopped the login that it stands for.
func (s *Service) placeOfOneHeld(t *directory.Tenant, wanted *v1alpha1.RefreshTokenGrant, held []*directory.Grant) (place, error) {
	if spent := s.firstSpent(t, held); spent != nil {
		return place{givesWay: spent}, nil
	}
	ofClient := slices.DeleteFunc(held, func(g *directory.Grant) bool {
		return g.Spec.IsWazo() != wanted.Spec.IsWazo() || clientOf(g.RefreshTokenGrant) != clientOf(wanted) ||
			g.Spec.Login == nil || g.Spec.EffectiveState() != v1alpha1.GrantStateActive || s.standsForCode(g)
	})
	if len(ofClient) == 0 {
		return place{}, refuse(TooManyGrants, "the user has too many grants")
	}
	return place{givesWay: slices.MinFunc(ofClient, func(a, b *directory.Grant) int {
		return cmp.Or(lastUse(a).Compare(lastUse(b)), cmp.Compare(a.Name, b.Name))
	})}, nil
}

// firstSpent is the first of some grants that nothing is good of any more; nil where there is none.
func (s *Service) firstSpent(t *directory.Tenant, grants []*directory.Grant) *directory.Grant {
	if i := slices.IndexFunc(grants, func(g *directory.Grant) bool { return s.isSpent(t, g) }); i >= 0 {
		return grants[i]
	}
	return nil
}

// isSpent tells whether no refresh token of a grant is good any more and no login is held up by it: the
// sweeper has only not come to it yet.
func (s *Service) isSpent(t *directory.Tenant, g *directory.Grant) bool {
	return !s.standsForCode(g) && (s.hasEnded(t, g) || GaveUp(t, g) || RevokedInPassing(t, g))
}

// RevokedInPassing tells whether a login's grant is revoked and stands in no other login's way: where
// refresh tokens rotate, or a code was redeemed, no two logins have a grant of one name. Any other that
// is revoked stops the logins that are like the one it stems from, and a person may want that.
func RevokedInPassing(t *directory.Tenant, g *directory.Grant) bool {
	if g.Spec.IsWazo() || g.Spec.EffectiveState() != v1alpha1.GrantStateRevoked {
		return false
	}
	client, ok := t.Client(g.Spec.ClientRef.Name)
	return ok && (g.IsOfCode() || rotates(&client.Spec, g))
}

// hasEnded tells whether the refresh token of a grant has ended by its client's policy.
func (s *Service) hasEnded(t *directory.Tenant, g *directory.Grant) bool {
	if g.Spec.IsWazo() {
		return false
	}
	client, ok := t.Client(g.Spec.ClientRef.Name)
	if !ok {
		return false
	}
	return refreshTokenEnded(&client.Spec, g, s.now())
}

// GaveUp tells whether the endpoint made a grant under a refresh key that an emergency has taken
// away: no refresh token of it can be made any more.
func GaveUp(t *directory.Tenant, g *directory.Grant) bool {
	ring, err := t.Ring()
	return err == nil && g.EndpointMade() && g.Spec.RefreshToken != nil && ring.GaveUpRefresh(g.Spec.RefreshToken.KeyVersion)
}

// mayStand refuses a grant that no login may stand on.
func (s *Service) mayStand(t *directory.Tenant, g *directory.Grant) error {
	if !g.EndpointMade() || g.Spec.RefreshToken == nil {
		return refuse(InvalidGrant, "the grant behind this login was replaced")
	}
	if _, why := GrantTerms(t, g, s.now()); !why.Good() {
		return refuse(InvalidGrant, "the grant behind this login may not be used: %s", why.Reason)
	}
	return nil
}

// take gives the grant of a place, and makes it where there is none.
func (s *Service) take(ctx context.Context, t *directory.Tenant, p place, wanted *v1alpha1.RefreshTokenGrant) (*directory.Grant, error) {
	if p.standing != nil {
		return p.standing, nil
	}
	if err := s.giveWay(ctx, t, p); err != nil {
		return nil, err
	}
	return s.createGrant(ctx, t, wanted)
}

// giveWay removes the grant that gives way to that of a place, if one does.
func (s *Service) giveWay(ctx context.Context, t *directory.Tenant, p place) error {
	if p.givesWay == nil {
		return nil
	}
	why := endedByLimit
	if s.isSpent(t, p.givesWay) {
		why = endedBySpent
	}
	if err := s.deleteGrant(ctx, t, p.givesWay.RefreshTokenGrant, why); err != nil {
		return unavailable(err)
	}
	return nil
}

// createGrant writes a grant, or finds that another replica has done so under its name.
func (s *Service) createGrant(ctx context.Context, t *directory.Tenant, wanted *v1alpha1.RefreshTokenGrant) (*directory.Grant, error) {
	id, err := tokens.NewID(s.Rand)
	if err != nil {
		return nil, unavailable(err)
	}
	wanted.Spec.ID = id
	created, err := s.Store.CreateGrant(ctx, wanted)
	if err != nil && !errors.Is(err, store.ErrExists) {
		return nil, unavailable(err)
	}
	g := &directory.Grant{RefreshTokenGrant: created}
	return g, s.mayStand(t, g)
}

// clientOf names the client of a grant within its dialect.
func clientOf(g *v1alpha1.RefreshTokenGrant) string {
	if g.Spec.ClientRef != nil {
		return g.Spec.ClientRef.Name
	}
	return g.Spec.ClientID
}
