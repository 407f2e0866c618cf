package issuing

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Deliver makes the access token of one revision of a grant. Equal arguments give equal bytes,
// whoever asks and however often: a JWT is signed with the revision's own key and costs no write;
// a reference token is derived, and its session written first, once. Nothing is made, and the error is
// Unavailable, while the tenant, or the namespace that the grant is in, is not known as it is now.
func (s *Service) Deliver(ctx context.Context, ring *keys.Ring, terms *Terms, r revision.Token) (sensitive.String, error) {
	for _, namespace := range []string{ring.Tenant().Namespace, cmp.Or(terms.GrantNamespace, ring.Tenant().Namespace)} {
		if err := s.Directory.Known(namespace, s.Clock.Now()); err != nil {
			return sensitive.String{}, unavailable(err)
		}
	}
	a := access(&terms.Ask, r.ID, r.IssuedAt, r.ExpiresAt, login{})
	if terms.Format == revision.FormatReference {
		return s.deliverReference(ctx, ring, terms, a)
	}
	key, ok := ring.SigningKey(r.KeyID)
	if !ok {
		return sensitive.String{}, fmt.Errorf("the keyring does not hold key %q", r.KeyID)
	}
	token, err := tokens.Sign(key, a)
	return sensitive.New(token), err
}

func (s *Service) deliverReference(ctx context.Context, ring *keys.Ring, terms *Terms, a *tokens.Access) (sensitive.String, error) {
	token := terms.reference(ring, a.IssuedAt)
	err := s.createSession(ctx, ring, token, a, terms.User, store.Bounds{Subject: store.Unbounded, Tenant: store.Unbounded})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return sensitive.String{}, err
	}
	return sensitive.New(token), nil
}

// reference is the reference token of a grant's revision: equal terms give equal bytes.
func (t *Terms) reference(ring *keys.Ring, issuedAt time.Time) string {
	return ring.ReferenceToken(t.GrantID, t.Epoch, issuedAt, t.Digest(issuedAt))
}

// Withdraw takes back a reference token that Deliver has made and nobody has got: its session goes.
// There is nothing to take back of a JWT.
func (s *Service) Withdraw(ctx context.Context, ring *keys.Ring, terms *Terms, r revision.Token) error {
	if terms.Format != revision.FormatReference {
		return nil
	}
	return s.Sessions.Delete(ctx, ring.Tenant(), tokens.SessionName(terms.reference(ring, r.IssuedAt)))
}

// DeliveredRefreshToken makes the refresh token that a grant delivers in its Secret.
func DeliveredRefreshToken(ring *keys.Ring, g *directory.Grant) (sensitive.String, error) {
	return refreshToken(ring, g.RefreshTokenGrant)
}

// Found reads back the token that a grant's Secret holds: what it is a revision of, or nil where
// these bytes are no token of this grant that the tenant's keys vouch for. The number of the
// revision is not in the token.
func (s *Service) Found(ctx context.Context, ring *keys.Ring, terms *Terms, token string) (*revision.Token, error) {
	o, err := s.openOnce(ctx, ring, token)
	switch {
	case err != nil && AsRefusal(err).Reason == UnknownToken:
		return nil, nil //nolint:nilnil // it is not ours: an answer, not a failure
	case err != nil:
		return nil, err
	case o.access.GrantID != terms.GrantID || o.access.GrantNamespace != terms.GrantNamespace:
		return nil, nil //nolint:nilnil // likewise
	}
	return &revision.Token{ID: o.access.ID, KeyID: o.keyID, IssuedAt: o.access.IssuedAt, ExpiresAt: o.access.ExpiresAt}, nil
}

// SessionLost tells whether the reference token that a grant was given in a second has no session
// any more. Memory may say that it is there; that it is gone is known from a live read.
func (s *Service) SessionLost(ctx context.Context, ring *keys.Ring, terms *Terms, issuedAt time.Time) (bool, error) {
	if terms.Format != revision.FormatReference {
		return false, nil
	}
	token := terms.reference(ring, issuedAt)
	_, err := s.openOnce(ctx, ring, token)
	if err != nil && AsRefusal(err).Reason != UnknownToken {
		return false, err
	}
	return err != nil, nil
}

// TokenID is the id of a grant's token under the given inputs (revision.Input.TokenID).
func TokenID(ring *keys.Ring, terms *Terms) func(issuedAt time.Time, inputs [sha256.Size]byte) string {
	return func(issuedAt time.Time, inputs [sha256.Size]byte) string {
		return ring.TokenID(terms.GrantID, terms.Epoch, issuedAt, inputs)
	}
}
