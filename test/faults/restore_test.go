package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

const (
	restoredJWTs       = 20
	restoredReferences = 5
)

// TestARestoreIssuesNothingThatWasNotLost exports everything as a backup does, deletes it, and makes
// it again: other uids, no status, no owners. What a session was for is issued anew in any case.
func TestARestoreIssuesNothingThatWasNotLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secrets   bool // the tenant's Secrets are in the backup
		namespace bool // the namespace is deleted too
		wantJWTs  int  // issued anew
	}{
		"Secrets and keyring":                        {secrets: true},
		"the keyring alone":                          {wantJWTs: restoredJWTs},
		"Secrets and keyring into another namespace": {secrets: true, namespace: true},
		"the keyring alone, into another namespace":  {namespace: true, wantJWTs: restoredJWTs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "restore")
			o := s.start(t)
			s.peopleOfABackup(t)
			jwts := s.grants(t, s.tenant(), "jwt", restoredJWTs, each(gen.DeliversRefreshToken(), withoutID))
			references := s.grants(t, s.tenant(), "reference", restoredReferences, each(asReference, withoutID))
			awaitReady(t, append(jwts, references...)...)
			issued := bySecret(t, s.tenant())
			if err := o.Stop(); err != nil {
				t.Error(err)
			}

			kept := s.export(t, tc.secrets)
			s.deleteAll(t, kept, tc.namespace)
			s.restore(t, kept, tc.namespace)
			awaitAnotherSecond(t, issued)
			s.start(t)
			s.awaitAllReady(t, s.tenant(), restoredJWTs+restoredReferences)

			now := bySecret(t, s.tenant())
			gotJWTs, gotReferences := reissued(issued, now, jwts), reissued(issued, now, references)
			figure(t, "restore ("+name+"): self-contained tokens issued anew", fmt.Sprintf("%d of %d", gotJWTs, restoredJWTs))
			figure(t, "restore ("+name+"): reference tokens issued anew", fmt.Sprintf("%d of %d", gotReferences, restoredReferences))
			if gotJWTs != tc.wantJWTs || gotReferences != restoredReferences {
				t.Errorf("issued anew: %d self-contained, %d reference tokens; want %d, %d", gotJWTs, gotReferences, tc.wantJWTs, restoredReferences)
			}
			s.wantOwners(t, now)
			s.wantOneRevision(t, issued, append(jwts, references...))
			s.wantSameCredential(t, kept)
		})
	}
}

// awaitAnotherSecond waits until none of the tokens is of this second. A grant's token of one second is
// always the same: what was issued anew within it could not be told from what was kept.
func awaitAnotherSecond(t *testing.T, issued map[string]*corev1.Secret) {
	t.Helper()
	eventually(t, func(context.Context) error {
		for name, secret := range issued {
			at := secret.Annotations[v1alpha1.AnnotationIssuedAt]
			if at != "" && at == time.Now().UTC().Format(time.RFC3339) {
				return fmt.Errorf("the token in Secret %q is of this second", name)
			}
		}
		return nil
	})
}

func withoutID(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID, g.Spec.Epoch = "", 0 }

func asReference(g *v1alpha1.RefreshTokenGrant) {
	g.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference}
}

// peopleOfABackup leave to the operator what it can make: a subject, a password and a client secret.
func (s *site) peopleOfABackup(t *testing.T) {
	t.Helper()
	alice := gen.AuthUser(user, gen.UserScopes("orders:*"), func(u *v1alpha1.AuthUser) {
		u.Spec.Subject = ""
		u.Spec.Password = &v1alpha1.UserPassword{Generate: &v1alpha1.GeneratedPassword{SecretName: user + "-password"}}
	})
	billing := gen.AuthClient(clientID, gen.EveryGrantType(), gen.ClientScopes("orders:*"), func(c *v1alpha1.AuthClient) {
		c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: clientID + "-client"}}
	})
	s.apply(t, gen.In(s.tenant(), alice), gen.In(s.tenant(), billing))
	awaitReady[client.Object](t, alice, billing)
}

// bySecret are a tenant's tokens by the name of their Secret.
func bySecret(t *testing.T, tenant string) map[string]*corev1.Secret {
	t.Helper()
	all := map[string]*corev1.Secret{}
	for _, secret := range secretsOf(t, tenant) {
		all[secret.Name] = secret
	}
	return all
}

func reissued(before, now map[string]*corev1.Secret, grants []*v1alpha1.RefreshTokenGrant) (n int) {
	for _, g := range grants {
		name, _ := g.TargetName()
		if string(before[name].Data[v1alpha1.KeyAccessToken]) != string(now[name].Data[v1alpha1.KeyAccessToken]) {
			n++
		}
	}
	return n
}

// backup is what a restore brings, in this order.
type backup struct{ keyrings, secrets, objects []unstructured.Unstructured }

// export reads what kubectl would show; the Secrets where they are in the backup.
func (s *site) export(t *testing.T, secrets bool) (b backup) {
	t.Helper()
	secretList := corev1.SchemeGroupVersion.WithKind("SecretList")
	b.keyrings = listed(t, secretList, s.release.Namespace, client.MatchingLabels{v1alpha1.LabelCredential: v1alpha1.CredentialKeyring})
	if secrets {
		b.secrets = listed(t, secretList, s.tenant(), client.HasLabels{v1alpha1.LabelCredential})
	}
	for _, kind := range []string{"AuthTenantList", "AuthUserList", "AuthClientList", "RefreshTokenGrantList"} {
		b.objects = append(b.objects, listed(t, v1alpha1.GroupVersion.WithKind(kind), s.tenant())...)
	}
	return b
}

func listed(t *testing.T, kind schema.GroupVersionKind, namespace string, options ...client.ListOption) []unstructured.Unstructured {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	if err := admin.List(t.Context(), list, append(options, client.InNamespace(namespace))...); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// deleteAll loses everything: the tenant's objects and Secrets, and the keyrings.
func (s *site) deleteAll(t *testing.T, b backup, namespace bool) {
	t.Helper()
	for i := range b.keyrings {
		gone(t, admin, b.keyrings[i].DeepCopy())
	}
	if namespace {
		s.deleteNamespace(t, s.tenant())
		return
	}
	for i := range b.objects {
		gone(t, admin, b.objects[i].DeepCopy())
	}
	lost := listed(t, corev1.SchemeGroupVersion.WithKind("SecretList"), s.tenant(), client.HasLabels{v1alpha1.LabelCredential})
	for i := range lost { // which of them garbage collection has not taken yet
		if err := admin.Delete(t.Context(), &lost[i]); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}
	sessions := listed(t, v1alpha1.GroupVersion.WithKind("AuthSessionList"), s.tenant())
	for i := range sessions {
		gone(t, admin, &sessions[i])
	}
}

// restore makes everything again. Where the namespace is another one, its keyring is told so.
func (s *site) restore(t *testing.T, b backup, namespace bool) {
	t.Helper()
	tenant := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.tenant()}}
	if namespace {
		s.apply(t, tenant)
		s.restoreRole(t)
	} else if err := admin.Get(t.Context(), client.ObjectKeyFromObject(tenant), tenant); err != nil {
		t.Fatal(err)
	}
	for i := range b.keyrings {
		again := remade(&b.keyrings[i])
		if namespace {
			annotations := again.GetAnnotations()
			annotations[v1alpha1.AnnotationAdopt] = string(tenant.UID)
			again.SetAnnotations(annotations)
		}
		s.apply(t, again)
	}
	for _, objects := range [][]unstructured.Unstructured{b.secrets, b.objects} {
		for i := range objects {
			s.apply(t, remade(&objects[i]))
		}
	}
}

// remade is an object as a backup brings it back.
func remade(object *unstructured.Unstructured) *unstructured.Unstructured {
	again := object.DeepCopy()
	unstructured.RemoveNestedField(again.Object, "status")
	again.Object["metadata"] = map[string]any{}
	again.SetNamespace(object.GetNamespace())
	again.SetName(object.GetName())
	again.SetLabels(object.GetLabels())
	again.SetAnnotations(object.GetAnnotations())
	return again
}

// wantOwners waits for the ownerReferences, which no backup could bring.
func (s *site) wantOwners(t *testing.T, now map[string]*corev1.Secret) {
	t.Helper()
	for name, secret := range now {
		if len(secret.OwnerReferences) != 1 {
			t.Errorf("Secret %q has %d owners, want its grant", name, len(secret.OwnerReferences))
		}
	}
}

// wantOneRevision looks at all tokens that were ever seen since the first ones.
func (s *site) wantOneRevision(t *testing.T, issued map[string]*corev1.Secret, grants []*v1alpha1.RefreshTokenGrant) {
	t.Helper()
	first := map[string]bool{}
	for _, secret := range issued {
		first[string(secret.Data[v1alpha1.KeyAccessToken])] = true
	}
	later := map[string]int{}
	for of, token := range s.seen.All() {
		if !first[token.Token] {
			later[of.GrantID]++
		}
	}
	for id, n := range later {
		if n > 1 {
			t.Errorf("grant %s was issued %d tokens after the restore", id, n)
		}
	}
	if len(later) > len(grants) {
		t.Errorf("%d grants got tokens, there are %d", len(later), len(grants))
	}
}

// wantSameCredential compares the generated secrets that were in the backup.
func (s *site) wantSameCredential(t *testing.T, b backup) {
	t.Helper()
	for i := range b.secrets {
		before, now := &b.secrets[i], &unstructured.Unstructured{}
		if before.GetAnnotations()[v1alpha1.AnnotationGeneratedAt] == "" {
			continue
		}
		now.SetGroupVersionKind(before.GroupVersionKind())
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(before), now); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(before.Object["data"]) != fmt.Sprint(now.Object["data"]) {
			t.Errorf("the generated credential in %q is another one", before.GetName())
		}
	}
}
