package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
	"github.com/grantkeeper/grantkeeper/test/redis"
)

// patience bounds every wait. Only a test that fails reaches it.
const patience = 30 * time.Second

// place is one store of sessions as two replicas reach it.
type place struct {
	tenant   keys.Tenant
	replicas [2]issuing.Sessions
	now      time.Time
	// pass makes time pass by so much, or lets it pass by itself.
	pass func(time.Duration)
}

// places are the stores, each for a tenant that has no sessions yet.
var places = map[string]func(t *testing.T) *place{
	"Kubernetes": func(t *testing.T) *place {
		t.Helper()
		x := tenant.Live(t, cp)
		y := x.Replica(t, cp)
		return &place{
			tenant:   x.Ring.Tenant(),
			replicas: [2]issuing.Sessions{x.Service.Sessions, y.Service.Sessions},
			now:      tenant.Start,
			pass:     func(by time.Duration) { x.Clock.Step(by); y.Clock.Step(by) },
		}
	},
	"Redis": func(t *testing.T) *place {
		t.Helper()
		server := redis.Start(t, redis.Options{})
		return &place{
			tenant:   keys.Tenant{Namespace: gen.Namespace, UID: "b6a2ac70-ab4d-4b2c-8f0c-8a0c3c3c1f0e"},
			replicas: [2]issuing.Sessions{server.Sessions(t), server.Sessions(t)},
			now:      time.Now(),
			pass:     func(time.Duration) {},
		}
	},
}

// everywhere runs a test at each store.
func everywhere(t *testing.T, test func(t *testing.T, p *place)) {
	t.Helper()
	for name, open := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// one is a session of alice's that lives for an hour.
func (p *place) one(token string, mods ...func(*v1alpha1.AuthSessionSpec)) *v1alpha1.AuthSession {
	made := &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.tenant.Namespace, Name: tokens.SessionName(token)},
		Spec: v1alpha1.AuthSessionSpec{
			ID: gen.GrantID(token), Subject: gen.Subject("alice"), Username: "alice", ClientID: "phone", Mobile: true,
			ExpiresAt: metav1.NewTime(p.now.Add(time.Hour)), Sealed: []byte("sealed " + token),
		},
	}
	for _, mod := range mods {
		mod(&made.Spec)
	}
	return made
}

var unbounded = store.Bounds{Subject: store.Unbounded, Tenant: store.Unbounded}

func (p *place) create(t *testing.T, replica int, made *v1alpha1.AuthSession, bounds store.Bounds) {
	t.Helper()
	if err := p.replicas[replica].Create(t.Context(), p.tenant, made.DeepCopy(), bounds); err != nil {
		t.Fatalf("create the session: %v", err)
	}
}

// sameSpec compares what is stored of a session: an expiry is kept to the second.
func sameSpec(want, got v1alpha1.AuthSessionSpec) string {
	return cmp.Diff(want, got, cmp.Comparer(func(a, b metav1.Time) bool { return a.Unix() == b.Unix() }))
}

func TestASessionIsKnownToAllReplicasAtOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		wanted := p.one("a token")
		p.create(t, 0, wanted, unbounded)
		for i, replica := range p.replicas {
			found, err := replica.Session(t.Context(), p.tenant, wanted.Name)
			if err != nil {
				t.Fatalf("replica %d: %v", i, err)
			}
			if diff := sameSpec(wanted.Spec, found.Spec); diff != "" {
				t.Errorf("replica %d (-want +got):\n%s", i, diff)
			}
			if found.Name != wanted.Name || found.Namespace != wanted.Namespace {
				t.Errorf("replica %d calls it %s/%s", i, found.Namespace, found.Name)
			}
			if err := replica.Create(t.Context(), p.tenant, wanted.DeepCopy(), unbounded); !errors.Is(err, store.ErrExists) {
				t.Errorf("replica %d makes it again: %v, want ErrExists", i, err)
			}
		}
	})
}

func TestASessionEndsEverywhere(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		ended, stays := p.one("ended"), p.one("stays")
		p.create(t, 0, ended, unbounded)
		p.create(t, 0, stays, unbounded)
		for _, replica := range p.replicas { // to end it again is no error
			if err := replica.Delete(t.Context(), p.tenant, ended.Name); err != nil {
				t.Fatal(err)
			}
		}
		for i, replica := range p.replicas {
			controlplane.Eventually(t, patience, func(ctx context.Context) error {
				if _, err := replica.Session(ctx, p.tenant, ended.Name); !errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("replica %d: %w, want ErrNotFound", i, err)
				}
				all, err := gen.Collect(replica.OfTenant(ctx, p.tenant))
				if err != nil || len(all) != 1 || all[0].Name != stays.Name {
					return fmt.Errorf("replica %d lists %d sessions, error %w", i, len(all), err)
				}
				return nil
			})
		}
	})
}

func TestSessionsAreFoundByWhatTheyBelongTo(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		grant, elsewhere := gen.GrantID("a grant"), func(s *v1alpha1.AuthSessionSpec) { s.GrantNamespace = "team-b" }
		ofGrant := func(s *v1alpha1.AuthSessionSpec) { s.GrantID = grant }
		for token, mods := range map[string][]func(*v1alpha1.AuthSessionSpec){
			"login": nil, "of the grant": {ofGrant}, "of a grant elsewhere": {ofGrant, elsewhere},
			"bob's":     {func(s *v1alpha1.AuthSessionSpec) { s.Subject, s.Username = gen.Subject("bob"), "bob" }},
			"billing's": {func(s *v1alpha1.AuthSessionSpec) { s.Subject, s.Username, s.ClientID = "", "", "billing" }},
		} {
			p.create(t, 0, p.one(token, mods...), unbounded)
		}
		type found func(issuing.Sessions, context.Context) ([]*v1alpha1.AuthSession, error)
		for what, tc := range map[string]struct {
			find found
			want []string
		}{
			"the tenant": {func(s issuing.Sessions, ctx context.Context) ([]*v1alpha1.AuthSession, error) {
				return gen.Collect(s.OfTenant(ctx, p.tenant))
			}, []string{"billing's", "bob's", "login", "of a grant elsewhere", "of the grant"}},
			"alice": {func(s issuing.Sessions, ctx context.Context) ([]*v1alpha1.AuthSession, error) {
				return gen.Collect(s.OfSubject(ctx, p.tenant, gen.Subject("alice")))
			}, []string{"login", "of a grant elsewhere", "of the grant"}},
			"a client that acts for itself": {func(s issuing.Sessions, ctx context.Context) ([]*v1alpha1.AuthSession, error) {
				return gen.Collect(s.OfSubject(ctx, p.tenant, "billing"))
			}, []string{"billing's"}},
			"a grant": {func(s issuing.Sessions, ctx context.Context) ([]*v1alpha1.AuthSession, error) {
				return gen.Collect(s.OfGrant(ctx, p.tenant, grant))
			}, []string{"of the grant"}},
			"an id": {func(s issuing.Sessions, ctx context.Context) ([]*v1alpha1.AuthSession, error) {
				return s.ByID(ctx, p.tenant, gen.GrantID("bob's"))
			}, []string{"bob's"}},
			"an id that none has": {func(s issuing.Sessions, ctx context.Context) ([]*v1alpha1.AuthSession, error) {
				return s.ByID(ctx, p.tenant, gen.GrantID("none"))
			}, nil},
		} {
			for i, replica := range p.replicas {
				controlplane.Eventually(t, patience, func(ctx context.Context) error {
					all, err := tc.find(replica, ctx)
					if err != nil {
						return err
					}
					var got []string
					for _, session := range all {
						got = append(got, string(session.Spec.Sealed[len("sealed "):]))
					}
					slices.Sort(got)
					if diff := cmp.Diff(tc.want, got); diff != "" {
						return fmt.Errorf("of %s replica %d finds (-want +got):\n%s", what, i, diff)
					}
					return nil
				})
			}
		}
	})
}

func TestAnIDIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		p.create(t, 0, p.one("a token"), unbounded)
		for i, replica := range p.replicas {
			if all, err := replica.ByID(t.Context(), p.tenant, gen.GrantID("a token")); len(all) != 1 || err != nil {
				t.Errorf("replica %d finds %d sessions, error %v", i, len(all), err)
			}
		}
	})
}

// TestBoundsOfSessions fills the share of a namespace at one replica and asks for more at the other.
func TestBoundsOfSessions(t *testing.T) {
	t.Parallel()
	bob := func(s *v1alpha1.AuthSessionSpec) { s.Subject = gen.Subject("bob") }
	elsewhere := func(s *v1alpha1.AuthSessionSpec) { s.GrantID, s.GrantNamespace = gen.GrantID("g"), "team-b" }
	billing := func(s *v1alpha1.AuthSessionSpec) { s.Subject, s.ClientID = "", "billing" }
	phones := func(s *v1alpha1.AuthSessionSpec) { s.ClientID = "billing" } // with the user alice
	few := store.Bounds{Subject: 2, Tenant: 100}
	tests := map[string]struct {
		standing, more func(*v1alpha1.AuthSessionSpec)
		bounds         store.Bounds
		want           error
	}{
		"a subject past its bound":                   {bounds: few, want: store.ErrSubjectFull},
		"a subject below it":                         {bounds: store.Bounds{Subject: 3, Tenant: 100}},
		"a bound of none":                            {bounds: store.Bounds{Subject: 0, Tenant: 100}, want: store.ErrSubjectFull},
		"another subject":                            {more: bob, bounds: few},
		"the same subject from elsewhere":            {more: elsewhere, bounds: few},
		"the subject of those from elsewhere":        {standing: elsewhere, bounds: few},
		"those from elsewhere past their own":        {standing: elsewhere, more: elsewhere, bounds: few, want: store.ErrSubjectFull},
		"a client that acts for itself":              {standing: billing, more: billing, bounds: few, want: store.ErrSubjectFull},
		"a client beside the users it is used by":    {standing: phones, more: billing, bounds: few},
		"a tenant past its bound, whoever it is for": {more: bob, bounds: store.Bounds{Subject: 100, Tenant: 2}, want: store.ErrTenantFull},
		"a full tenant from elsewhere":               {more: elsewhere, bounds: store.Bounds{Subject: 100, Tenant: 2}},
		"no bounds":                                  {bounds: unbounded},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, func(t *testing.T, p *place) {
				t.Helper()
				mods := func(mod func(*v1alpha1.AuthSessionSpec)) (all []func(*v1alpha1.AuthSessionSpec)) {
					if mod != nil {
						all = append(all, mod)
					}
					return all
				}
				for _, token := range []string{"first", "second"} {
					p.create(t, 0, p.one(token, mods(tc.standing)...), unbounded)
				}
				p.await(t, 2)
				third := p.one("third", mods(tc.more)...)
				if err := p.replicas[1].Room(t.Context(), p.tenant, store.OwnerOf(third), tc.bounds); !errors.Is(err, tc.want) {
					t.Errorf("room: %v, want %v", err, tc.want)
				}
				if err := p.replicas[1].Create(t.Context(), p.tenant, third, tc.bounds); !errors.Is(err, tc.want) {
					t.Errorf("create: %v, want %v", err, tc.want)
				}
				_, err := p.replicas[0].Session(t.Context(), p.tenant, third.Name)
				if stands := err == nil; stands != (tc.want == nil) {
					t.Errorf("it stands: %t, error %v", stands, err)
				}
			})
		})
	}
}

// await waits until both replicas know of so many sessions.
func (p *place) await(t *testing.T, sessions int) {
	t.Helper()
	for _, replica := range p.replicas {
		controlplane.Eventually(t, patience, func(ctx context.Context) error {
			if all, err := gen.Collect(replica.OfTenant(ctx, p.tenant)); len(all) != sessions || err != nil {
				return fmt.Errorf("%d sessions, error %w", len(all), err)
			}
			return nil
		})
	}
}

// TestWhatHasEndedMakesRoom fills alice's bound and ends a session at one replica, or lets it expire. The
// other has room at once.
func TestWhatHasEndedMakesRoom(t *testing.T) {
	t.Parallel()
	const bound = 2
	bounds := store.Bounds{Subject: bound, Tenant: 100}
	ends := map[string]func(t *testing.T, p *place, ending *v1alpha1.AuthSession){
		"by hand": func(t *testing.T, p *place, ending *v1alpha1.AuthSession) {
			t.Helper()
			if err := p.replicas[0].Delete(t.Context(), p.tenant, ending.Name); err != nil {
				t.Fatal(err)
			}
		},
		"by itself": func(t *testing.T, p *place, ending *v1alpha1.AuthSession) {
			t.Helper()
			p.pass(ending.Spec.ExpiresAt.Sub(p.now))
			controlplane.Eventually(t, patience, func(ctx context.Context) error {
				return p.replicas[1].Room(ctx, p.tenant, store.OwnerOf(ending), bounds)
			})
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everywhere(t, func(t *testing.T, p *place) {
				t.Helper()
				ending := p.one("ending", func(s *v1alpha1.AuthSessionSpec) { s.ExpiresAt = metav1.NewTime(p.now.Add(3 * time.Second)) })
				p.create(t, 0, ending, bounds)
				standing := p.one("standing")
				p.create(t, 0, standing, bounds)
				controlplane.Eventually(t, patience, func(ctx context.Context) error {
					all, err := gen.Collect(p.replicas[1].OfTenant(ctx, p.tenant))
					if !slices.ContainsFunc(all, func(s *v1alpha1.AuthSession) bool { return s.Name == standing.Name }) {
						return fmt.Errorf("it is not known, error %w", err)
					}
					return nil
				})
				end(t, p, ending)
				p.create(t, 1, p.one("next"), bounds)
				if err := p.replicas[1].Create(t.Context(), p.tenant, p.one("past"), bounds); !errors.Is(err, store.ErrSubjectFull) {
					t.Errorf("one more: %v, want ErrSubjectFull", err)
				}
			})
		})
	}
}

func TestParallelSessionsHoldTheBoundExactly(t *testing.T) {
	t.Parallel()
	const bound, many = 5, 16
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		var all sync.WaitGroup
		results := make([]error, many)
		for i := range many {
			all.Go(func() {
				made := p.one(fmt.Sprintf("token %d", i))
				results[i] = p.replicas[i%2].Create(t.Context(), p.tenant, made, store.Bounds{Subject: bound, Tenant: store.Unbounded})
			})
		}
		all.Wait()
		admitted := 0
		for _, err := range results {
			switch {
			case err == nil:
				admitted++
			case !errors.Is(err, store.ErrSubjectFull):
				t.Errorf("error %v", err)
			}
		}
		if admitted != bound {
			t.Errorf("%d are admitted, want %d", admitted, bound)
		}
		p.await(t, bound)
	})
}

func TestTenantsSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		made := p.one("a token")
		p.create(t, 0, made, unbounded)
		other := p.tenant
		// In Kubernetes the namespace is the tenant, elsewhere its uid: one that was made again is another.
		other.Namespace, other.UID = "another", "0d9c7d3a-6c3c-4c55-8e9b-3b1d5a1f9a77"
		s := p.replicas[0]
		if _, err := s.Session(t.Context(), other, made.Name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by its name: %v", err)
		}
		ofTenant, err1 := gen.Collect(s.OfTenant(t.Context(), other))
		ofSubject, err2 := gen.Collect(s.OfSubject(t.Context(), other, made.Spec.Subject))
		byID, err3 := s.ByID(t.Context(), other, made.Spec.ID)
		if err := errors.Join(err1, err2, err3); err != nil || len(ofTenant)+len(ofSubject)+len(byID) > 0 {
			t.Errorf("error %v, found %v, %v, %v", err, ofTenant, ofSubject, byID)
		}
		if err := s.Room(t.Context(), other, store.OwnerOf(made), store.Bounds{Subject: 1, Tenant: 1}); err != nil {
			t.Errorf("room: %v", err)
		}
		if err := s.Delete(t.Context(), other, made.Name); err != nil {
			t.Error(err)
		}
		if _, err := s.Session(t.Context(), p.tenant, made.Name); err != nil {
			t.Errorf("after it was deleted elsewhere: %v", err)
		}
	})
}

// TestASessionCanBeMadeAgain right after the other replica has ended it, which this one may not have heard.
func TestASessionCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *place) {
		t.Helper()
		made := p.one("a token")
		p.create(t, 0, made, unbounded)
		if err := p.replicas[1].Delete(t.Context(), p.tenant, made.Name); err != nil {
			t.Fatal(err)
		}
		p.create(t, 0, made, unbounded)
		for i, replica := range p.replicas {
			controlplane.Eventually(t, patience, func(ctx context.Context) error {
				if _, err := replica.Session(ctx, p.tenant, made.Name); err != nil {
					return fmt.Errorf("replica %d: %w", i, err)
				}
				return nil
			})
		}
	})
}
