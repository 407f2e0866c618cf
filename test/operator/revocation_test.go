package operator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// createAsEndpoint creates objects as the token endpoint does: a person may not.
func (s *scene) createAsEndpoint(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := endpoint.Create(t.Context(), gen.In(s.namespace, object)); err != nil {
			t.Fatalf("create %T %q: %v", object, object.GetName(), err)
		}
	}
}

func TestARevokedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t)
	dead := g.Status.TokenID
	s.createAsEndpoint(t, gen.TokenRevocation(dead, g.Status.NotAfter.Time))
	awaitSecret(t, s.namespace, before.Name, hasRevision(2))
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(g), g); err != nil {
			return err
		}
		if g.Status.TokenID == dead {
			return errors.New("the token in status is the revoked one")
		}
		return nil
	})
	remove(t, secretOf(t, g))
	awaitSecret(t, s.namespace, before.Name, hasRevision(2))
}

func TestAMovedEpochReplacesEveryTokenOfTheGrant(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t, gen.DeliversRefreshToken())
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"epoch":2}}`))
	awaitForbidden(t, "revoke its refresh token over HTTP", func(ctx context.Context) error {
		return admin.Patch(ctx, g.DeepCopy(), patch, client.DryRunAll)
	})
	if err := endpoint.Patch(t.Context(), g.DeepCopy(), patch); err != nil {
		t.Fatal(err)
	}
	after := awaitSecret(t, s.namespace, before.Name, hasRevision(2))
	for _, key := range []string{v1alpha1.KeyAccessToken, v1alpha1.KeyRefreshToken} {
		if string(after.Data[key]) == string(before.Data[key]) {
			t.Errorf("%s is that of the old epoch", key)
		}
	}
	claims, err := byGoJose(string(after.Data[v1alpha1.KeyAccessToken]), jwks(t, after))
	if err != nil || claims["sid"] != g.Spec.ID+".2" {
		t.Errorf("sid %v, %v", claims["sid"], err)
	}
}

func TestAPersonMayNotMakeWhatOnlyTheEndpointMakes(t *testing.T) {
	t.Parallel()
	s := newScene()
	expires := time.Now().Add(time.Hour)
	for _, object := range []client.Object{
		&v1alpha1.AuthSession{
			ObjectMeta: metav1.ObjectMeta{Name: tokens.SessionName("x")},
			Spec:       v1alpha1.AuthSessionSpec{Subject: gen.Subject("x"), Username: "x", ExpiresAt: metav1.NewTime(expires), Sealed: []byte("x")},
		},
		gen.TokenRevocation(gen.GrantID("x"), expires),
	} {
		gen.In(s.namespace, object)
		awaitForbidden(t, "only the operator", func(ctx context.Context) error {
			return admin.Create(ctx, object, client.DryRunAll)
		})
	}
}

// awaitForbidden waits until a person is refused something, with a message that says what to do. The
// API server takes in a new admission policy a moment after it was installed.
func awaitForbidden(t *testing.T, message string, try func(context.Context) error) {
	t.Helper()
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		err := try(ctx)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), message) {
			return fmt.Errorf("got %q, want a refusal with %q", fmt.Sprint(err), message)
		}
		return nil
	})
}

func TestWhatHasExpiredIsSwept(t *testing.T) {
	t.Parallel()
	s := newScene()
	soon := time.Now().Add(3 * time.Second)
	session := func(name string, expiresAt time.Time) *v1alpha1.AuthSession {
		return &v1alpha1.AuthSession{
			ObjectMeta: metav1.ObjectMeta{Name: tokens.SessionName(s.name(name))},
			Spec: v1alpha1.AuthSessionSpec{
				Subject: gen.Subject(s.name("nobody")), Username: "nobody", ExpiresAt: metav1.NewTime(expiresAt), Sealed: []byte("sealed"),
			},
		}
	}
	stays, goes, gone := session("stays", soon.Add(time.Hour)), session("goes", soon), session("gone", soon.Add(-time.Hour))
	revocation := gen.TokenRevocation(gen.GrantID(s.name("revoked")), soon.Add(-3*time.Hour)) // which are its grace
	s.createAsEndpoint(t, stays, goes, gone, revocation)
	awaitGone(t, gone)
	awaitGone(t, goes)
	awaitGone(t, revocation)
	if time.Now().Before(soon.Truncate(time.Second)) {
		t.Error("something was swept before it had expired")
	}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(stays), stays); err != nil {
		t.Errorf("a session that is good: %v", err)
	}
}

func TestAnAppliedGrantIsNeverSweptAndAnEndpointMadeOneIs(t *testing.T) {
	t.Parallel()
	s := newScene()
	soon := time.Now().Add(3 * time.Second)
	applied := s.grantNamed("applied", gen.GrantExpires(soon))
	made := s.grantNamed("made", gen.FromLogin(time.Now(), ""), gen.GrantExpires(soon), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Target = nil })
	seen.Excuse(applied.Spec.ID) // its token may expire
	s.apply(t, s.user(), s.client(), applied)
	s.createAsEndpoint(t, made)
	awaitGone(t, made)
	awaitRefused(t, applied, v1alpha1.ReasonExpired)
}

func TestTheSessionsOfADisabledUserEndForGood(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t, formats["of a reference token"])
	session := &v1alpha1.AuthSession{}
	session.Namespace, session.Name = s.namespace, tokens.SessionName(string(before.Data[v1alpha1.KeyAccessToken]))
	user := gen.In(s.namespace, s.user())
	edit(t, user, gen.Disabled())
	awaitGone(t, session)
	awaitRefused(t, g, v1alpha1.ReasonUserNotReady)
	sameData(t, "while the user is disabled", secretOf(t, g), before)
	edit(t, user, func(u *v1alpha1.AuthUser) { u.Spec.State = v1alpha1.UserStateEnabled })
	awaitReady(t, g)
	if err := hasRevision(2)(secretOf(t, g)); err != nil {
		t.Error(err)
	}
}
