package controllers_test

import (
	"context"

	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

const (
	operatorNamespace = "grantkeeper-system"
	uidNow            = "22222222-3333-4444-8555-666666666666"
	uidBefore         = "11111111-2222-4333-8444-555555555555"
	minStandby        = 2 * time.Hour
	retain            = 25 * time.Hour
)

// vault is a room whose tenant has a namespace, and whose keyring the test looks at.
type vault struct {
	*room
	tenants *controllers.Tenants
	told    *events.FakeRecorder // of keyrings, in the operator's namespace
	// asked is the issuer that the flags ask for.
	asked string
}

// newVault makes a vault of a namespace with these objects and Secrets, and with alice, by whom it is
// a tenant.
func newVault(t *testing.T, objects ...client.Object) *vault {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: gen.Namespace, UID: uidNow}}
	v := &vault{asked: "https://auth.example.com/t/" + gen.Namespace, told: events.NewFakeRecorder(1000)}
	var ours []client.Object
	for _, object := range objects {
		if object.GetNamespace() == gen.Namespace {
			ours = append(ours, object)
		}
	}
	v.room = newRoom(t, append(ours, gen.AuthUser("alice"))...)
	for _, object := range append(objects, namespace) {
		if !slices.Contains(ours, object) {
			if err := v.client.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
	v.created.Store(0)
	v.Directory.SetRing(gen.Namespace, nil, directory.ErrNoKeyring)
	v.tenants = v.leader()
	return v
}

// leader is a replica that begins to lead: it remembers nothing.
func (v *vault) leader() *controllers.Tenants {
	return &controllers.Tenants{
		Common:            v.common,
		Operator:          secretwriter.New(v.client, v.client),
		Keyrings:          v.client,
		OperatorLive:      v.client,
		OperatorEvents:    v.told,
		OperatorNamespace: operatorNamespace,
		Issuer:            func(string) string { return v.asked },
		MinStandby:        minStandby,
		Retain:            retain,
	}
}

// settle reconciles the tenant once, and delivers the keyring and the status that come of it.
func (v *vault) settle(t *testing.T) reconcile.Result {
	t.Helper()
	result, err := v.tenants.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: gen.Namespace}})
	if err != nil {
		t.Fatalf("Reconcile: %v", err)
	}
	v.deliverTenant(t)
	return result
}

func (v *vault) deliverTenant(t *testing.T) {
	t.Helper()
	if object, ok := v.Rows(t).AuthTenant(); ok {
		v.deliver(t, object.DeepCopy())
	}
	secret := &corev1.Secret{}
	err := v.client.Get(t.Context(), keyringKey(uidNow), secret)
	if apierrors.IsNotFound(err) {
		return
	}
	ring, err := keyrings.Read(gen.Namespace, secret)
	v.Directory.SetRing(gen.Namespace, ring, err)
}

func keyringKey(uid string) types.NamespacedName {
	return types.NamespacedName{Namespace: operatorNamespace, Name: keyrings.Name(gen.Namespace, uid)}
}

// keyring is the keyring of a uid as the API server has it.
func (v *vault) keyring(t *testing.T, uid string) (*corev1.Secret, *keys.Ring) {
	t.Helper()
	secret := &corev1.Secret{}
	if err := v.client.Get(t.Context(), keyringKey(uid), secret); err != nil {
		t.Fatal(err)
	}
	ring, err := keyrings.Read(gen.Namespace, secret)
	if err != nil {
		t.Fatal(err)
	}
	return secret, ring
}

// edit changes an object and delivers it.
func (v *vault) edit(t *testing.T, object client.Object, change func()) {
	t.Helper()
	if err := v.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	change()
	if err := v.client.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if object.GetNamespace() == gen.Namespace {
		v.deliver(t, object)
	}
}

// events drains what was told, in the operator's namespace and in the tenant's.
func (v *vault) events() (all []string) {
	for _, recorder := range []*events.FakeRecorder{v.told, v.room.events} {
		for len(recorder.Events) > 0 {
			kind, rest, _ := strings.Cut(<-recorder.Events, " ")
			reason, _, _ := strings.Cut(rest, " ")
			all = append(all, kind+" "+reason)
		}
	}
	return all
}

func (v *vault) wantEvents(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, v.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// status is that of the AuthTenant as the API server has it.
func (v *vault) status(t *testing.T) v1alpha1.AuthTenantStatus {
	t.Helper()
	object := gen.AuthTenant()
	if err := v.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	return object.Status
}

func (v *vault) wantReady(t *testing.T, want string) (message string) {
	t.Helper()
	condition := meta.FindStatusCondition(v.status(t).Conditions, v1alpha1.ConditionReady)
	if condition == nil {
		t.Fatal("there is no condition Ready")
	}
	if got := string(condition.Status) + "/" + condition.Reason; got != want {
		t.Errorf("Ready is %s (%s), want %s", got, condition.Message, want)
	}
	return condition.Message
}

func signerOf(t *testing.T, ring *keys.Ring) string {
	t.Helper()
	key, err := ring.Signer(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key.ID
}

// kept is a keyring of an earlier uid, as a backup holds it.
func kept(t *testing.T, uid string, mods ...func(*corev1.Secret)) *corev1.Secret {
	t.Helper()
	ring, err := tenant.Memory(t).Ring.WithUID(uid)
	if err != nil {
		t.Fatal(err)
	}
	content, err := keyrings.Content(ring, keyrings.Record{RotatedFor: "before"})
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: operatorNamespace, Name: keyrings.Name(gen.Namespace, uid),
			Labels: content.Labels, Annotations: content.Annotations,
		},
		Data: content.Data,
	}
	secret.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialKeyring
	secret.Annotations[v1alpha1.AnnotationTenantUID] = uid
	for _, mod := range mods {
		mod(secret)
	}
	return secret
}

// adopted asks for a keyring to become that of uidNow.
func adopted(secret *corev1.Secret) { secret.Annotations[v1alpha1.AnnotationAdopt] = uidNow }

func TestKeysRotateBySchedule(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant(gen.RotateEvery("10h")))
	v.settle(t)
	v.wantEvents(t, "Normal KeysMade", "Normal KeysMade")
	_, first := v.keyring(t, uidNow)
	if result := v.settle(t); result.RequeueAfter == 0 || v.updated.Load() != 0 {
		t.Errorf("comes back after %s, having written %d times", result.RequeueAfter, v.updated.Load())
	}
	status := v.status(t)
	if want := tenant.Start.Add(10 * time.Hour); !status.RotationTime.Time.Equal(want) || status.NextRotation != want.Format(time.RFC3339) {
		t.Errorf("the next rotation is at %v (%s), want %v", status.RotationTime, status.NextRotation, want)
	}
	if len(status.Keys) != 4 || status.Issuer != v.asked || status.JWKSURL != v.asked+"/jwks" {
		t.Errorf("status %+v", status)
	}
	v.wantReady(t, "True/Available")

	v.Clock.Step(10 * time.Hour)
	v.settle(t)
	v.wantEvents(t, "Normal KeysRotated", "Normal KeysRotated")
	_, second := v.keyring(t, uidNow)
	if old, ok := second.SigningKey(signerOf(t, first)); !ok || old.State != keys.Retired {
		t.Errorf("the key that signed is %v", old)
	}
	if next, ok := first.SigningKey(signerOf(t, second)); !ok || next.State != keys.Standby {
		t.Errorf("what signs now was %v before", next)
	}
	v.Clock.Step(retain)
	v.settle(t)
	v.wantEvents(t, "Normal KeysRotated", "Normal KeysRetired", "Normal KeysRotated", "Normal KeysRetired")
	if _, third := v.keyring(t, uidNow); slices.ContainsFunc(third.SigningKeys(), func(k *keys.SigningKey) bool { return k.ID == signerOf(t, first) }) {
		t.Error("the first key is still there")
	}
}

func TestWithoutAnAuthTenantKeysRotateAfter90Days(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.settle(t)
	_, first := v.keyring(t, uidNow)
	v.Clock.Step(2160*time.Hour - time.Second)
	v.settle(t)
	if _, ring := v.keyring(t, uidNow); signerOf(t, ring) != signerOf(t, first) {
		t.Error("rotated too early")
	}
	v.Clock.Step(time.Second)
	v.settle(t)
	if _, ring := v.keyring(t, uidNow); signerOf(t, ring) == signerOf(t, first) {
		t.Error("not rotated")
	}
	v.wantEvents(t, "Normal KeysMade", "Normal KeysRotated")
}

func TestARequestedRotationComesOnceAndNotBeforeTheStandbyIsKnown(t *testing.T) {
	t.Parallel()
	settings := gen.AuthTenant()
	v := newVault(t, settings)
	v.settle(t)
	_, first := v.keyring(t, uidNow)
	v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRotateKeys, "one")(settings) })
	v.settle(t)
	if message := v.wantReady(t, "True/Available"); !strings.Contains(message, "published for 2h0m0s") {
		t.Errorf("message %q", message)
	}
	if status := v.status(t); status.RotateRequest != "" || !status.RotationTime.Time.Equal(tenant.Start.Add(minStandby)) {
		t.Errorf("acted on %q, next at %v", status.RotateRequest, status.RotationTime)
	}
	v.Clock.Step(minStandby)
	v.settle(t)
	_, second := v.keyring(t, uidNow)
	if signerOf(t, second) == signerOf(t, first) || v.status(t).RotateRequest != "one" {
		t.Errorf("not rotated, or not told: %q", v.status(t).RotateRequest)
	}
	// Another leader, a lost status, and time: the value has been acted on.
	v.tenants = v.leader()
	v.Clock.Step(3 * minStandby)
	v.settle(t)
	if _, again := v.keyring(t, uidNow); signerOf(t, again) != signerOf(t, second) {
		t.Error("one request rotated twice")
	}
	v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRotateKeys, "two")(settings) })
	v.settle(t)
	if _, third := v.keyring(t, uidNow); signerOf(t, third) == signerOf(t, second) || v.status(t).RotateRequest != "two" {
		t.Error("the second request did not rotate")
	}
}

func TestAnEmergencyReplacesEverythingOnce(t *testing.T) {
	t.Parallel()
	settings := gen.AuthTenant()
	v := newVault(t, settings)
	v.settle(t)
	_, leaked := v.keyring(t, uidNow)
	v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRevokeKeys, "leak")(settings) })
	v.settle(t)
	v.wantEvents(t, "Normal KeysMade", "Normal KeysRevoked", "Normal KeysMade", "Normal KeysRevoked")
	_, ring := v.keyring(t, uidNow)
	for _, key := range leaked.SigningKeys() {
		if _, ok := ring.SigningKey(key.ID); ok {
			t.Errorf("%v is still believed", key)
		}
	}
	if status := v.status(t); status.RevokeRequest != "leak" || len(status.Keys) != 4 {
		t.Errorf("acted on %q; %d keys are published", status.RevokeRequest, len(status.Keys))
	}
	v.tenants = v.leader()
	v.settle(t)
	if _, again := v.keyring(t, uidNow); signerOf(t, again) != signerOf(t, ring) {
		t.Error("one request revoked twice")
	}
}

func TestEmergenciesComeNoMoreOftenThanEveryMinute(t *testing.T) {
	t.Parallel()
	settings := gen.AuthTenant()
	v := newVault(t, settings)
	v.settle(t)
	ask := func(value string) reconcile.Result {
		v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRevokeKeys, value)(settings) })
		return v.settle(t)
	}
	ask("one")
	_, first := v.keyring(t, uidNow)
	v.tenants = v.leader() // the keyring remembers it
	v.Clock.Step(20 * time.Second)
	ask("two")
	if result := ask("three"); result.RequeueAfter != 40*time.Second {
		t.Errorf("comes back after %s, want 40s", result.RequeueAfter)
	}
	v.Clock.Step(40*time.Second - 1)
	v.settle(t)
	if _, ring := v.keyring(t, uidNow); signerOf(t, ring) != signerOf(t, first) || v.status(t).RevokeRequest != "one" {
		t.Errorf("revoked again within the minute, for %q", v.status(t).RevokeRequest)
	}
	if message := v.wantReady(t, "True/Available"); !strings.Contains(message, v1alpha1.AnnotationRevokeKeys) {
		t.Errorf("message %q", message)
	}
	v.Clock.Step(1)
	v.settle(t)
	secret, second := v.keyring(t, uidNow)
	if signerOf(t, second) == signerOf(t, first) || v.status(t).RevokeRequest != "three" {
		t.Errorf("not revoked when the minute had passed: %q", v.status(t).RevokeRequest)
	}
	if message := v.wantReady(t, "True/Available"); strings.Contains(message, v1alpha1.AnnotationRevokeKeys) {
		t.Errorf("message %q", message)
	}

	// A clock that was ahead, and a time that cannot be read, hold up nothing.
	for value, at := range map[string]string{"four": v.Clock.Now().Add(time.Hour).Format(time.RFC3339), "five": "yesterday"} {
		v.edit(t, secret, func() { secret.Annotations[v1alpha1.AnnotationRevokedAt] = at })
		ask(value)
		if done := v.status(t).RevokeRequest; done != value {
			t.Errorf("with the time %q: acted on %q, want %q", at, done, value)
		}
	}
}

// Whatever was asked of a tenant before it had keys, new keys fulfil.
func TestNewKeysFollowWhatWasRequestedBefore(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant(
		gen.TenantAnnotation(v1alpha1.AnnotationRotateKeys, "r"), gen.TenantAnnotation(v1alpha1.AnnotationRevokeKeys, "e")))
	v.settle(t)
	v.Clock.Step(minStandby)
	v.settle(t)
	v.wantEvents(t, "Normal KeysMade", "Normal KeysMade")
	if status := v.status(t); status.RotateRequest != "r" || status.RevokeRequest != "e" {
		t.Errorf("acted on %q and %q", status.RotateRequest, status.RevokeRequest)
	}
}

func TestARequestThatStatusCannotShowIsNotActedOn(t *testing.T) {
	t.Parallel()
	settings := gen.AuthTenant()
	v := newVault(t, settings)
	v.settle(t)
	v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRevokeKeys, strings.Repeat("x", 254))(settings) })
	v.settle(t)
	if message := v.wantReady(t, "False/InvalidSpec"); !strings.Contains(message, v1alpha1.AnnotationRevokeKeys) {
		t.Errorf("message %q", message)
	}
	v.wantEvents(t, "Normal KeysMade", "Normal KeysMade", "Warning InvalidSpec")

	// Of two such requests it is always the same that is told of, or each status would lead to the next.
	v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRotateKeys, strings.Repeat("x", 254))(settings) })
	for range 16 {
		v.settle(t)
		if message := v.wantReady(t, "False/InvalidSpec"); !strings.Contains(message, v1alpha1.AnnotationRevokeKeys) {
			t.Fatalf("message %q", message)
		}
	}
	v.edit(t, settings, func() { gen.TenantAnnotation(v1alpha1.AnnotationRevokeKeys, strings.Repeat("ü", 253))(settings) })
	v.settle(t)
	v.wantEvents(t, "Normal KeysRevoked", "Normal KeysRevoked")
}

func TestEdDSAKeysComeWhenAClientAsks(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.settle(t)
	if _, ring := v.keyring(t, uidNow); len(ring.SigningKeys()) != 4 {
		t.Errorf("%d keys at first", len(ring.SigningKeys()))
	}
	billing := gen.AuthClient("billing", gen.SignedWith(v1alpha1.SigningAlgorithmEdDSA))
	if err := v.client.Create(t.Context(), billing); err != nil {
		t.Fatal(err)
	}
	v.deliver(t, billing)
	if len(v.tenants.Requests(directory.Change{Kind: directory.Clients, Namespace: gen.Namespace, Name: "billing"})) != 1 {
		t.Error("the client is not looked at")
	}
	v.settle(t)
	_, ring := v.keyring(t, uidNow)
	if key, err := ring.Signer(keys.EdDSA); err != nil || len(ring.SigningKeys()) != 6 {
		t.Errorf("%d keys; the signer is %v (%v)", len(ring.SigningKeys()), key, err)
	}
	v.wantEvents(t, "Normal KeysMade", "Normal KeysAdded")
}

func TestTwoLeadersMakeOneRotation(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant(gen.RotateEvery("10h")))
	v.settle(t)
	secret, _ := v.keyring(t, uidNow)
	v.events()
	v.Clock.Step(10 * time.Hour)
	v.settle(t)
	_, first := v.keyring(t, uidNow)
	other := v.leader() // whose cache is late
	other.Keyrings = lateReader{v.client, secret}
	if _, err := other.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: gen.Namespace}}); err != nil {
		t.Fatal(err)
	}
	if _, second := v.keyring(t, uidNow); signerOf(t, second) != signerOf(t, first) || len(second.SigningKeys()) != len(first.SigningKeys()) {
		t.Error("the second leader rotated again")
	}
	v.wantEvents(t, "Normal KeysRotated", "Normal KeysRotated")
}

// lateReader reads one object as it was before.
type lateReader struct {
	client.Reader
	was *corev1.Secret
}

func (s lateReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if secret, ok := object.(*corev1.Secret); ok && key.Name == s.was.Name {
		s.was.DeepCopyInto(secret)
		return nil
	}
	return s.Reader.Get(ctx, key, object, options...)
}

func TestAKeyringThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	v.secretWrites = internalError
	_, err := v.tenants.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: gen.Namespace}})
	if err == nil {
		t.Error("Reconcile hides that the keyring was not written")
	}
	v.deliverTenant(t)
	v.wantReady(t, "False/TenantNotReady")
	v.secretWrites = nil
	v.settle(t)
	v.settle(t)
	v.wantReady(t, "True/Available")
}

func TestAKeyringThatNobodyMayChangeServesAndSaysSo(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant(gen.RotateEvery("10h")))
	v.settle(t)
	secret, first := v.keyring(t, uidNow)
	v.edit(t, secret, func() { secret.Immutable = new(true) })
	v.Clock.Step(10 * time.Hour)
	v.settle(t)
	if message := v.wantReady(t, "False/TargetConflict"); strings.Contains(message, "kubectl delete") {
		t.Errorf("the message %q ends every token of the tenant", message)
	}
	if _, ring := v.keyring(t, uidNow); signerOf(t, ring) != signerOf(t, first) {
		t.Error("it was changed")
	}
}
