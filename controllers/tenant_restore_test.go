package controllers_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

func TestANamespaceThatWasMadeAgainGetsNewKeysAndTheOldOnesStay(t *testing.T) {
	t.Parallel()
	before := kept(t, uidBefore)
	v := newVault(t, gen.AuthTenant(), before)
	v.settle(t)
	v.wantEvents(t, "Normal KeysMade", "Normal KeysMade")
	_, ring := v.keyring(t, uidNow)
	after, old := v.keyring(t, uidBefore)
	if signerOf(t, ring) == signerOf(t, old) || !bytes.Equal(after.Data[keyrings.DataKey], before.Data[keyrings.DataKey]) {
		t.Error("the keys of the earlier namespace were used or changed")
	}
}

// A watch that was broken off meanwhile sees neither an end nor a beginning: objects of the same names
// are there, and the namespace has another uid.
func TestANamespaceThatWasMadeAgainUnseenGetsNewKeys(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	namespace := func(uid types.UID) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: gen.Namespace, UID: uid}}
	}
	v.Put(namespace(uidNow))
	v.settle(t)
	_, ring := v.keyring(t, uidNow)
	const later = "33333333-4444-4555-8666-777777777777"
	if err := errors.Join(v.client.Delete(t.Context(), namespace("")), v.client.Create(t.Context(), namespace(later))); err != nil {
		t.Fatal(err)
	}
	var asked []reconcile.Request
	unsubscribe := v.Directory.Subscribe(func(change directory.Change) {
		if change.Kind == directory.Namespaces {
			asked = append(asked, v.tenants.Requests(change)...)
		}
	})
	defer unsubscribe()
	v.Put(namespace(later))
	v.Put(namespace(later))
	if len(asked) != 1 {
		t.Errorf("the tenant is looked at %d times, want once", len(asked))
	}
	v.settle(t)
	if _, now := v.keyring(t, later); signerOf(t, now) == signerOf(t, ring) {
		t.Error("it has the keys of the earlier one")
	}

	// What is known of the namespace may be late: for a uid that it has no longer no keys are made.
	v.Put(namespace(uidBefore))
	v.settle(t)
	if err := v.client.Get(t.Context(), keyringKey(uidBefore), &corev1.Secret{}); !apierrors.IsNotFound(err) {
		t.Errorf("the keyring of a namespace that is gone: %v, want none", err)
	}
}

func TestAKeyringIsAdopted(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant(), kept(t, uidBefore, adopted))
	v.settle(t)
	v.settle(t)
	v.wantEvents(t, "Normal KeysAdopted", "Normal KeysAdopted")
	secret, ring := v.keyring(t, uidNow)
	_, old := v.keyring(t, uidBefore)
	if ring.Tenant().UID != uidNow || !bytes.Equal(ring.JWKS(), old.JWKS()) || ring.TokenID("x", 1, tenant.Start, [32]byte{}) != old.TokenID("x", 1, tenant.Start, [32]byte{}) {
		t.Errorf("another keyring: %v", ring.Tenant())
	}
	if record := keyrings.RecordOf(secret); record != (keyrings.Record{RotatedFor: "before", AdoptedFrom: uidBefore}) {
		t.Errorf("record %+v", record)
	}
	// It keeps its issuer, which the flags need not ask for.
	if status := v.status(t); status.Issuer != old.Tenant().Issuer || status.RotateRequest != "before" {
		t.Errorf("issuer %q, request %q", status.Issuer, status.RotateRequest)
	}
	v.wantReady(t, "True/Available")
}

func TestAKeyringThatMayHaveSignedIsNotReplacedByAnAdoptedOne(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	v.settle(t)
	signed, ring := v.keyring(t, uidNow)
	v.events()
	if err := v.client.Create(t.Context(), kept(t, uidBefore, adopted)); err != nil {
		t.Fatal(err)
	}
	v.settle(t)
	v.wantEvents(t, "Warning AdoptRefused", "Warning AdoptRefused")
	if _, now := v.keyring(t, uidNow); signerOf(t, now) != signerOf(t, ring) {
		t.Fatal("it was replaced")
	}
	// Who deletes it means it.
	if err := v.client.Delete(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	v.settle(t)
	v.wantEvents(t, "Normal KeysAdopted", "Normal KeysAdopted")
	_, now := v.keyring(t, uidNow)
	if _, old := v.keyring(t, uidBefore); signerOf(t, now) != signerOf(t, old) {
		t.Error("it was not adopted")
	}
}

// hostile is a Secret that says it is the tenant's, in place of its keyring or beside it.
type hostile struct {
	secrets []*corev1.Secret
	want    string // a part of the message
}

func TestWhatIsNotTheKeyringIsRefusedAndNeverReplaced(t *testing.T) {
	t.Parallel()
	const other = "33333333-4444-4555-8666-777777777777"
	spoiled := func(change func(*corev1.Secret)) []*corev1.Secret {
		return []*corev1.Secret{kept(t, uidNow, change)}
	}
	data := func(change func([]byte) []byte) []*corev1.Secret {
		return spoiled(func(s *corev1.Secret) { s.Data[keyrings.DataKey] = change(s.Data[keyrings.DataKey]) })
	}
	replace := func(old, replacement string) []*corev1.Secret {
		return data(func(d []byte) []byte {
			if !bytes.Contains(d, []byte(old)) {
				t.Fatalf("the keyring does not hold %q", old)
			}
			return bytes.Replace(d, []byte(old), []byte(replacement), 1)
		})
	}
	for name, tc := range map[string]hostile{
		"emptied":                     {spoiled(func(s *corev1.Secret) { s.Data = nil }), "EOF"},
		"cut short":                   {data(func(d []byte) []byte { return d[:len(d)/2] }), "EOF"},
		"huge":                        {data(func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), keys.MaxDocument)...) }), "no keyring has more"},
		"of an unknown format":        {replace(`"formatVersion":1`, `"formatVersion":9`), "formatVersion: 9"},
		"with two current keys":       {replace(`"Standby"`, `"Current"`), "more than one current key"},
		"with a key under another id": {replace(tenantKeyID(t), strings.Repeat("A", 43)), "not the thumbprint"},
		"with a key of another curve": {replace(`"ES256"`, `"EdDSA"`), "privateKey"},
		"that of another tenant":      {spoiled(func(s *corev1.Secret) { s.Data = kept(t, other).Data }), "another tenant"},
		"without its label":           {spoiled(func(s *corev1.Secret) { delete(s.Labels, v1alpha1.LabelCredential) }), "lost its labels"},
		"labelled as another's":       {spoiled(func(s *corev1.Secret) { s.Labels[v1alpha1.LabelTenant] = "team-b" }), "lost its labels"},
		"annotated as another's":      {spoiled(func(s *corev1.Secret) { s.Annotations[v1alpha1.AnnotationTenantUID] = other }), "another tenant"},
		"under another name":          {spoiled(func(s *corev1.Secret) { s.Name = "restored" }), `Secret "restored"`},
		"adopted, but damaged":        {[]*corev1.Secret{kept(t, uidBefore, adopted, func(s *corev1.Secret) { s.Data = nil })}, "cannot be adopted"},
		"adopted twice over":          {[]*corev1.Secret{kept(t, uidBefore, adopted), kept(t, other, adopted)}, "several keyrings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t, gen.AuthTenant())
			for _, secret := range tc.secrets {
				if err := v.client.Create(t.Context(), secret); err != nil {
					t.Fatal(err)
				}
			}
			v.created.Store(0)
			for range 2 {
				if result := v.settleRefused(t); result.RequeueAfter == 0 {
					t.Error("it is not looked at again")
				}
			}
			if v.created.Load()+v.updated.Load() != 0 {
				t.Errorf("%d Secrets created, %d updated", v.created.Load(), v.updated.Load())
			}
			if message := v.wantReady(t, "False/KeyringUnreadable"); !strings.Contains(message, tc.want) {
				t.Errorf("message %q, want %q", message, tc.want)
			}
			// Every object of the tenant says so.
			if _, standing := v.Rows(t).RingStanding(); standing.Reason != v1alpha1.ReasonKeyringUnreadable {
				t.Errorf("standing %+v", standing)
			}
		})
	}
}

// settleRefused reconciles, and delivers the status alone.
func (v *vault) settleRefused(t *testing.T) reconcile.Result {
	t.Helper()
	result, err := v.tenants.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: gen.Namespace}})
	if err != nil {
		t.Fatal(err)
	}
	v.deliver(t, gen.AuthTenant())
	return result
}

func tenantKeyID(t *testing.T) string {
	t.Helper()
	return signerOf(t, tenant.Memory(t).Ring)
}

func TestAStrayKeyringBesideTheTrueOneIsIgnoredAndTold(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	v.settle(t)
	_, ring := v.keyring(t, uidNow)
	v.events()
	stray := kept(t, uidNow, func(s *corev1.Secret) { s.Name = "zzz" })
	if err := v.client.Create(t.Context(), stray); err != nil {
		t.Fatal(err)
	}
	v.settle(t)
	v.wantEvents(t, "Warning KeyringIgnored", "Warning KeyringIgnored")
	v.wantReady(t, "True/Available")
	if _, now := v.keyring(t, uidNow); signerOf(t, now) != signerOf(t, ring) {
		t.Error("the keyring changed")
	}
}

// Nobody else hears of it where there is no AuthTenant.
func TestAWarningReachesWhoRunsTheOperatorOnce(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.settle(t)
	v.events()
	stray := kept(t, uidNow, func(s *corev1.Secret) { s.Name = "zzz" })
	for _, step := range []struct {
		name    string
		happens func() error
		want    []string
	}{
		{"it comes", func() error { return v.client.Create(t.Context(), stray.DeepCopy()) }, []string{"Warning KeyringIgnored"}},
		{"it is still there", func() error { return nil }, nil},
		{"and another comes", func() error { return v.client.Create(t.Context(), kept(t, uidBefore, adopted)) }, []string{"Warning AdoptRefused"}},
		{"another leader looks", func() error { v.tenants = v.leader(); return nil }, []string{"Warning KeyringIgnored", "Warning AdoptRefused"}},
		{"the first goes", func() error { return v.client.Delete(t.Context(), stray) }, nil},
		{"and comes again", func() error { return v.client.Create(t.Context(), stray.DeepCopy()) }, []string{"Warning KeyringIgnored"}},
	} {
		if err := step.happens(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		v.settle(t)
		v.settle(t)
		if diff := cmp.Diff(step.want, v.events()); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestAKeyringThatWasMendedIsServedAgain(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	v.settle(t)
	secret, ring := v.keyring(t, uidNow)
	labels := secret.DeepCopy().Labels
	v.edit(t, secret, func() { secret.Labels = nil })
	v.settleRefused(t)
	v.wantReady(t, "False/KeyringUnreadable")
	v.edit(t, secret, func() { secret.Labels = labels })
	v.settleRefused(t) // without an event of the follower's
	v.wantReady(t, "True/Available")
	if now, err := v.Rows(t).Ring(); err != nil || signerOf(t, now) != signerOf(t, ring) {
		t.Errorf("the keyring: %v", err)
	}
}

func TestAnIssuerStaysUntilAPersonAcceptsAnother(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	first := v.asked
	v.settle(t)
	changed := func() *string {
		condition := meta.FindStatusCondition(v.status(t).Conditions, v1alpha1.ConditionIssuerChanged)
		if condition == nil {
			return nil
		}
		return &condition.Message
	}
	if changed() != nil {
		t.Error("the condition is there though nothing has changed")
	}
	v.asked = "https://new.example.com"
	v.settle(t)
	message := changed()
	if message == nil || !strings.Contains(*message, "kubectl annotate secret -n "+operatorNamespace+" "+keyringKey(uidNow).Name+" --overwrite "+v1alpha1.AnnotationIssuer+"="+v.asked) {
		t.Fatalf("the condition says %v", message)
	}
	if status := v.status(t); status.Issuer != first || status.JWKSURL != v.asked+"/jwks" {
		t.Errorf("issuer %q, keys at %q", status.Issuer, status.JWKSURL)
	}
	v.wantReady(t, "True/Available")
	v.events()

	secret, _ := v.keyring(t, uidNow)
	v.edit(t, secret, func() { secret.Annotations[v1alpha1.AnnotationIssuer] = "https://typo.example.com" })
	v.settle(t)
	v.wantEvents(t, "Warning IssuerRefused", "Warning IssuerRefused")
	secret, ring := v.keyring(t, uidNow)
	if ring.Tenant().Issuer != first || secret.Annotations[v1alpha1.AnnotationIssuer] != first {
		t.Errorf("issuer %q, annotated %q", ring.Tenant().Issuer, secret.Annotations[v1alpha1.AnnotationIssuer])
	}
	v.edit(t, secret, func() { secret.Annotations[v1alpha1.AnnotationIssuer] = v.asked })
	v.settle(t)
	v.settle(t)
	v.wantEvents(t, "Normal IssuerAccepted", "Normal IssuerAccepted")
	if _, ring := v.keyring(t, uidNow); ring.Tenant().Issuer != v.asked || v.status(t).Issuer != v.asked || changed() != nil {
		t.Errorf("issuer %q, status %q", ring.Tenant().Issuer, v.status(t).Issuer)
	}
}

func TestATenantThatIsNotInUseKeepsItsKeys(t *testing.T) {
	t.Parallel()
	v := newVault(t, gen.AuthTenant())
	v.settle(t)
	change := directory.Change{Kind: directory.Users, Namespace: gen.Namespace, Name: "alice"}
	if requests := v.tenants.Requests(change); len(requests) != 0 {
		t.Errorf("a user of a tenant that is known asks for %v", requests)
	}
	v.Remove(gen.AuthTenant(), gen.AuthUser("alice"))
	if requests := v.tenants.Requests(change); len(requests) != 0 {
		t.Errorf("a tenant without objects asks for %v", requests)
	}
	v.settle(t)
	if err := v.client.Get(t.Context(), keyringKey(uidNow), &corev1.Secret{}); apierrors.IsNotFound(err) {
		t.Error("the keyring is gone")
	}
	// Whoever comes next may be another namespace.
	v.Put(gen.AuthUser("alice"))
	if requests := v.tenants.Requests(change); len(requests) != 1 {
		t.Errorf("the first user asks for %v", requests)
	}
}
