package operator_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// scene is the part of a tenant that one test has to itself: names that nobody else uses.
type scene struct {
	namespace string
	suffix    string
}

var scenes atomic.Int64

// newScene takes the shared tenants in turn.
func newScene() *scene {
	n := scenes.Add(1)
	return sceneIn(sharedTenants[int(n)%len(sharedTenants)])
}

func sceneIn(namespace string) *scene {
	return &scene{namespace: namespace, suffix: "-" + strconv.FormatInt(scenes.Add(1), 10)}
}

func (s *scene) name(name string) string { return name + s.suffix }

// user is alice, who may do anything with orders.
func (s *scene) user(mods ...func(*v1alpha1.AuthUser)) *v1alpha1.AuthUser {
	mods = append([]func(*v1alpha1.AuthUser){gen.UserScopes("orders:*")}, mods...)
	return gen.AuthUser(s.name("alice"), mods...)
}

// client is billing, which may do anything with orders and has a generated secret.
func (s *scene) client(mods ...func(*v1alpha1.AuthClient)) *v1alpha1.AuthClient {
	mods = append([]func(*v1alpha1.AuthClient){
		func(c *v1alpha1.AuthClient) {
			c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: s.name("billing-client")}}
		},
		gen.ClientScopes("orders:*"),
	}, mods...)
	return gen.AuthClient(s.name("billing"), mods...)
}

// grant is billing's to act for alice, delivered in the Secret of token.
func (s *scene) grant(mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	return s.grantNamed("grant", mods...)
}

func (s *scene) grantNamed(name string, mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	mods = append([]func(*v1alpha1.RefreshTokenGrant){
		gen.ForUser(s.name("alice")), gen.ForClient(s.name("billing")),
		gen.GrantScopes("orders:read"), gen.Target(""),
	}, mods...)
	return gen.RefreshTokenGrant(s.name(name), mods...)
}

// lifetime sets how long the grant's tokens live and when they are replaced.
func lifetime(ttl, renewBefore v1alpha1.Duration) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{TTL: &ttl, RenewBefore: &renewBefore}
	}
}

// withoutID leaves the id to the operator.
func withoutID(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID, g.Spec.Epoch = "", 0 }

// apply creates the objects in this order.
func (s *scene) apply(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := admin.Create(t.Context(), gen.In(s.namespace, object)); err != nil {
			t.Fatalf("create %T %q: %v", object, object.GetName(), err)
		}
	}
}

// issued applies user, client and grant, and waits for the first token.
func (s *scene) issued(t *testing.T, mods ...func(*v1alpha1.RefreshTokenGrant)) (*v1alpha1.RefreshTokenGrant, *corev1.Secret) {
	t.Helper()
	g := s.grant(mods...)
	s.apply(t, s.user(), s.client(), g)
	awaitReady(t, g)
	return g, secretOf(t, g)
}

// edit changes an object as a person would, and tries again where somebody else was faster.
func edit[T client.Object](t *testing.T, object T, change func(T)) {
	t.Helper()
	stage.Edit(t, admin, object, change)
}

func remove(t *testing.T, object client.Object, options ...client.DeleteOption) {
	t.Helper()
	if err := admin.Delete(t.Context(), object, options...); err != nil {
		t.Fatalf("delete %T %q: %v", object, object.GetName(), err)
	}
}

// loseStatus takes an object's status away, as a restore from a backup does.
func loseStatus(t *testing.T, object client.Object) {
	t.Helper()
	patch := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/status"}]`))
	if err := admin.SubResource("status").Patch(t.Context(), object, patch); err != nil {
		t.Fatalf("remove the status of %q: %v", object.GetName(), err)
	}
}

// awaitReady waits until each object says that its present spec is in place.
func awaitReady(t *testing.T, objects ...client.Object) {
	t.Helper()
	stage.AwaitReady(t, admin, objects...)
}

// awaitRefused waits until an object is not Ready for a reason, and returns what it tells.
func awaitRefused(t *testing.T, object client.Object, reason string) string {
	t.Helper()
	return await(t, object, v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
}

// await waits for a condition about the present spec; an empty reason is any. It returns the message.
func await(t *testing.T, object client.Object, condition string, status metav1.ConditionStatus, reason string) (message string) {
	t.Helper()
	return stage.Await(t, admin, object, condition, status, reason)
}

// secretOf reads the Secret of a grant.
func secretOf(t *testing.T, g *v1alpha1.RefreshTokenGrant) *corev1.Secret {
	t.Helper()
	name, _ := g.TargetName()
	return secretNamed(t, g.Namespace, name)
}

func secretNamed(t *testing.T, namespace, name string) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	if err := admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, secret); err != nil {
		t.Fatalf("read Secret %q: %v", name, err)
	}
	return secret
}

// awaitSecret waits until a Secret is as check wants it.
func awaitSecret(t *testing.T, namespace, name string, check func(*corev1.Secret) error) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		*secret = corev1.Secret{}
		if err := admin.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret); err != nil {
			return err
		}
		return check(secret)
	})
	return secret
}

func awaitGone(t *testing.T, object client.Object) {
	t.Helper()
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		err := admin.Get(ctx, client.ObjectKeyFromObject(object), object)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("%T %q is still there", object, object.GetName())
	})
}

// isNew accepts a Secret that was made after another one.
func isNew(before *corev1.Secret) func(*corev1.Secret) error {
	return func(now *corev1.Secret) error {
		if now.UID == before.UID {
			return fmt.Errorf("Secret %q is still the same", now.Name)
		}
		return nil
	}
}

// hasRevision accepts a Secret that holds a revision.
func hasRevision(revision int) func(*corev1.Secret) error {
	return func(now *corev1.Secret) error {
		if found := now.Annotations[v1alpha1.AnnotationRevision]; found != strconv.Itoa(revision) {
			return fmt.Errorf("Secret %q holds revision %s, want %d", now.Name, found, revision)
		}
		return nil
	}
}

// issuedAt is the second in which the token of a Secret was issued.
func issuedAt(t *testing.T, secret *corev1.Secret) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationIssuedAt])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// awaitTime waits until the clock shows a time.
func awaitTime(t *testing.T, at time.Time) {
	t.Helper()
	stage.AwaitTime(t, at)
}

// sameData compares without ever printing what is compared.
func sameData(t *testing.T, what string, got, want *corev1.Secret) {
	t.Helper()
	var differing []string
	for key := range want.Data {
		if string(got.Data[key]) != string(want.Data[key]) {
			differing = append(differing, key)
		}
	}
	for key := range got.Data {
		if _, wanted := want.Data[key]; !wanted {
			differing = append(differing, key)
		}
	}
	if len(differing) > 0 {
		t.Errorf("%s: the data differs in %s", what, strings.Join(differing, ", "))
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
