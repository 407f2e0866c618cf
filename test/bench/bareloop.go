package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// bareLoop writes what the operator writes for a grant, of the same size and in a namespace that
// nobody watches, and decides nothing.
type bareLoop struct {
	core   kubernetes.Interface
	grants dynamic.ResourceInterface
	// secret and status are those of a grant that the operator has brought in.
	secret *corev1.Secret
	status map[string]any
}

func newBareLoop(ctx context.Context, w *world) (*bareLoop, error) {
	core, err := kubernetes.NewForConfig(w.cp.Config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	objects, err := dynamic.NewForConfig(w.cp.Config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	kind := objects.Resource(v1alpha1.GroupVersion.WithResource("refreshtokengrants"))
	b := &bareLoop{core: core, grants: kind.Namespace(bareNamespace)}
	if b.secret, err = core.CoreV1().Secrets(tenantNamespace).Get(ctx, "sample", metav1.GetOptions{}); err != nil {
		return nil, fmt.Errorf("read the sample's Secret: %w", err)
	}
	sample, err := kind.Namespace(tenantNamespace).Get(ctx, "sample", metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the sample: %w", err)
	}
	b.status, _, err = unstructured.NestedMap(sample.Object, "status")
	return b, err
}

// names of the grants of one turn.
func (*bareLoop) names(of string, turn, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d-%d", of, turn, i)
	}
	return names
}

// applyAll does for each grant what it takes from nothing to Ready.
func (b *bareLoop) applyAll(ctx context.Context, names []string) error {
	return eachOf(ctx, names, func(ctx context.Context, name string) error {
		if err := b.create(ctx, name); err != nil {
			return err
		}
		return b.issue(ctx, name)
	})
}

// issueAll does for each grant what it takes to deliver its first token.
func (b *bareLoop) issueAll(ctx context.Context, names []string) error {
	return eachOf(ctx, names, b.issue)
}

// prepare applies grants of a user who is disabled, here and at the operator, so that only the
// delivery of their tokens is left to do.
func (b *bareLoop) prepare(ctx context.Context, w *world, turn, n int) ([]string, error) {
	late := lateUser(turn)
	names := b.names(late, turn, n)
	if err := eachOf(ctx, names, b.create); err != nil {
		return nil, err
	}
	if err := w.client.Create(ctx, gen.AuthUser(late, gen.UserScopes("orders:*"), gen.Disabled())); err != nil {
		return nil, fmt.Errorf("create user %q: %w", late, err)
	}
	settled, err := w.awaitSettled(ctx, names)
	if err != nil {
		return nil, err
	}
	err = eachOf(ctx, names, func(ctx context.Context, name string) error {
		return w.client.Create(ctx, applied(name, late))
	})
	if err != nil {
		return nil, fmt.Errorf("apply the grants of %q: %w", late, err)
	}
	return names, settled()
}

// create applies a grant and writes its id.
func (b *bareLoop) create(ctx context.Context, name string) error {
	grant := applied(name, user)
	grant.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RefreshTokenGrant"}
	grant.Namespace = bareNamespace
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(grant)
	if err != nil {
		return err
	}
	delete(object, "status")
	if _, err := b.grants.Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create a bare grant: %w", err)
	}
	patch := fmt.Appendf(nil, `{"spec":{"id":%q}}`, gen.GrantID(name))
	if _, err := b.grants.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("patch a bare grant: %w", err)
	}
	return nil
}

// issue creates a Secret and applies a status.
func (b *bareLoop) issue(ctx context.Context, name string) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: bareNamespace, Name: name,
			Labels: b.secret.Labels, Annotations: b.secret.Annotations, OwnerReferences: b.secret.OwnerReferences,
		},
		Type: b.secret.Type,
		Data: b.secret.Data,
	}
	if _, err := b.core.CoreV1().Secrets(bareNamespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create a bare Secret: %w", err)
	}
	status := &unstructured.Unstructured{Object: map[string]any{"status": b.status}}
	status.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RefreshTokenGrant"))
	status.SetName(name)
	if _, err := b.grants.ApplyStatus(ctx, name, status, metav1.ApplyOptions{FieldManager: "bench", Force: true}); err != nil {
		return fmt.Errorf("apply a bare status: %w", err)
	}
	return nil
}
