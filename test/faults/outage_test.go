package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// outage is how long the API server is away: several times what a leader may go without its lease.
const outage = time.Minute

// TestWhileTheAPIServerIsAwayWhatNeedsNoWriteGoesOn: both ways for an API server to be away, with
// tokens that are due to be renewed meanwhile.
func TestWhileTheAPIServerIsAwayWhatNeedsNoWriteGoesOn(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		figure string
		lose   func(*stage.Line)
	}{
		"it refuses every connection": {"refusing", (*stage.Line).Cut},
		"it answers nothing":          {"silent", (*stage.Line).Silence},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "outage")
			line := stage.NewLine(t, strings.TrimPrefix(cp.Config.Host, "https://"))
			s.populate(t, s.tenant())
			replica := s.start(t, over(line))
			lasting := grant(s.tenant(), "lasting", gen.DeliversRefreshToken())
			s.apply(t, lasting)
			// Due 21 to 30 seconds after they were issued, and a minute and a half before they expire.
			due := s.grants(t, s.tenant(), "due", 20, each(lifetime(2*time.Minute, 90*time.Second)))
			awaitReady(t, append(due, lasting)...)
			delivered := secretOf(t, lasting)
			before := secretsOf(t, s.tenant())

			fault.lose(line)
			served := goesOn(t, newCaller(t, delivered, replica, ""), replica, delivered)
			line.Restore()
			restored := time.Now()
			recovery := s.awaitRenewal(t, before, due, restored)

			s.seen.Check(t)
			if recovery > 30*time.Second {
				t.Errorf("the tokens that were due were renewed after %s, want at most 30s", recovery)
			}
			figure(t, "outage ("+fault.figure+"): seconds without the API server", outage.Seconds())
			figure(t, "outage ("+fault.figure+"): requests that needed no write, all answered", served)
			figure(t, "outage ("+fault.figure+"): until all that was due was renewed (at most 30s)", recovery)
		})
	}
}

// goesOn asks for all that needs no write, again and again, until the outage is over.
func goesOn(t *testing.T, c *caller, replica *operator.Operator, delivered *corev1.Secret) (served int) {
	t.Helper()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(outage); time.Now().Before(end); <-ticker.C {
		for what, ask := range map[string]func(context.Context) error{
			"client credentials": c.clientCredentials,
			"refresh":            func(ctx context.Context) error { return c.refresh(ctx, delivered) },
			"a check":            func(ctx context.Context) error { return c.mustBeActive(ctx, delivered.Data[v1alpha1.KeyAccessToken]) },
			"readiness":          func(ctx context.Context) error { return operator.Ready(ctx, replica.URL) },
		} {
			if err := ask(t.Context()); err != nil {
				t.Fatalf("%s during the outage: %v", what, err)
			}
			served++
		}
	}
	return served
}

// awaitRenewal waits until every grant has a later revision than before, and tells when the last came.
func (s *site) awaitRenewal(t *testing.T, before map[string]*corev1.Secret, grants []*v1alpha1.RefreshTokenGrant, start time.Time) time.Duration {
	t.Helper()
	eventually(t, func(context.Context) error {
		now := s.seen.Currents()
		for _, g := range grants {
			if now[g.Spec.ID].Token == string(before[g.Spec.ID].Data[v1alpha1.KeyAccessToken]) {
				return fmt.Errorf("the token of %q has not been renewed", g.Name)
			}
		}
		return nil
	})
	return since(start)
}
