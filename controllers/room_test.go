package controllers_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// room is one tenant whose API server fails when the test wants it to, and whose watches deliver when
// the test says so. What a real API server does is tested in test/operator.
type room struct {
	*tenant.Tenant
	client client.Client
	common controllers.Common
	events *events.FakeRecorder
	grants *controllers.RefreshTokenGrants
	users  *controllers.AuthUsers
	// failures of the calls that come; nil: none.
	secretWrites, statusApplies, patches func() error
	// created and updated count the Secrets that were written.
	created, updated atomic.Int64
	// deleted are the uids that deletions were bound to.
	deleted []types.UID
}

func newRoom(t *testing.T, objects ...client.Object) *room {
	t.Helper()
	x := &room{Tenant: tenant.Memory(t), events: events.NewFakeRecorder(1000)}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	base := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.AuthTenant{}, &v1alpha1.AuthUser{}, &v1alpha1.AuthClient{}, &v1alpha1.RefreshTokenGrant{}).Build()
	x.client = interceptor.NewClient(base, x.failing())
	kubernetes := store.NewKubernetes(x.client)
	live := store.NewLive(kubernetes, x.Clock)
	x.Service.Store, x.Service.Live = kubernetes, live
	x.Service.Sessions = store.NewSessions(x.Directory, kubernetes, live, x.Clock)
	x.common = controllers.Common{
		Directory: x.Directory,
		Client:    x.client,
		Live:      x.client,
		Secrets:   secretwriter.New(x.client, x.client),
		Events:    x.events,
		Clock:     x.Clock,
		Rand:      rand.Reader,
	}
	x.grants = &controllers.RefreshTokenGrants{Common: x.common, Issuing: x.Service}
	x.users = &controllers.AuthUsers{Common: x.common}
	x.Directory.SetTrust([]byte("a bundle"))
	for _, object := range objects {
		x.deliver(t, object)
	}
	return x
}

func (x *room) failing() interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if err := x.fails(object, x.secretWrites); err != nil {
				return err
			}
			x.created.Add(1)
			return c.Create(ctx, object, options...)
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.UpdateOption) error {
			if err := x.fails(object, x.secretWrites); err != nil {
				return err
			}
			x.updated.Add(1)
			return c.Update(ctx, object, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if x.patches != nil {
				if err := x.patches(); err != nil {
					return err
				}
			}
			return c.Patch(ctx, object, patch, options...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			asked := (&client.DeleteOptions{}).ApplyOptions(options)
			if asked.Preconditions != nil && asked.Preconditions.UID != nil { // which the fake does not look at
				x.deleted = append(x.deleted, *asked.Preconditions.UID)
			}
			return c.Delete(ctx, object, options...)
		},
		SubResourceApply: func(ctx context.Context, c client.Client, sub string, object runtime.ApplyConfiguration, options ...client.SubResourceApplyOption) error {
			if x.statusApplies != nil {
				if err := x.statusApplies(); err != nil {
					return err
				}
			}
			return c.SubResource(sub).Apply(ctx, object, options...)
		},
	}
}

func (x *room) fails(object client.Object, failure func() error) error {
	if _, isSecret := object.(*corev1.Secret); !isSecret || failure == nil {
		return nil
	}
	return failure()
}

// deliver brings to the directory how an object stands now, as a watch does.
func (x *room) deliver(t *testing.T, object client.Object) {
	t.Helper()
	err := x.client.Get(t.Context(), client.ObjectKeyFromObject(object), object)
	switch {
	case apierrors.IsNotFound(err):
		x.Directory.Remove(object)
	case err != nil:
		t.Fatal(err)
	default:
		x.Directory.Put(object.DeepCopyObject().(client.Object))
	}
}

// bring reconciles a grant once and delivers nothing.
func (x *room) bring(t *testing.T, g *v1alpha1.RefreshTokenGrant) (reconcile.Result, error) {
	t.Helper()
	return x.grants.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(g)})
}

// settle reconciles a grant that nothing stands in the way of, and delivers what came of it.
func (x *room) settle(t *testing.T, g *v1alpha1.RefreshTokenGrant) (*corev1.Secret, reconcile.Result) {
	t.Helper()
	result, err := x.bring(t, g)
	if err != nil {
		t.Fatalf("Reconcile: %v", err)
	}
	x.deliver(t, g)
	secret := x.secretOf(g)
	x.deliver(t, secret)
	return secret, result
}

func (x *room) secretOf(g *v1alpha1.RefreshTokenGrant) *corev1.Secret {
	secret := &corev1.Secret{}
	secret.Namespace = g.Namespace
	secret.Name, _ = g.TargetName()
	return secret
}

func token(secret *corev1.Secret) string { return string(secret.Data[v1alpha1.KeyAccessToken]) }

// wantCondition compares a condition of a grant as the API server has it.
func (x *room) wantCondition(t *testing.T, g *v1alpha1.RefreshTokenGrant, condition, want string) {
	t.Helper()
	if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(g), g); err != nil {
		t.Fatal(err)
	}
	found := meta.FindStatusCondition(g.Status.Conditions, condition)
	if found == nil {
		t.Fatalf("no condition %s", condition)
	}
	if got := string(found.Status) + "/" + found.Reason; got != want {
		t.Errorf("%s is %s (%s), want %s", condition, got, found.Message, want)
	}
}

// issuing is a grant with all that it needs.
func issuing(mods ...func(*v1alpha1.RefreshTokenGrant)) (*v1alpha1.RefreshTokenGrant, []client.Object) {
	g := gen.RefreshTokenGrant("grant", append([]func(*v1alpha1.RefreshTokenGrant){gen.Target("token"), gen.GrantScopes("orders:read")}, mods...)...)
	return g, []client.Object{
		gen.AuthUser("alice", gen.UserScopes("orders:*")),
		gen.AuthClient("billing", gen.ClientScopes("orders:*")),
		g,
	}
}

func internalError() error { return apierrors.NewInternalError(errors.New("etcd has no leader")) }

func conflict() error {
	return apierrors.NewConflict(corev1.Resource("secrets"), "token", errors.New("it has changed"))
}

func TestAStatusThatIsNeverWrittenMakesNoSecondToken(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.statusApplies = conflict
	for range 5 {
		if _, err := x.bring(t, g); err == nil {
			t.Error("Reconcile hides that the status was not written")
		}
		x.Clock.Step(time.Second)
		x.deliver(t, x.secretOf(g))
	}
	secret := x.secretOf(g)
	x.deliver(t, secret)
	if x.created.Load() != 1 || x.updated.Load() != 0 {
		t.Errorf("%d Secrets created and %d updated, want one", x.created.Load(), x.updated.Load())
	}
	x.statusApplies = nil
	before := token(secret)
	if after, _ := x.settle(t, g); token(after) != before || g.Status.Revision != 1 {
		t.Errorf("revision %d, the same token: %t", g.Status.Revision, token(after) == before)
	}
}

func TestAStatusThatIsNeverWrittenMakesNoSecondTokenEvenWhereTheSecretIsNotSeen(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.statusApplies = conflict
	for range 3 {
		_, _ = x.bring(t, g) // fails: see the test above
		x.Clock.Step(time.Second)
	}
	if x.updated.Load() != 0 {
		t.Errorf("the Secret was updated %d times", x.updated.Load())
	}
}

func TestASecretThatKeepsChangingIsGivenUpForNow(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	before, _ := x.settle(t, g)
	g.Spec.Scopes = []string{"orders:write"}
	if err := x.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, g)
	storms := 0
	x.secretWrites = func() error { storms++; return conflict() }
	x.Clock.Step(time.Second)
	if _, err := x.bring(t, g); err == nil || !strings.Contains(err.Error(), "another writer keeps changing the Secret") {
		t.Errorf("Reconcile: %v, want that it lost the race", err)
	}
	if storms != 3 {
		t.Errorf("%d attempts, want 3", storms)
	}
	x.deliver(t, g)
	// The Secret holds a token, but not with the scopes that are asked for now.
	x.wantCondition(t, g, v1alpha1.ConditionReady, "False/BackingOff")
	x.wantCondition(t, g, v1alpha1.ConditionIssuing, "False/BackingOff")
	x.secretWrites = nil
	after, _ := x.settle(t, g)
	if token(after) == token(before) || g.Status.Revision != 2 {
		t.Errorf("revision %d, another token: %t", g.Status.Revision, token(after) != token(before))
	}
	x.wantCondition(t, g, v1alpha1.ConditionIssuing, "True/Scheduled")
}

func TestAWriteThatFailsDoesNotSpoilAGoodToken(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.secretWrites = internalError
	if _, err := x.bring(t, g); err == nil {
		t.Error("Reconcile hides that the Secret was not written")
	}
	x.deliver(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "False/BackingOff")
	x.secretWrites = nil
	x.settle(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "True/Issued")

	renewal := g.Status.RenewalTime
	x.Clock.SetTime(renewal.Time)
	x.secretWrites = internalError
	if _, err := x.bring(t, g); err == nil {
		t.Error("Reconcile hides that the token was not renewed")
	}
	x.deliver(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "True/Issued")
	x.wantCondition(t, g, v1alpha1.ConditionIssuing, "False/BackingOff")
	if !g.Status.RenewalTime.Equal(renewal) {
		t.Errorf("renewalTime %v, want it to stay at %v", g.Status.RenewalTime, renewal)
	}

	x.Clock.SetTime(g.Status.NotAfter.Time)
	_, _ = x.bring(t, g) // fails as before
	x.wantCondition(t, g, v1alpha1.ConditionReady, "False/BackingOff")
}

func TestANewLeaderWhoseWatchIsLateMakesNoSecondToken(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	if _, err := x.bring(t, g); err != nil {
		t.Fatal(err)
	}
	before := x.secretOf(g)
	if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(before), before); err != nil {
		t.Fatal(err)
	}
	if err := x.client.Delete(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	// Another replica leads. It has not seen the status, and nothing of what the last leader knew.
	x.grants = &controllers.RefreshTokenGrants{Common: x.common, Issuing: x.Service}
	x.Clock.Step(time.Minute)
	if after, _ := x.settle(t, g); token(after) != token(before) || g.Status.Revision != 1 {
		t.Errorf("revision %d, the same token: %t", g.Status.Revision, token(after) == token(before))
	}
}

func TestAReferenceTokenThatReachesNoSecretIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, stand := range map[string]func(*testing.T, *room){
		"a Secret of somebody else's is in the way": func(t *testing.T, x *room) {
			t.Helper()
			foreign := &corev1.Secret{}
			foreign.Namespace, foreign.Name = gen.Namespace, "token"
			if err := x.client.Create(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
		},
		"the API server forbids the Secret": func(_ *testing.T, x *room) {
			x.secretWrites = func() error {
				return apierrors.NewForbidden(corev1.Resource("secrets"), "token", errors.New("the quota is used up"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing(func(g *v1alpha1.RefreshTokenGrant) {
				g.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference}
			})
			x := newRoom(t, objects...)
			stand(t, x)
			for range 5 {
				_, _ = x.bring(t, g) // whether it is an error is the other tests' to say
				x.deliver(t, g)
				x.Clock.Step(time.Minute)
			}
			sessions := &v1alpha1.AuthSessionList{}
			if err := x.client.List(t.Context(), sessions); err != nil {
				t.Fatal(err)
			}
			if len(sessions.Items) != 0 {
				t.Errorf("%d sessions are left of tokens that nobody has", len(sessions.Items))
			}
		})
	}
}

func TestADecisionWaitsForTheStatusThatTheLastOneWrote(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wait        time.Duration
		wantWritten int64 // Secrets, beside the first one
	}{
		"while the watch is as late as watches are":      {wait: time.Second, wantWritten: 0},
		"but not forever, for a renewal might be missed": {wait: 10 * time.Second, wantWritten: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing()
			x := newRoom(t, objects...)
			if _, err := x.bring(t, g); err != nil {
				t.Fatal(err)
			}
			// The Secret goes. That is known at once; the grant's status is not.
			secret := x.secretOf(g)
			if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
				t.Fatal(err)
			}
			if err := x.client.Delete(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			x.Clock.Step(tc.wait)
			result, err := x.bring(t, g)
			if err != nil {
				t.Fatal(err)
			}
			if written := x.created.Load() - 1; written != tc.wantWritten {
				t.Fatalf("%d Secrets were written before the status was seen, want %d", written, tc.wantWritten)
			}
			if tc.wantWritten == 0 && result.RequeueAfter == 0 {
				t.Error("nobody looks again")
			}
			x.deliver(t, g)
			if after, _ := x.settle(t, g); token(after) != token(secret) || g.Status.Revision != 1 {
				t.Errorf("revision %d, the same token: %t", g.Status.Revision, token(after) == token(secret))
			}
		})
	}
}

func TestATokenRevokedWithinItsSecondIsReplacedInTheNext(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	before, _ := x.settle(t, g)
	x.Put(gen.TokenRevocation(g.Status.TokenID, g.Status.NotAfter.Time))
	_, result := x.settle(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "False/SecondTaken")
	if result.RequeueAfter <= 0 || result.RequeueAfter > time.Second {
		t.Errorf("looks again after %s, want within a second", result.RequeueAfter)
	}
	x.Clock.Step(result.RequeueAfter)
	after, _ := x.settle(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "True/Issued")
	if token(after) == token(before) || g.Status.Revision != 2 {
		t.Errorf("revision %d, another token: %t", g.Status.Revision, token(after) != token(before))
	}
}

func TestAGrantIsLookedAtAgainAsSoonAsSomethingIsDue(t *testing.T) {
	t.Parallel()
	foreign := &corev1.Secret{}
	foreign.Namespace, foreign.Name = gen.Namespace, "token"
	short := func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{TTL: new(v1alpha1.Duration("90s")), RenewBefore: new(v1alpha1.Duration("30s"))}
	}
	for name, tc := range map[string]struct {
		mods        []func(*v1alpha1.RefreshTokenGrant)
		others      []client.Object
		least, most time.Duration
	}{
		"a renewal that is far off: the wall clock is polled": {least: 2 * time.Minute, most: 2 * time.Minute},
		"a renewal that is near":                              {mods: []func(*v1alpha1.RefreshTokenGrant){short}, least: 57 * time.Second, most: time.Minute},
		"an end that is nearer": {
			mods: []func(*v1alpha1.RefreshTokenGrant){gen.GrantExpires(tenant.Start.Add(20 * time.Second))}, least: 20 * time.Second, most: 20 * time.Second,
		},
		"a Secret in the way, of which no watch tells": {others: []client.Object{foreign}, least: 30 * time.Second, most: 30 * time.Second},
		"a grant that only a change can help": {
			mods: []func(*v1alpha1.RefreshTokenGrant){gen.GrantState(v1alpha1.GrantStateSuspended)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing(tc.mods...)
			x := newRoom(t, objects...)
			for _, other := range tc.others {
				if err := x.client.Create(t.Context(), other.DeepCopyObject().(client.Object)); err != nil {
					t.Fatal(err)
				}
			}
			result, err := x.bring(t, g)
			if err != nil {
				t.Fatal(err)
			}
			if result.RequeueAfter < tc.least || result.RequeueAfter > tc.most {
				t.Errorf("looks again after %s, want %s to %s", result.RequeueAfter, tc.least, tc.most)
			}
		})
	}
}

func TestAGeneratedPasswordIsInItsSecretBeforeItIsInStatus(t *testing.T) {
	t.Parallel()
	user := gen.AuthUser("alice", func(u *v1alpha1.AuthUser) {
		u.Spec.Password = &v1alpha1.UserPassword{Generate: &v1alpha1.GeneratedPassword{SecretName: "generated"}}
	})
	x := newRoom(t, user)
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = gen.Namespace, "generated"
	bring := func() error {
		_, err := x.users.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(user)})
		return err
	}

	x.secretWrites = internalError
	if err := bring(); err == nil {
		t.Error("Reconcile hides that the Secret was not written")
	}
	x.deliver(t, user)
	if user.Status.GeneratedAt != nil {
		t.Error("status speaks of a password that no Secret holds")
	}

	x.secretWrites, x.statusApplies = nil, conflict
	x.Clock.Step(time.Second)
	if err := bring(); err == nil {
		t.Error("Reconcile hides that the status was not written")
	}
	x.deliver(t, secret)
	first := string(secret.Data[v1alpha1.KeyPassword])

	x.statusApplies = nil
	x.Clock.Step(time.Minute)
	if err := bring(); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, user)
	x.deliver(t, secret)
	if string(secret.Data[v1alpha1.KeyPassword]) != first || first == "" {
		t.Error("the password has changed because the status was late")
	}
	if want := tenant.Start.Add(time.Second); !user.Status.GeneratedAt.Time.Equal(want) {
		t.Errorf("generatedAt %s, want %s", user.Status.GeneratedAt, want)
	}
}
