package secretwriter_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

const (
	ourID   = "353fefa1-5b0e-4a0e-8f2c-3d8e3b6a9c01"
	otherID = "41d2b7c4-0f35-4c58-9f6f-2f1f8f0f7e02"
)

// target is a grant's Secret in a namespace.
func target(namespace string) secretwriter.Target {
	return secretwriter.Target{
		Namespace:  namespace,
		Name:       "billing-token",
		Credential: v1alpha1.CredentialOutput,
		Evidence:   secretwriter.Evidence{Annotation: v1alpha1.AnnotationGrantID, Value: ourID},
		Owner:      grantOwner("billing", "uid-1"),
	}
}

func grantOwner(name string, uid types.UID) *metav1.OwnerReference {
	return &metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "RefreshTokenGrant", Name: name, UID: uid,
	}
}

// secret is one that is ours in every way.
func secret(namespace string, mods ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        "billing-token",
			Labels:      map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialOutput},
			Annotations: map[string]string{v1alpha1.AnnotationGrantID: ourID},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"token": []byte("before")},
	}
	for _, mod := range mods {
		mod(s)
	}
	return s
}

func unlabelled(s *corev1.Secret) { s.Labels = nil }

func labelled(value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Labels = map[string]string{v1alpha1.LabelCredential: value} }
}

func named(holder string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Annotations[v1alpha1.AnnotationGrantID] = holder }
}

func unnamed(s *corev1.Secret) { s.Annotations = nil }

func frozen(s *corev1.Secret) { s.Immutable = new(true) }

func typed(typ corev1.SecretType) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Type = typ }
}

func ownedBy(owners ...*metav1.OwnerReference) func(*corev1.Secret) {
	return func(s *corev1.Secret) {
		for _, owner := range owners {
			s.OwnerReferences = append(s.OwnerReferences, *owner)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const a = "team-a"
	deployment := &metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "billing-app", UID: "uid-7"}
	sibling := grantOwner("another", "uid-2")
	newer := grantOwner("another", "uid-2")
	newer.APIVersion = v1alpha1.GroupName + "/v1"
	cases := map[string]struct {
		secret  *corev1.Secret
		vouched bool
		want    secretwriter.Verdict
	}{
		"no Secret is free to be made": {nil, false, secretwriter.VerdictAbsent},
		"label and annotation make it ours": {
			secret(a), false, secretwriter.VerdictOurs},
		"so they do with another kind's owner beside": {
			secret(a, ownedBy(deployment)), false, secretwriter.VerdictOurs},
		"so they do after a restore gave the owner another uid": {
			secret(a, ownedBy(grantOwner("billing", "uid-before"))), false, secretwriter.VerdictOurs},
		"a lost label is made up for by the content": {
			secret(a, unlabelled), true, secretwriter.VerdictOurs},
		"an empty type is Opaque": {
			secret(a, typed("")), false, secretwriter.VerdictOurs},
		"without label and voucher the annotation may be copied": {
			secret(a, unlabelled), false, secretwriter.VerdictForeign},
		"a person's input is no output": {
			secret(a, labelled(v1alpha1.CredentialInput)), false, secretwriter.VerdictForeign},
		"content alone may be copied": {
			secret(a, unnamed, unlabelled), true, secretwriter.VerdictForeign},
		"the label alone says nothing of the holder": {
			secret(a, unnamed), false, secretwriter.VerdictForeign},
		"another holder's annotation without our label is anybody's": {
			secret(a, unlabelled, named(otherID)), false, secretwriter.VerdictForeign},
		"the holder named in it wins": {
			secret(a, named(otherID)), false, secretwriter.VerdictOwnedByOther},
		"the holder named in it wins over a copied token": {
			secret(a, named(otherID)), true, secretwriter.VerdictOwnedByOther},
		"a sibling's Secret with the same evidence is the sibling's": {
			secret(a, ownedBy(sibling)), false, secretwriter.VerdictOwnedByOther},
		"a sibling is one whatever version its kind was read in": {
			secret(a, ownedBy(newer)), false, secretwriter.VerdictOwnedByOther},
		"a renamed holder has its content to show": {
			secret(a, ownedBy(sibling)), true, secretwriter.VerdictOurs},
		"an immutable one of ours cannot be kept fresh": {
			secret(a, frozen), false, secretwriter.VerdictImmutable},
		"nor can one of ours of another type": {
			secret(a, typed(corev1.SecretTypeBasicAuth)), false, secretwriter.VerdictImmutable},
		"an immutable one of somebody else's is foreign": {
			secret(a, unnamed, frozen), false, secretwriter.VerdictForeign},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := target(a)
			got := target.Judge(secretwriter.Observed{Secret: tc.secret, Vouched: tc.vouched})
			if got != tc.want {
				t.Errorf("Judge = %s, want %s", got, tc.want)
			}
		})
	}
}

// A holder that has no id yet must not own every Secret without an annotation.
func TestJudgeTakesNoEmptyEvidence(t *testing.T) {
	t.Parallel()
	target := target("team-a")
	target.Evidence.Value = ""
	for name, s := range map[string]*corev1.Secret{
		"absent": secret("team-a", unnamed), "empty": secret("team-a", named("")),
	} {
		if got := target.Judge(secretwriter.Observed{Secret: s, Vouched: true}); got != secretwriter.VerdictForeign {
			t.Errorf("with an %s annotation Judge = %s, want Foreign", name, got)
		}
	}
}

func TestJudgeWithoutOwnerKnowsNoSiblings(t *testing.T) {
	t.Parallel()
	target := target("team-a")
	target.Owner = nil
	s := secret("team-a", ownedBy(grantOwner("another", "uid-2")))
	if got := target.Judge(seen(s)); got != secretwriter.VerdictOurs {
		t.Errorf("Judge = %s, want Ours", got)
	}
}

func TestASecretHoldsWhatAWriteWouldNotChange(t *testing.T) {
	t.Parallel()
	target := target("team-a")
	content := secretwriter.Content{Data: map[string][]byte{"token": []byte("one")}}
	right := secret("team-a", func(s *corev1.Secret) {
		s.Data = map[string][]byte{"token": []byte("one")}
		s.OwnerReferences = []metav1.OwnerReference{*grantOwner("billing", "uid-1")}
		s.OwnerReferences[0].BlockOwnerDeletion = new(false)
	})
	for name, tc := range map[string]struct {
		secret *corev1.Secret
		want   bool
	}{
		"one that is right":      {right, true},
		"one with another value": {secret("team-a", func(s *corev1.Secret) { s.Data = map[string][]byte{"token": []byte("two")} }), false},
		"one without its label":  {secret("team-a", func(s *corev1.Secret) { s.Data, s.Labels = right.Data, nil }), false},
		"one that is not there":  {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := target.Holds(content, tc.secret); got != tc.want {
				t.Errorf("Holds is %t, want %t", got, tc.want)
			}
		})
	}
}
