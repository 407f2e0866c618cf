package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// slack is what the operator may take beyond the limit of staleness, and beyond the minute after which
// the API server tells a watch how far it is.
const slack = 15 * time.Second

// stale lowers the limit as far as it goes.
func stale(o *operator.Options) {
	o.Flags = append(o.Flags, "--max-staleness="+freshness.MinLimit.String())
}

// TestPastMaxStalenessNothingIsIssuedOrCheckedUntilTheWatchesDeliverAgain: a user who was deleted while
// the watches said nothing must not be served for longer than that.
func TestPastMaxStalenessNothingIsIssuedOrCheckedUntilTheWatchesDeliverAgain(t *testing.T) {
	t.Parallel()
	proxy, freezer := stage.NewProxy(t, cp.Config), &stage.Freezer{}
	proxy.Use(freezer.Rule)
	line := stage.NewLine(t, strings.TrimPrefix(cp.Config.Host, "https://"))
	for name, fault := range map[string]struct {
		way        func(*operator.Options)
		fail, mend func()
	}{
		"watches that have stalled":  {through(proxy), func() { freezer.Freeze() }, freezer.Thaw},
		"an API server that is away": {over(line), line.Cut, line.Restore},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "stale")
			s.populate(t, s.tenant())
			replica := s.start(t, fault.way, stale)
			g := grant(s.tenant(), "grant")
			s.apply(t, g)
			awaitReady(t, g)
			secret := secretOf(t, g)
			token := secret.Data[v1alpha1.KeyAccessToken]
			c := newCaller(t, secret, replica, "")
			if err := c.mustBeActive(t.Context(), token); err != nil {
				t.Fatal(err)
			}

			fault.fail()
			broken := time.Now()
			if err := admin.Delete(t.Context(), gen.In(s.tenant(), gen.AuthUser(user))); err != nil {
				t.Fatal(err)
			}
			controlplane.Eventually(t, freshness.MinLimit+slack, func(ctx context.Context) error { return c.unavailable(ctx, token) })
			stopped := since(broken)
			if status, err := c.get(t.Context(), "/jwks"); status == http.StatusOK {
				t.Errorf("keys are published that may have been revoked: %v", err)
			}

			fault.mend()
			mended := time.Now()
			controlplane.Eventually(t, time.Minute+slack, func(ctx context.Context) error {
				if active, err := c.active(ctx, token); err != nil || active {
					return fmt.Errorf("the token is active: %t, %w", active, err)
				}
				return nil
			})
			figure(t, "staleness ("+name+"): until nothing was confirmed any more, with a limit of 2m (at most 2m15s)", stopped)
			figure(t, "staleness ("+name+"): until the deleted user's token was known to be dead (at most 1m15s)", since(mended))
		})
	}
}

// TestAnIdleTenantIsServedHoweverLongNothingHappens: silence is no staleness.
func TestAnIdleTenantIsServedHoweverLongNothingHappens(t *testing.T) {
	t.Parallel()
	s := newSite(t, "idle")
	s.populate(t, s.tenant())
	replica := s.start(t, stale, func(o *operator.Options) { o.Flags = append(o.Flags, "--leader-elect=false") })
	g := grant(s.tenant(), "grant")
	s.apply(t, g)
	awaitReady(t, g)
	secret := secretOf(t, g)
	c := newCaller(t, secret, replica, "")
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for end := time.Now().Add(freshness.MinLimit + slack); time.Now().Before(end); <-ticker.C {
		if err := c.mustBeActive(t.Context(), secret.Data[v1alpha1.KeyAccessToken]); err != nil {
			t.Fatal(err)
		}
	}
}

// unavailable is nil where the endpoint answers 503 to the question about a token.
func (c *caller) unavailable(ctx context.Context, token []byte) error {
	status, _, err := c.post(ctx, "/introspect", url.Values{"token": {string(token)}})
	if err != nil || status != http.StatusServiceUnavailable {
		return fmt.Errorf("introspection: status %d, %w; want 503", status, err)
	}
	return nil
}

func (c *caller) get(ctx context.Context, path string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
