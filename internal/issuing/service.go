package issuing

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/semaphore"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/revision"
)

// Store remembers what must outlive a request; see package store.
type Store interface {
	Revoke(ctx context.Context, revocation *v1alpha1.TokenRevocation) error
	CreateGrant(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (*v1alpha1.RefreshTokenGrant, error)
	MoveEpoch(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (*v1alpha1.RefreshTokenGrant, error)
	Rotate(ctx context.Context, grant *v1alpha1.RefreshTokenGrant, generation int64, at time.Time) (*v1alpha1.RefreshTokenGrant, error)
	RevokeGrant(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (*v1alpha1.RefreshTokenGrant, error)
	DeleteGrant(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) error
}

// Live reads what memory does not know yet, within bounds; see store.Live.
type Live interface {
	GrantByID(ctx context.Context, namespace, id string) (*v1alpha1.RefreshTokenGrant, error)
	Grant(ctx context.Context, namespace, name string) (*v1alpha1.RefreshTokenGrant, error)
}

// Config is what a Service is made of.
type Config struct {
	Directory *directory.Directory
	Store     Store
	Live      Live
	Sessions  Sessions
	Passwords *passwords.Verifier
	// DefaultTenant is the namespace that the routes at the root are for; empty for none.
	DefaultTenant string
	// Limits are the operator's floors and ceilings of lifetimes.
	Limits revision.Limits
	// Clock tells the time, Rand makes token ids and nonces.
	Clock clock.PassiveClock
	Rand  io.Reader
	// Log hears of what a person should look at. Its zero value tells nobody.
	Log logr.Logger
	// Audit gets a line for whatever is issued, refused or ended, Metrics counts it. Either may be nil.
	Audit   *audit.Log
	Metrics *metrics.Tokens
}

// Service issues, checks and revokes tokens. All methods may be called at once from many
// goroutines. A method that refuses returns a *Refusal as its error, unless it says otherwise.
type Service struct {
	Config
	checked *checkedTokens
	foreign seldom
	listing *semaphore.Weighted
}

// New makes a service. It starts nothing in the background.
func New(config Config) *Service {
	return &Service{Config: config, checked: newCheckedTokens(), listing: semaphore.NewWeighted(listings)}
}

// tenant finds a tenant that has its keys and is known as it is now; otherwise nothing can be said about
// its tokens.
func (s *Service) tenant(namespace string) (*directory.Tenant, *keys.Ring, error) {
	t, ok := s.Directory.Tenant(namespace)
	if !ok {
		return nil, nil, refuse(UnknownTenant, "there is no such tenant")
	}
	ring, err := t.Ring()
	switch {
	case errors.Is(err, directory.ErrNoKeyring):
		return nil, nil, refuse(UnknownTenant, "there is no such tenant")
	case err != nil:
		return nil, nil, unavailable(err)
	}
	if err := s.Directory.Known(namespace, s.Clock.Now()); err != nil {
		return nil, nil, unavailable(err)
	}
	return t, ring, nil
}

// JWKS gives a tenant's published keys (RFC 7517). It refuses with UnknownTenant where there is no
// such tenant, and with Unavailable where its keys cannot be read or may have been replaced unseen.
func (s *Service) JWKS(namespace string) (keySet []byte, err error) {
	_, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	return ring.JWKS(), nil
}

// now is the second in which a request is answered: tokens know no fractions.
func (s *Service) now() time.Time { return s.Clock.Now().UTC().Truncate(time.Second) }
