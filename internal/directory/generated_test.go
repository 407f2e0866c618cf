package directory_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/rotation"
)

const (
	week    = 7 * 24 * time.Hour
	overlap = 24 * time.Hour // what an absent overlap means
)

// generating is a user whose password the operator makes once a week, and a status that tells when.
func generating(made ...time.Time) *v1alpha1.AuthUser {
	return user("alice", start, func(u *v1alpha1.AuthUser) {
		u.Spec.Password = &v1alpha1.UserPassword{Generate: &v1alpha1.GeneratedPassword{SecretName: "pw", RotateEvery: new(v1alpha1.Duration("168h"))}}
		times := []**metav1.Time{&u.Status.GeneratedAt, &u.Status.PreviousGeneratedAt}
		for i, at := range made {
			*times[i] = &metav1.Time{Time: at}
		}
	})
}

// derived is the password of a second.
func derived(ring *keys.Ring, at time.Time) string {
	return ring.GeneratedCredential("AuthUser/password", subject, at, v1alpha1.DefaultGeneratedLength).Reveal()
}

// written is the Secret with a password, and the seconds in its annotations.
func written(password string, made ...time.Time) *corev1.Secret {
	return secretOf(v1alpha1.CredentialOutput, password, func(s *corev1.Secret) {
		s.Annotations = map[string]string{}
		for i, at := range made {
			key := []string{v1alpha1.AnnotationGeneratedAt, v1alpha1.AnnotationPreviousGeneratedAt}[i]
			s.Annotations[key] = at.Format(time.RFC3339)
		}
	})
}

func TestWhichGenerationCounts(t *testing.T) {
	t.Parallel()
	ring := keystest.Ring(t, team, "https://issuer.example")
	first, second, third := start, start.Add(week), start.Add(2*week)
	for name, tc := range map[string]struct {
		user   *v1alpha1.AuthUser
		secret *corev1.Secret
		want   rotation.Generation
	}{
		"none is made":                     {generating(), nil, rotation.Generation{}},
		"one that status tells":            {generating(first), nil, rotation.Generation{Current: first}},
		"two that status tells":            {generating(second, first), nil, rotation.Generation{Current: second, Previous: first}},
		"one that the Secret tells":        {generating(), written(derived(ring, first), first), rotation.Generation{Current: first}},
		"two that the Secret tells":        {generating(), written(derived(ring, second), second, first), rotation.Generation{Current: second, Previous: first}},
		"one that an edited Secret tells":  {generating(), written("edited", first), rotation.Generation{Current: first}},
		"an edited Secret brings no older": {generating(), written("edited", second, first), rotation.Generation{Current: second}},
		"an annotation that is no time": {
			generating(), secretOf(v1alpha1.CredentialOutput, "edited", func(s *corev1.Secret) {
				s.Annotations = map[string]string{v1alpha1.AnnotationGeneratedAt: "yesterday"}
			}), rotation.Generation{},
		},
		"the Secret is ahead of status, which was about to be written": {
			generating(first), written(derived(ring, second), second, first), rotation.Generation{Current: second, Previous: first},
		},
		"ahead, and the overlap has ended since": {
			generating(first), written(derived(ring, second), second), rotation.Generation{Current: second},
		},
		"ahead, with an older one that it was not":  {generating(second), written(derived(ring, third), third, first), rotation.Generation{Current: third}},
		"a later second that nothing was made of":   {generating(first), written(derived(ring, first), third), rotation.Generation{Current: first}},
		"an older one that somebody wrote into it":  {generating(second), written(derived(ring, second), second, first), rotation.Generation{Current: second}},
		"an old Secret that somebody has put back":  {generating(second), written(derived(ring, first), first), rotation.Generation{Current: second}},
		"a Secret that somebody else's keys made":   {generating(first), written("of another keyring", second, first), rotation.Generation{Current: first}},
		"one before it that is said to be the next": {generating(), written(derived(ring, first), first, second), rotation.Generation{Current: first}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, tenant, _ := tenantOf(t, tc.user)
			u, _ := tenant.User("alice")
			got := u.Generated().Recorded(ring, tc.secret)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Recorded() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheGeneratedPasswordsThatCount(t *testing.T) {
	t.Parallel()
	first, second := start, start.Add(week)
	for name, tc := range map[string]struct {
		objects []client.Object
		at      time.Time
		want    []time.Time // the seconds that they are derived from
	}{
		"one":                               {[]client.Object{generating(first)}, first, []time.Time{first}},
		"it does not rotate by itself":      {[]client.Object{generating(first)}, first.Add(10 * week), []time.Time{first}},
		"two during the overlap":            {[]client.Object{generating(second, first)}, second.Add(overlap - 1), []time.Time{second, first}},
		"the new one alone after it":        {[]client.Object{generating(second, first)}, second.Add(overlap), []time.Time{second}},
		"two before status tells":           {[]client.Object{generating(first), nil}, second, []time.Time{second, first}},
		"an edit of the Secret counts not":  {[]client.Object{generating(first), written("edited", first)}, first, []time.Time{first}},
		"a clock that was set back a month": {[]client.Object{generating(second)}, first.Add(-4 * week), []time.Time{second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring := keystest.Ring(t, team, "https://issuer.example")
			for i := range tc.objects {
				if tc.objects[i] == nil {
					tc.objects[i] = written(derived(ring, second), second, first)
				}
			}
			_, tenant, _ := tenantOf(t, tc.objects...)
			u, _ := tenant.User("alice")
			good, standing := tenant.Passwords(u, tc.at)
			if !standing.Good() {
				t.Fatalf("standing %+v", standing)
			}
			var got, want []string
			for _, password := range good {
				got = append(got, password.Version)
			}
			for _, at := range tc.want {
				version := ring.CredentialVersion(subject, []byte(derived(ring, at)))
				want = append(want, version)
				if _, ok := tenant.PasswordOf(u, version, tc.at); !ok {
					t.Errorf("the version of the password of %s is not good", at)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
			if current, ok := tenant.CredentialVersion(u); !ok || current != want[0] {
				t.Errorf("the current version is %q, want %q", current, want[0])
			}
		})
	}
}

func TestTheClientSecretsThatCount(t *testing.T) {
	t.Parallel()
	first, second := start, start.Add(week)
	c := &v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "billing"}}
	c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: "cs", RotateEvery: new(v1alpha1.Duration("168h"))}}
	c.Status.GeneratedAt, c.Status.PreviousGeneratedAt = &metav1.Time{Time: second}, &metav1.Time{Time: first}
	_, tenant, ring := tenantOf(t, c)
	row, _ := tenant.Client("billing")
	derive := func(at time.Time) string { return row.Generated().Derive(ring, at).Reveal() }
	if len(derive(first)) != 43 || derive(first) == derive(second) {
		t.Error("two seconds do not give two secrets of 43 characters")
	}
	for name, tc := range map[string]struct {
		at                        time.Time
		wantCurrent, wantPrevious string
	}{
		"during the overlap": {second.Add(overlap - 1), derive(second), derive(first)},
		"after it":           {second.Add(overlap), derive(second), ""},
	} {
		for range 2 { // the second time from memory
			current, previous, standing := tenant.ClientSecrets(row, tc.at)
			if !standing.Good() || current.Reveal() != tc.wantCurrent || previous.Reveal() != tc.wantPrevious {
				t.Errorf("%s: the secrets are not those of their seconds (%+v)", name, standing)
			}
		}
	}
}

func TestARotationThatIsNoDurationIsTold(t *testing.T) {
	t.Parallel()
	u := generating(start)
	u.Spec.Password.Generate.RotateEvery = new(v1alpha1.Duration("weekly"))
	c := &v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "billing"}}
	c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: "cs", RotateEvery: new(v1alpha1.Duration("weekly"))}}
	_, tenant, _ := tenantOf(t, u, c)
	row, _ := tenant.User("alice")
	client, _ := tenant.Client("billing")
	for what, tc := range map[string]struct{ got, want string }{
		"user":   {tenant.UserStanding(row, start).Message, `spec.password.generate.rotateEvery: duration "weekly" is not of the form 1h30m in whole seconds`},
		"client": {tenant.ClientStanding(client).Message, `spec.secret.generate.rotateEvery: duration "weekly" is not of the form 1h30m in whole seconds`},
	} {
		if tc.got != tc.want {
			t.Errorf("the %s's message is %q, want %q", what, tc.got, tc.want)
		}
	}
}
