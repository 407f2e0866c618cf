package secretwriter

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// Content is what the Secret shall hold.
type Content struct {
	// Data is all of the data: any other key is removed.
	Data map[string][]byte
	// Labels and Annotations are added to those that others set. The label and
	// the annotation that make the Secret ours are added by themselves.
	Labels, Annotations map[string]string
	// GoneLabels and GoneAnnotations are the keys of those that were added
	// before and are to be removed.
	GoneLabels, GoneAnnotations []string
}

// render lays the content over what was observed and returns a new object.
// A Secret that is already right comes out equal.
func (t *Target) render(content Content, observed *corev1.Secret) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.Namespace, Name: t.Name},
		Type:       secretType(t.Type),
	}
	if observed != nil {
		secret = observed.DeepCopy()
	}
	secret.Data = maps.Clone(content.Data) // the answer is decoded into the object
	secret.Labels = overlay(secret.Labels, content.GoneLabels, content.Labels)
	secret.Annotations = overlay(secret.Annotations, content.GoneAnnotations, content.Annotations)
	stamp(&secret.Labels, v1alpha1.LabelCredential, t.Credential)
	stamp(&secret.Annotations, t.Evidence.Annotation, t.Evidence.Value)
	secret.OwnerReferences = t.own(secret.OwnerReferences)
	return secret
}

// Holds tells whether the observed Secret is already as a write of the content would make it. There is
// none where it is nil.
func (t *Target) Holds(content Content, observed *corev1.Secret) bool {
	return observed != nil && equality.Semantic.DeepEqual(observed, t.render(content, observed))
}

// overlay takes what is gone from base, which it changes, and lays ours over it.
func overlay(base map[string]string, gone []string, ours map[string]string) map[string]string {
	for _, key := range gone {
		delete(base, key)
	}
	for key, value := range ours {
		stamp(&base, key, value)
	}
	return base
}

func stamp(pairs *map[string]string, key, value string) {
	if *pairs == nil {
		*pairs = map[string]string{}
	}
	(*pairs)[key] = value
}

// own puts the owner among the references, in the place of one with its uid, or
// with its kind and name, which is the same object before a restore. Owners
// that others added stay.
func (t *Target) own(references []metav1.OwnerReference) []metav1.OwnerReference {
	if t.Owner == nil {
		return references
	}
	owner := *t.Owner
	owner.BlockOwnerDeletion = new(false)
	same := func(r metav1.OwnerReference) bool {
		return r.UID == owner.UID || sameKind(&r, &owner) && r.Name == owner.Name
	}
	place := slices.IndexFunc(references, same)
	if place < 0 {
		return append(references, owner)
	}
	return slices.Insert(slices.DeleteFunc(references, same), place, owner)
}
