package keyrings

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

const tenantName = "team-a"

// made is when the first keyring was.
var made = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// The uids that the namespace has had.
const (
	uidNow    = keystest.UID
	uidBefore = "11111111-2222-4333-8444-555555555555"
)

// keyringSecret holds the keyring of keystest as that of a uid, made so long ago.
func keyringSecret(t *testing.T, uid string, age time.Duration) *corev1.Secret {
	t.Helper()
	ring, err := keystest.Ring(t, tenantName, "https://"+uid).WithUID(uid)
	if err != nil {
		t.Fatal(err)
	}
	content, err := Content(ring, Record{})
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:              Name(tenantName, uid),
			CreationTimestamp: metav1.NewTime(made.Add(-age)),
			Labels:            content.Labels,
			Annotations:       content.Annotations,
		},
		Data: content.Data,
	}
	secret.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialKeyring
	secret.Annotations[v1alpha1.AnnotationTenantUID] = uid
	return secret
}

// followed is a follower whose namespace has a uid, or cannot be read.
type followed struct {
	*Follower
	uid  types.UID
	fail error
}

func newFollower() *followed {
	x := &followed{uid: uidNow}
	x.Follower = NewFollower(directory.New(), func(context.Context, string) (types.UID, error) { return x.uid, x.fail }, logr.Discard())
	return x
}

// sees brings a Secret, and answers what is asked then.
func (f *followed) sees(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	f.change(secret, false)
	f.asks(t)
}

func (f *followed) loses(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	f.change(toolscache.DeletedFinalStateUnknown{Obj: secret}, true)
	f.asks(t)
}

func (f *followed) asks(t *testing.T) (asked int) {
	t.Helper()
	for ; f.ask.Len() > 0; asked++ {
		tenant, _ := f.ask.Get()
		f.answer(t.Context(), tenant)
		f.ask.Done(tenant)
	}
	return asked
}

// ring is what the directory has for the tenant.
func (f *followed) ring(t *testing.T) (*keys.Ring, error) {
	t.Helper()
	tenant, ok := f.directory.Tenant(tenantName)
	if !ok {
		return nil, directory.ErrNoKeyring
	}
	return tenant.Ring()
}

// serves wants the keyring of a uid.
func (f *followed) serves(t *testing.T, uid string) {
	t.Helper()
	ring, err := f.ring(t)
	if err != nil {
		t.Fatalf("no keyring serves: %v", err)
	}
	if ring.Tenant().UID != uid {
		t.Errorf("the keyring of uid %s serves, want that of %s", ring.Tenant().UID, uid)
	}
}

func TestAKeyringThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*corev1.Secret)
		want  string // a part of the error; empty: the keyring is good
	}{
		"one that is good":                 {spoil: func(*corev1.Secret) {}},
		"one without data":                 {spoil: func(s *corev1.Secret) { s.Data = nil }, want: `Secret "keyring.team-a.` + uidNow + `"`},
		"one that is no JSON":              {spoil: func(s *corev1.Secret) { s.Data[DataKey] = []byte("secret garbage") }, want: "not JSON"},
		"one that is cut short":            {spoil: func(s *corev1.Secret) { s.Data[DataKey] = s.Data[DataKey][:500] }, want: "EOF"},
		"one that is huge":                 {spoil: func(s *corev1.Secret) { s.Data[DataKey] = make([]byte, 1<<20) }, want: "1048576 bytes"},
		"one annotated with another uid":   {spoil: func(s *corev1.Secret) { s.Annotations[v1alpha1.AnnotationTenantUID] = "another" }, want: "another tenant"},
		"one that has lost its annotation": {spoil: func(s *corev1.Secret) { s.Annotations = nil }, want: "another tenant"},
		"one under a name of its own":      {spoil: func(s *corev1.Secret) { s.Name = "keyring.team-a.restored" }, want: "its name"},
		"that of another uid under its name": {
			spoil: func(s *corev1.Secret) { s.Data = keyringSecret(t, uidBefore, 0).Data }, want: "another tenant",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFollower()
			secret := keyringSecret(t, uidNow, 0)
			tc.spoil(secret)
			f.sees(t, secret)
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
	secret := keyringSecret(t, uidNow, 0)
	f.sees(t, secret)
	relabelled := secret.DeepCopy()
	relabelled.Labels[v1alpha1.LabelTenant] = "team-b"
	f.sees(t, relabelled)
	other, _ := f.directory.Tenant("team-b")
	if _, err := other.Ring(); err == nil || !strings.Contains(err.Error(), "another tenant") {
		t.Errorf("team-b's keyring: %v, want a refusal", err)
	}
	if _, err := f.ring(t); err == nil || errors.Is(err, directory.ErrNoKeyring) {
		t.Errorf("team-a's keyring: %v, want it to be gone", err)
	}
	f.sees(t, secret)
	f.serves(t, uidNow)
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
			secret := keyringSecret(t, uidNow, 0)
			change(secret)
			f.sees(t, secret)
			if len(f.directory.Namespaces()) != 0 {
				t.Error("it has made a tenant")
			}
		})
	}
}

// Whoever can write there can write a keyring that is newer.
func TestTheKeyringOfTheNamespacesOwnUIDServesWhateverIsNewer(t *testing.T) {
	t.Parallel()
	f := newFollower()
	own := keyringSecret(t, uidNow, time.Hour)
	f.sees(t, own)
	f.sees(t, keyringSecret(t, uidBefore, 0))
	f.serves(t, uidNow)
	stray := keyringSecret(t, uidNow, -time.Hour)
	stray.Name = "z"
	f.sees(t, stray)
	f.serves(t, uidNow)

	f.loses(t, own)
	if _, err := f.ring(t); err == nil || errors.Is(err, directory.ErrNoKeyring) || !strings.Contains(err.Error(), `"z"`) {
		t.Errorf("with another that may be the lost one: %v", err)
	}
	f.loses(t, stray)
	if _, err := f.ring(t); err == nil || errors.Is(err, directory.ErrNoKeyring) {
		t.Errorf("after it was lost: %v, want it to be missed", err)
	}
	f.sees(t, own)
	f.serves(t, uidNow)
}

func TestTheKeyringOfAnEarlierNamespaceServesNobody(t *testing.T) {
	t.Parallel()
	f := newFollower()
	f.sees(t, keyringSecret(t, uidBefore, 0))
	if _, err := f.ring(t); !errors.Is(err, directory.ErrNoKeyring) {
		t.Errorf("alone: %v, want none", err)
	}
	f.uid = uidBefore
	if asked := f.asks(t); asked != 0 {
		t.Errorf("asked %d times about what has not changed", asked)
	}
	f.sees(t, keyringSecret(t, uidNow, 0))
	f.serves(t, uidBefore)
}

func TestTheKeyringOfANamespaceThatIsGoneServesNobodyAndIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newFollower()
	f.uid = ""
	f.sees(t, keyringSecret(t, uidNow, 0))
	if _, err := f.ring(t); !errors.Is(err, directory.ErrNoKeyring) || f.ask.Len() != 0 {
		t.Errorf("the keyring: %v, want none; %d to be asked", err, f.ask.Len())
	}
}

func TestANamespaceThatWasMadeAgainUnseenIsNotServedWithTheEarlierOnesKeys(t *testing.T) {
	t.Parallel()
	f := newFollower()
	namespace := func(uid types.UID, labels map[string]string) {
		f.directory.Put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tenantName, UID: uid, Labels: labels}})
	}
	namespace(uidBefore, nil) // before any keyring
	f.uid = uidBefore
	f.sees(t, keyringSecret(t, uidBefore, 0))
	namespace(uidBefore, map[string]string{"zone": "1"})
	f.directory.MarkRead(tenantName, made)
	if asked := f.asks(t); asked != 0 {
		t.Errorf("asked %d times about the namespace that it was before", asked)
	}
	f.serves(t, uidBefore)

	f.uid = uidNow
	namespace(uidNow, nil)
	if _, err := f.ring(t); !errors.Is(err, errUnasked) {
		t.Errorf("before it is known who the namespace is: %v", err)
	}
	f.asks(t)
	if _, err := f.ring(t); !errors.Is(err, directory.ErrNoKeyring) {
		t.Errorf("with the keyring of the earlier one: %v, want none", err)
	}
	f.sees(t, keyringSecret(t, uidNow, 0))
	f.serves(t, uidNow)

	f.directory.Remove(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tenantName}})
	if asked := f.asks(t); asked != 0 {
		t.Errorf("asked %d times about a namespace that is gone", asked)
	}
}

func TestARotationAsksNobody(t *testing.T) {
	t.Parallel()
	f := newFollower()
	f.sees(t, keyringSecret(t, uidNow, 0))
	f.fail = errors.New("not allowed")
	f.change(keyringSecret(t, uidNow, time.Minute), false)
	if f.ask.Len() != 0 {
		t.Error("asked for the uid again")
	}
	f.serves(t, uidNow)
}

func TestUntilTheUIDIsKnownTheTenantIsNotWithoutKeys(t *testing.T) {
	t.Parallel()
	f := newFollower()
	f.fail = errors.New("not allowed")
	f.change(keyringSecret(t, uidNow, 0), false)
	if f.hasAsked() {
		t.Error("ready before it has asked")
	}
	tenant, _ := f.ask.Get()
	f.answer(t.Context(), tenant)
	f.ask.Done(tenant)
	if !f.hasAsked() {
		t.Error("one namespace that cannot be read holds everything up")
	}
	if _, err := f.ring(t); !errors.Is(err, errUnasked) {
		t.Errorf("the keyring: %v, want it to be unknown", err)
	}
	f.fail = nil
	controlplane.Eventually(t, time.Minute, func(context.Context) error {
		f.asks(t) // it is put back into the queue
		_, err := f.ring(t)
		return err
	})
	f.serves(t, uidNow)
}

func TestTheFollowerAsksWhileItRuns(t *testing.T) {
	t.Parallel()
	f := newFollower()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Start(ctx) }()
	f.change(keyringSecret(t, uidNow, 0), false)
	controlplane.Eventually(t, time.Minute, func(context.Context) error {
		_, err := f.ring(t)
		return err
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if f.NeedLeaderElection() {
		t.Error("only the leader would follow")
	}
}
