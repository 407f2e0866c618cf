package secretwriter

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// Evidence is the annotation that tells whose a Secret is, for instance the
// grant id. It is stamped on every write.
type Evidence struct {
	// Annotation is the annotation's key.
	Annotation string
	// Value names the holder. An empty one is evidence of nothing.
	Value string
}

// Target is one Secret and who may claim it. It is known before the content is.
type Target struct {
	Namespace, Name string
	// Type cannot change once the Secret exists. Empty means Opaque.
	Type corev1.SecretType
	// Credential is the value of v1alpha1.LabelCredential.
	Credential string
	// Evidence makes the Secret ours, together with the label or a voucher.
	Evidence Evidence
	// Owner is the object whose deletion takes the Secret along; nil for none.
	// Leave Controller nil where people may bring their own controller.
	Owner *metav1.OwnerReference
}

// Observed is what a decision was based on.
type Observed struct {
	// Secret is nil where none was read. It may come from a cache and is not
	// changed.
	Secret *corev1.Secret
	// Vouched is true when the Secret holds a value that only this tenant's
	// keys can have made for this holder. It makes up for a lost label.
	Vouched bool
}

// Verdict is what the metadata of a Secret says about whose it is.
type Verdict string

// The verdicts.
const (
	// VerdictAbsent: there is no Secret; it may be created.
	VerdictAbsent Verdict = "Absent"
	// VerdictOurs: it may be updated.
	VerdictOurs Verdict = "Ours"
	// VerdictImmutable: it is ours, but its type or its immutable flag keeps
	// anyone from updating it. A person has to delete it.
	VerdictImmutable Verdict = "Immutable"
	// VerdictOwnedByOther: another holder of the same kind wrote it.
	VerdictOwnedByOther Verdict = "OwnedByOther"
	// VerdictForeign: nothing shows that this operator wrote it.
	VerdictForeign Verdict = "Foreign"
)

// Judge says whose the observed Secret is. It is ours when the annotation names
// our holder and either the label is there, with no owner of the holder's kind
// but another name beside it, or the content is vouched for. It reads metadata
// only and has no side effects.
func (t *Target) Judge(observed Observed) Verdict {
	secret := observed.Secret
	if secret == nil {
		return VerdictAbsent
	}
	holder := secret.Annotations[t.Evidence.Annotation]
	labelled := t.Credential != "" && secret.Labels[v1alpha1.LabelCredential] == t.Credential
	named := holder != "" && holder == t.Evidence.Value
	switch {
	case named && (observed.Vouched || labelled && !t.ownedBySibling(secret)):
		return t.writable(secret)
	case labelled && holder != "":
		return VerdictOwnedByOther
	default:
		return VerdictForeign
	}
}

// check refuses what could not be undone: a write without evidence could never
// be recognized again, and an Update without a version overwrites whatever is
// there.
func (t *Target) check(observed *corev1.Secret) error {
	name := types.NamespacedName{Namespace: t.Namespace, Name: t.Name}
	switch {
	case t.Credential == "" || t.Evidence.Annotation == "" || t.Evidence.Value == "":
		return fmt.Errorf("target Secret %q has no credential label or no evidence", name)
	case observed == nil:
		return nil
	case observed.Namespace != t.Namespace || observed.Name != t.Name || observed.ResourceVersion == "":
		return fmt.Errorf("target Secret %q: the Secret observed is another, or was not read from the API server", name)
	default:
		return nil
	}
}

func (t *Target) writable(secret *corev1.Secret) Verdict {
	frozen := secret.Immutable != nil && *secret.Immutable
	if frozen || secretType(secret.Type) != secretType(t.Type) {
		return VerdictImmutable
	}
	return VerdictOurs
}

// ownedBySibling reports whether the Secret belongs to another object of the
// owner's kind. The uid does not count: a restored owner has a new one.
func (t *Target) ownedBySibling(secret *corev1.Secret) bool {
	if t.Owner == nil {
		return false
	}
	for i := range secret.OwnerReferences {
		if other := &secret.OwnerReferences[i]; sameKind(other, t.Owner) && other.Name != t.Owner.Name {
			return true
		}
	}
	return false
}

// sameKind compares group and kind: a version is only a way to read a kind.
func sameKind(a, b *metav1.OwnerReference) bool {
	groupA, errA := schema.ParseGroupVersion(a.APIVersion)
	groupB, errB := schema.ParseGroupVersion(b.APIVersion)
	return errA == nil && errB == nil && groupA.Group == groupB.Group && a.Kind == b.Kind
}

func secretType(t corev1.SecretType) corev1.SecretType {
	if t == "" {
		return corev1.SecretTypeOpaque
	}
	return t
}
