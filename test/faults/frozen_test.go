package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// TestAFrozenCacheMakesOneRevision: tokens become due while the operator is not told of anything that
// changes, its own writes included.
func TestAFrozenCacheMakesOneRevision(t *testing.T) {
	t.Parallel()
	const grants = 20
	for name, watches := range map[string][]string{
		"of Secrets":    {"secrets"},
		"of grants":     {"refreshtokengrants"},
		"of everything": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "frozen")
			proxy, freezer := stage.NewProxy(t, cp.Config), &stage.Freezer{}
			proxy.Use(freezer.Rule)
			s.populate(t, s.tenant())
			s.start(t, through(proxy))
			// Due 56 to 60 seconds after they were issued, and again as long after that.
			all := s.grants(t, s.tenant(), "grant", grants, each(lifetime(100*time.Second, 40*time.Second)))
			awaitReady(t, all...)
			last := time.Now()
			freezer.Freeze(watches...)
			// All have been due once, and none twice.
			stage.AwaitTime(t, last.Add(75*time.Second))
			for _, g := range all {
				if revision := secretOf(t, g).Annotations[v1alpha1.AnnotationRevision]; revision != "2" {
					t.Errorf("while the watches stood still %q came to revision %s, want 2", g.Name, revision)
				}
			}
			revisions := len(s.seen.All())
			freezer.Thaw()
			s.deleteAndAwait(t, all)
			s.seen.Check(t)
			figure(t, "frozen ("+name+"): revisions of one grant for one renewal", float64(revisions)/grants-1)
		})
	}
}

// deleteAndAwait deletes every Secret and waits until it is back.
func (s *site) deleteAndAwait(t *testing.T, all []*v1alpha1.RefreshTokenGrant) {
	t.Helper()
	for _, g := range all {
		before := secretOf(t, g)
		if err := admin.Delete(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		eventually(t, func(ctx context.Context) error {
			now := before.DeepCopy()
			if err := admin.Get(ctx, client.ObjectKeyFromObject(before), now); err != nil {
				return err
			}
			if now.UID == before.UID {
				return fmt.Errorf("Secret %q has not come back", now.Name)
			}
			return nil
		})
	}
}
