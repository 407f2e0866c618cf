package controllers_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// vandal changes a grant's Secret again and again.
type vandal struct {
	*room
	g      *v1alpha1.RefreshTokenGrant
	change func(*corev1.Secret)
}

// strike changes or deletes the Secret, if it is not as the vandal wants it, and the operator looks at it.
// It returns whether the operator brought the Secret back, and when it wants to look again.
func (v *vandal) strike(t *testing.T) (repaired bool, again time.Duration) {
	t.Helper()
	secret := v.secretOf(v.g)
	if err := v.client.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	} else if err == nil {
		if v.change == nil {
			err = v.client.Delete(t.Context(), secret)
		} else {
			v.change(secret)
			err = v.client.Update(t.Context(), secret, client.FieldOwner("vandal"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return v.look(t)
}

// look lets the operator look at the Secret.
func (v *vandal) look(t *testing.T) (repaired bool, again time.Duration) {
	t.Helper()
	v.deliver(t, v.secretOf(v.g))
	written := v.created.Load() + v.updated.Load()
	result, err := v.bring(t, v.g)
	if err != nil {
		t.Fatal(err)
	}
	after := v.created.Load() + v.updated.Load()
	v.deliver(t, v.g)
	v.deliver(t, v.secretOf(v.g))
	return after > written, result.RequeueAfter
}

func drifted(g *v1alpha1.RefreshTokenGrant) string {
	condition := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionDrifted)
	if condition == nil {
		return ""
	}
	return condition.Message
}

func TestACompetingWriterIsNotFoughtMoreThanTwelveTimesAMinute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*corev1.Secret)
		// wantReady is what the grant is while the Secret is left.
		wantReady string
	}{
		"who adds a key": {change: func(s *corev1.Secret) { s.Data["more"] = []byte("more") }, wantReady: "True/Issued"},
		"who replaces the token": {
			change: func(s *corev1.Secret) { s.Data[v1alpha1.KeyAccessToken] = []byte("replaced") }, wantReady: "False/CompetingWriter",
		},
		"who deletes the Secret": {wantReady: "False/CompetingWriter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing()
			x := newRoom(t, objects...)
			before, _ := x.settle(t, g)
			v := &vandal{room: x, g: g, change: tc.change}
			var repairs []time.Time
			for second := range 180 {
				repaired, again := v.strike(t)
				if repaired {
					repairs = append(repairs, x.Clock.Now())
				} else if again <= 0 || again > 10*time.Second {
					t.Fatalf("second %d: the Secret is left, and looked at again after %s", second, again)
				}
				if !repaired {
					x.wantCondition(t, g, v1alpha1.ConditionReady, tc.wantReady)
					if message := drifted(g); !strings.Contains(message, `Secret "token"`) {
						t.Fatalf("Drifted says %q", message)
					}
				}
				x.Clock.Step(time.Second)
			}
			for i, first := range repairs {
				if i+12 < len(repairs) && repairs[i+12].Sub(first) < time.Minute {
					t.Fatalf("%d repairs in the minute from %s", 13, first)
				}
			}
			if len(repairs) < 20 {
				t.Errorf("%d repairs in three minutes: the Secret was given up", len(repairs))
			}
			// The vandal goes.
			for range 12 {
				_, again := v.look(t)
				x.Clock.Step(min(max(again, time.Second), 30*time.Second))
			}
			after := x.secretOf(g)
			x.deliver(t, after)
			if token(after) != token(before) || len(after.Data) != len(before.Data) {
				t.Error("the Secret was not brought back")
			}
			x.wantCondition(t, g, v1alpha1.ConditionReady, "True/Issued")
			if message := drifted(g); message != "" {
				t.Errorf("Drifted still says %q", message)
			}
		})
	}
}

func TestNoTokenExpiresBecauseItsSecretIsFoughtFor(t *testing.T) {
	t.Parallel()
	g, objects := issuing(func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{TTL: new(v1alpha1.Duration("60s")), RenewBefore: new(v1alpha1.Duration("30s"))}
	})
	x := newRoom(t, objects...)
	x.settle(t, g)
	v := &vandal{room: x, g: g, change: func(s *corev1.Secret) { s.Data["more"] = []byte("more") }}
	for range 120 {
		v.strike(t)
		if g.Status.NotAfter.Time.Before(x.Clock.Now().Add(25 * time.Second)) {
			t.Fatalf("the token expires at %s, now is %s", g.Status.NotAfter, x.Clock.Now())
		}
		x.Clock.Step(time.Second)
	}
	if g.Status.Revision < 4 {
		t.Errorf("revision %d after two minutes of half a minute each", g.Status.Revision)
	}
}

func TestAnOldSecretThatIsPutBackAgainAndAgainIsLeftToo(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	old, _ := x.settle(t, g)
	held := old.DeepCopy()
	g.Spec.Scopes = []string{"orders:write"}
	if err := x.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, g)
	x.Clock.Step(time.Second)
	x.settle(t, g)
	v := &vandal{room: x, g: g, change: func(s *corev1.Secret) { s.Data, s.Annotations = held.Data, held.Annotations }}
	from := g.Status.Revision
	for range 60 {
		v.strike(t)
		x.Clock.Step(time.Second)
	}
	if made := g.Status.Revision - from; made > 12 {
		t.Errorf("%d revisions in a minute", made)
	}
	x.wantCondition(t, g, v1alpha1.ConditionIssuing, "False/CompetingWriter")
}

func TestARepairIsToldOnce(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.settle(t, g)
	v := &vandal{room: x, g: g, change: func(s *corev1.Secret) { s.Data["more"] = []byte("more") }}
	v.strike(t)
	for range 3 {
		v.look(t)
	}
	if told := len(x.events.Events); told != 1 {
		t.Errorf("%d Events, want one", told)
	}
}

func TestTheOperatorSaysWhatItCouldNotWriteIntoASpec(t *testing.T) {
	t.Parallel()
	g := gen.RefreshTokenGrant("grant", gen.Target("token"), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = "" })
	x := newRoom(t, gen.AuthUser("alice"), gen.AuthClient("billing"), g)
	x.patches = internalError
	if _, err := x.bring(t, g); err == nil {
		t.Error("Reconcile hides that the id was not written")
	}
	x.wantCondition(t, g, v1alpha1.ConditionReady, "False/Pending")
	x.patches = nil
	x.deliver(t, g)
	x.Clock.Step(15 * time.Second)
	x.settle(t, g)
	if x.deliver(t, g); g.Spec.ID == "" {
		t.Error("the id was never written")
	}
}
