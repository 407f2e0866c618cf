package issuing

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Withdraw takes back a reference token that Deliver has made and nobody has got: its session goes.
// There is nothing to take back of a JWT.
func (s *Service) Withdraw(ctx context.Context, ring *keys.Ring, terms *Terms, r revision.Token) error {
	if terms.Format != revision.FormatReference {
		return nil
	}
	token := ring.ReferenceToken(terms.GrantID, terms.Epoch, r.IssuedAt, terms.Digest(r.IssuedAt))
	return s.Sessions.Delete(ctx, ring.Tenant(), tokens.SessionName(token))
}
