package controllers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/pacing"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// watchful counts how often a grant is read past the cache.
type watchful struct {
	*room
	looks int
}

func newWatchful(t *testing.T, objects ...client.Object) *watchful {
	t.Helper()
	x := &watchful{room: newRoom(t, objects...)}
	x.lead()
	return x
}

// lead makes another replica lead, which knows nothing of what the last leader knew.
func (x *watchful) lead() {
	x.common.Live = interceptor.NewClient(x.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if _, isGrant := object.(*v1alpha1.RefreshTokenGrant); isGrant {
				x.looks++
			}
			return c.Get(ctx, key, object, options...)
		},
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
			list.SetResourceVersion("500") // which the fake does not count
			return nil
		},
	})
	x.grants = &controllers.RefreshTokenGrants{Common: x.common, Issuing: x.Service}
}

// at makes the directory see a grant at a version.
func (x *watchful) at(g *v1alpha1.RefreshTokenGrant, version string) {
	seen := g.DeepCopy()
	seen.ResourceVersion = version
	x.Put(seen)
}

func TestAGrantIsLookedAtPastTheCacheOnlyWhereTheCacheMayBeLate(t *testing.T) {
	t.Parallel()
	reference := func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference}
	}
	for name, tc := range map[string]struct {
		mods    []func(*v1alpha1.RefreshTokenGrant)
		version string
		begin   bool
		failing bool // the last status write
		want    int
	}{
		"a grant of this term is known":                        {version: "501", begin: true, want: 0},
		"a grant of the moment the term began is known":        {version: "500", begin: true, want: 0},
		"a grant of before may have been written since":        {version: "499", begin: true, want: 1},
		"where the term's beginning is not known, any may":     {version: "501", want: 1},
		"a reference token is made before its Secret":          {mods: []func(*v1alpha1.RefreshTokenGrant){reference}, version: "501", begin: true, want: 1},
		"a status write that failed may have been carried out": {version: "501", begin: true, failing: true, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing(tc.mods...)
			x := newWatchful(t, objects...)
			if tc.begin {
				x.grants.Begin(t.Context(), gen.Namespace)
			}
			if tc.failing {
				x.secretWrites, x.statusApplies = internalError, internalError
				x.at(g, tc.version)
				_, _ = x.bring(t, g) // fails, as it should
				x.secretWrites, x.statusApplies, x.looks = nil, nil, 0
			}
			x.at(g, tc.version)
			if _, err := x.bring(t, g); err != nil {
				t.Fatal(err)
			}
			if x.looks != tc.want {
				t.Errorf("%d looks, want %d", x.looks, tc.want)
			}
		})
	}
}

// TestHoweverLateTheDirectoryIsARevisionIsMadeOnce freezes the directory at every version that a grant
// has had, while its Secret is deleted and the leader changes.
func TestHoweverLateTheDirectoryIsARevisionIsMadeOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version string
		// leads makes another replica lead meanwhile. At its beginning the last one has long written.
		leads bool
	}{
		"at the grant's first version":                            {version: "1"},
		"at one of before the term":                               {version: "499"},
		"at that of the term's beginning":                         {version: "500"},
		"at one of the term":                                      {version: "501"},
		"at the grant's first version, and another replica leads": {version: "1", leads: true},
		"at one of before the term, and another replica leads":    {version: "499", leads: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing()
			x := newWatchful(t, objects...)
			x.grants.Begin(t.Context(), gen.Namespace)
			x.at(g, "501")
			if _, err := x.bring(t, g); err != nil {
				t.Fatal(err)
			}
			first := x.secretOf(g)
			if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(first), first); err != nil {
				t.Fatal(err)
			}
			if tc.leads {
				x.lead()
				x.grants.Begin(t.Context(), gen.Namespace)
			}
			// The Secret goes, and the directory shows the grant as it was before its status.
			if err := x.client.Delete(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				x.at(g, tc.version)
				x.Clock.Step(11 * time.Second) // no write is waited for that long
				if _, err := x.bring(t, g); err != nil {
					t.Fatal(err)
				}
			}
			after := x.secretOf(g)
			x.deliver(t, after)
			if token(after) != token(first) {
				t.Error("there are two tokens of one revision")
			}
		})
	}
}

func TestTheMostUrgentGrantsComeFirst(t *testing.T) {
	t.Parallel()
	const many, workers = 150, 16
	ttl := func(i int) time.Duration { return time.Duration(10+i*7%many*2) * time.Minute }
	var order []string
	var mu sync.Mutex
	objects := []client.Object{gen.AuthUser("alice", gen.UserScopes("orders:*")), gen.AuthClient("billing", gen.ClientScopes("orders:*"))}
	left := map[string]time.Duration{}
	for i := range many {
		name := fmt.Sprintf("grant-%03d", i)
		g := gen.RefreshTokenGrant(name, gen.Target(name), gen.GrantScopes("orders:read"))
		left[name] = ttl(i) - 30*time.Minute // some have expired, some have hours
		g.Status.NotAfter = gen.Time(tenant.Start.Add(left[name]))
		objects = append(objects, g)
	}
	x := newRoom(t, objects...)
	ctx, cancel := context.WithCancel(t.Context())
	x.common.Secrets = secretwriter.New(interceptor.NewClient(x.client.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			mu.Lock()
			defer mu.Unlock()
			if order = append(order, object.GetName()); len(order) == many {
				cancel()
			}
			return c.Create(ctx, object, options...)
		},
	}), x.client)
	grants := &controllers.RefreshTokenGrants{Common: x.common, Issuing: x.Service}
	if err := grants.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(order) != many {
		t.Fatalf("%d Secrets were written, want %d", len(order), many)
	}
	// Sixteen are at work at a time, so a place in the order is exact but for these.
	urgent := func(name string) int { return pacing.Urgency(left[name]) }
	for i, name := range order {
		for _, later := range order[min(i+2*workers, len(order)):] {
			if urgent(later) > urgent(name) {
				t.Fatalf("%s with %s left came long before %s with %s left", name, left[name], later, left[later])
			}
		}
	}
}
