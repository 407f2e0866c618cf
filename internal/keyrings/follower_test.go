package keyrings

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
)

const tenantName = "team-a"

// made is when the first keyring was.
var made = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// keyringSecret holds the keyring of keystest, for an issuer that tells one from another.
func keyringSecret(t *testing.T, issuer string, age time.Duration) *corev1.Secret {
	t.Helper()
	ring := keystest.Ring(t, tenantName, issuer)
	encoded, err := ring.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:              "keyring." + issuer,
			CreationTimestamp: metav1.NewTime(made.Add(-age)),
			Labels:            map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialKeyring, v1alpha1.LabelTenant: tenantName},
			Annotations:       map[string]string{v1alpha1.AnnotationTenantUID: ring.Tenant().UID},
		},
		Data: map[string][]byte{DataKey: encoded},
	}
}

func newFollower() *Follower { return NewFollower(directory.New(), logr.Discard()) }

// ring is what the directory has for the tenant.
func (f *Follower) ring(t *testing.T) (*keys.Ring, error) {
	t.Helper()
	tenant, ok := f.directory.Tenant(tenantName)
	if !ok {
		return nil, directory.ErrNoKeyring
	}
	return tenant.Ring()
}

func TestAKeyringThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*corev1.Secret)
		want  string // a part of the error; empty: the keyring is good
	}{
		"one that is good":                 {spoil: func(*corev1.Secret) {}},
		"one without data":                 {spoil: func(s *corev1.Secret) { s.Data = nil }, want: `Secret "keyring.https://one"`},
		"one that is no JSON":              {spoil: func(s *corev1.Secret) { s.Data[DataKey] = []byte("secret garbage") }, want: "Secret"},
		"one annotated with another uid":   {spoil: func(s *corev1.Secret) { s.Annotations[v1alpha1.AnnotationTenantUID] = "another" }, want: "another tenant"},
		"one that has lost its annotation": {spoil: func(s *corev1.Secret) { s.Annotations = nil }, want: "another tenant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollower()
			secret := keyringSecret(t, "https://one", 0)
			tc.spoil(secret)
			f.change(secret, false)
			_, err := f.ring(t)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("the keyring: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("the keyring: %v, want an error with %q", err, tc.want)
			case err != nil && strings.Contains(err.Error(), "garbage"):
				t.Errorf("the error shows what is in the keyring: %v", err)
			}
		})
	}
}

func TestAKeyringUnderTheNameOfAnotherTenantServesNobody(t *testing.T) {
	t.Parallel()
	f := newFollower()
	secret := keyringSecret(t, "https://one", 0)
	secret.Labels[v1alpha1.LabelTenant] = "team-b"
	f.change(secret, false)
	tenant, _ := f.directory.Tenant("team-b")
	if _, err := tenant.Ring(); err == nil || !strings.Contains(err.Error(), "another tenant") {
		t.Errorf("team-b's keyring: %v, want a refusal", err)
	}
}

func TestSecretsThatAreNoKeyringsAreIgnored(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*corev1.Secret){
		"the serving certificate":  func(s *corev1.Secret) { s.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialServing },
		"one that names no tenant": func(s *corev1.Secret) { delete(s.Labels, v1alpha1.LabelTenant) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollower()
			secret := keyringSecret(t, "https://one", 0)
			change(secret)
			f.change(secret, false)
			if len(f.directory.Namespaces()) != 0 {
				t.Error("it has made a tenant")
			}
		})
	}
}

func TestOfSeveralKeyringsTheNewestServesUntilItGoes(t *testing.T) {
	t.Parallel()
	f := newFollower()
	older, newer := keyringSecret(t, "https://older", time.Hour), keyringSecret(t, "https://newer", 0)
	serves := func(want string) {
		t.Helper()
		ring, err := f.ring(t)
		if err != nil {
			t.Fatal(err)
		}
		if issuer := ring.Tenant().Issuer; issuer != want {
			t.Errorf("the keyring of %q serves, want that of %q", issuer, want)
		}
	}
	f.change(newer, false)
	f.change(older, false)
	serves("https://newer")
	f.change(toolscache.DeletedFinalStateUnknown{Obj: newer}, true)
	serves("https://older")
	f.change(older, true)
	if _, err := f.ring(t); !errors.Is(err, directory.ErrNoKeyring) {
		t.Errorf("without any keyring: %v, want ErrNoKeyring", err)
	}
}

func TestOfKeyringsOfOneSecondAllReplicasPickTheSame(t *testing.T) {
	t.Parallel()
	for range 20 { // a map is walked in any order
		held := map[string]*corev1.Secret{}
		for _, issuer := range []string{"https://a", "https://b", "https://c"} {
			secret := keyringSecret(t, issuer, 0)
			held[secret.Name] = secret
		}
		if picked := newest(held); picked.Name != "keyring.https://c" {
			t.Fatalf("picked %q", picked.Name)
		}
	}
}
