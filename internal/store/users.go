package store

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// userOwner is the name under which the API server records what is written to users over HTTP.
const userOwner = client.FieldOwner("grantkeeper-endpoint")

// CreateUser writes a user and fills in what the API server adds. ErrExists where its name is taken,
// ErrForbidden where the operator may not make users.
func (k *Kubernetes) CreateUser(ctx context.Context, user *v1alpha1.AuthUser) error {
	return classify("create the user", k.client.Create(ctx, user, userOwner))
}

// User reads a user by its object's name; ErrNotFound where there is none.
func (k *Kubernetes) User(ctx context.Context, namespace, name string) (*v1alpha1.AuthUser, error) {
	user := &v1alpha1.AuthUser{}
	if err := k.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, user); err != nil {
		return nil, classify("read the user", err)
	}
	return user, nil
}

// UserBySubject reads the oldest user who has a subject; ErrNotFound where there is none.
func (k *Kubernetes) UserBySubject(ctx context.Context, namespace, subject string) (*v1alpha1.AuthUser, error) {
	users := &v1alpha1.AuthUserList{}
	if err := k.client.List(ctx, users, client.InNamespace(namespace), client.MatchingFields{"spec.subject": subject}); err != nil {
		return nil, classify("look for the user", err)
	}
	if len(users.Items) == 0 {
		return nil, ErrNotFound
	}
	return oldest(users.Items), nil
}

// ReplaceUser writes what was changed of a user under the version that was read, and fills in what the API
// server adds. ErrConflict where it changed since.
func (k *Kubernetes) ReplaceUser(ctx context.Context, read, changed *v1alpha1.AuthUser) error {
	patch := client.MergeFromWithOptions(read, client.MergeFromWithOptimisticLock{})
	return classify("replace the user", k.client.Patch(ctx, changed, patch, userOwner))
}

// FinishUser takes off a user the mark that says it is being made, under the version that was read, and fills
// in what the API server adds. ErrConflict where it changed since.
func (k *Kubernetes) FinishUser(ctx context.Context, user *v1alpha1.AuthUser) error {
	before := user.DeepCopy()
	delete(user.Annotations, v1alpha1.AnnotationUnfinished)
	return classify("finish the user", k.client.Patch(ctx, user, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), userOwner))
}

// DeleteUser deletes a user as it was read. ErrNotFound where it is gone, ErrConflict where it changed
// since.
func (k *Kubernetes) DeleteUser(ctx context.Context, user *v1alpha1.AuthUser) error {
	return classify("delete the user", k.client.Delete(ctx, user, client.Preconditions{UID: &user.UID, ResourceVersion: &user.ResourceVersion}))
}

// UsersAsOf lists the users of a namespace as they were when a write made a version: all that was written
// before it, and nothing of what came after. Of two writes the later one sees the earlier one so, and
// never the other way round.
func (k *Kubernetes) UsersAsOf(ctx context.Context, namespace, version string) ([]v1alpha1.AuthUser, error) {
	users := &v1alpha1.AuthUserList{}
	at := &metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
	if err := k.client.List(ctx, users, &client.ListOptions{Namespace: namespace, Raw: at}); err != nil {
		return nil, classify("list the users", err)
	}
	return users.Items, nil
}

// HasSecret tells whether a Secret is there, whatever it holds.
func (k *Kubernetes) HasSecret(ctx context.Context, namespace, name string) (bool, error) {
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := k.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	if client.IgnoreNotFound(err) != nil {
		return false, classify("look for the Secret", err)
	}
	return err == nil, nil
}
