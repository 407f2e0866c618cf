package chart_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

const (
	grantID = "353fefa1-6b0d-4a3e-9c57-0c1f8a2b7d11"
	subject = "6f1c0b52-3c4d-4e5f-8a9b-1c2d3e4f5a6b"
)

// ordinary may do in the tenant's namespace whatever RBAC can allow: what stops it is admission.
func ordinary(t *testing.T) *rest.Config {
	t.Helper()
	user := "ordinary-of-" + strings.ToLower(t.Name())
	admin := mustConnect(t, cp.Config)
	for _, namespace := range []string{tenant, stranger} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		}
		if err := admin.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = admin.Delete(context.Background(), binding) })
	}
	return as(user)
}

func session(namespace string) *v1alpha1.AuthSession {
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: strings.Repeat("0", 52)},
		Spec:       v1alpha1.AuthSessionSpec{ExpiresAt: metav1.Now(), Sealed: []byte{1}},
	}
}

func revocation(namespace string) *v1alpha1.TokenRevocation {
	return &v1alpha1.TokenRevocation{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: grantID},
		Spec:       v1alpha1.TokenRevocationSpec{ExpiresAt: metav1.Now()},
	}
}

// restored is a grant as a backup has it, with all that the endpoint counts.
func restored(name string) *v1alpha1.RefreshTokenGrant {
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return &v1alpha1.RefreshTokenGrant{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant, Name: name},
		Spec: v1alpha1.RefreshTokenGrantSpec{
			ID:           grantID,
			UserRef:      v1alpha1.UserReference{Name: "alice", Subject: subject},
			ClientID:     "desk-phone",
			Epoch:        3,
			RefreshToken: &v1alpha1.GrantRefreshToken{Generation: 5, KeyVersion: 2, RotatedAt: &at},
			Login:        &v1alpha1.GrantLogin{AuthTime: at, IssuedAt: at},
		},
	}
}

// policiesInForce waits until the API server has taken in what was installed.
func policiesInForce(t *testing.T) {
	t.Helper()
	admin := mustConnect(t, cp.Config)
	grant := restored(strings.ToLower(t.Name()) + "-probe")
	if err := admin.Create(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Delete(context.Background(), grant) })
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		for _, err := range []error{
			admin.Create(ctx, session(tenant), client.DryRunAll),
			admin.Patch(ctx, grant.DeepCopy(), mergePatch(`{"spec":{"epoch":9}}`), client.DryRunAll),
		} {
			if err == nil {
				return errors.New("not yet in force")
			}
			if !apierrors.IsForbidden(err) {
				return err
			}
		}
		return nil
	})
}

func mergePatch(patch string) client.Patch {
	return client.RawPatch(types.MergePatchType, []byte(patch))
}

func wantForbidden(t *testing.T, err error, saying ...string) {
	t.Helper()
	if !apierrors.IsForbidden(err) {
		t.Errorf("got %v, want Forbidden", err)
		return
	}
	for _, want := range saying {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestNobodyButTheOperatorMakesSessionsAndRevocations(t *testing.T) {
	t.Parallel()
	installed(t)
	policiesInForce(t)
	person := mustConnect(t, ordinary(t))
	for _, c := range []client.Client{person, mustConnect(t, cp.Config)} { // not even the administrator
		wantForbidden(t, c.Create(t.Context(), session(tenant)), "AuthSession", "only the operator")
		wantForbidden(t, c.Create(t.Context(), revocation(tenant)), "TokenRevocation", "only the operator")
	}
	c := mustConnect(t, asOperator(t))
	for _, object := range []client.Object{session(tenant), revocation(tenant)} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Errorf("the operator: %v", err)
		}
		if err := c.Delete(t.Context(), object); err != nil {
			t.Errorf("the operator: %v", err)
		}
	}
	// What another installation serves is none of this one's business.
	if err := person.Create(t.Context(), session(stranger), client.DryRunAll); err != nil {
		t.Errorf("in a namespace that is not served: %v", err)
	}
}

func TestWhatTheEndpointCountsInAGrantIsTheOperatorsToChange(t *testing.T) {
	t.Parallel()
	installed(t)
	policiesInForce(t)
	person, operator := mustConnect(t, ordinary(t)), mustConnect(t, asOperator(t))
	grant := restored("counted")
	if err := person.Create(t.Context(), grant); err != nil {
		t.Fatalf("whoever creates a grant may set what a backup holds: %v", err)
	}
	t.Cleanup(func() { _ = person.Delete(context.Background(), grant) })

	guarded := map[string]struct{ field, patch string }{
		"the epoch raised":        {"spec.epoch", `{"spec":{"epoch":4}}`},
		"the generation raised":   {"spec.refreshToken.generation", `{"spec":{"refreshToken":{"generation":6}}}`},
		"a later rotation":        {"spec.refreshToken.rotatedAt", `{"spec":{"refreshToken":{"rotatedAt":"2099-01-01T00:00:00Z"}}}`},
		"the rotation forgotten":  {"spec.refreshToken.rotatedAt", `{"spec":{"refreshToken":{"rotatedAt":null}}}`},
		"another key":             {"spec.refreshToken.keyVersion", `{"spec":{"refreshToken":{"keyVersion":3}}}`},
		"the key forgotten":       {"spec.refreshToken.keyVersion", `{"spec":{"refreshToken":{"keyVersion":null}}}`},
		"another login":           {"spec.login", `{"spec":{"login":{"mobile":true}}}`},
		"the login forgotten":     {"spec.login", `{"spec":{"login":null}}`},
		"all in one with a scope": {"spec.epoch", `{"spec":{"epoch":4,"scopes":["orders:read"]}}`},
	}
	for name, tc := range guarded {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := person.Patch(t.Context(), grant.DeepCopy(), mergePatch(tc.patch), client.DryRunAll)
			wantForbidden(t, err, tc.field, "alone")
			if err := operator.Patch(t.Context(), grant.DeepCopy(), mergePatch(tc.patch), client.DryRunAll); err != nil {
				t.Errorf("the operator: %v", err)
			}
		})
	}
	free := map[string]string{
		"a label":                     `{"metadata":{"labels":{"a":"b"}}}`,
		"a scope":                     `{"spec":{"scopes":["orders:read"]}}`,
		"a suspension":                `{"spec":{"state":"Suspended"}}`,
		"another delivery":            `{"spec":{"refreshToken":{"delivery":"None"}}}`,
		"the counts as they are":      `{"spec":{"epoch":3,"refreshToken":{"generation":5}}}`,
		"the end of its days":         `{"spec":{"expiresAt":"2030-01-01T00:00:00Z"}}`,
		"a finalizer on the way out":  `{"metadata":{"finalizers":["example.com/last-words"]}}`,
		"an owner that takes it away": `{"metadata":{"ownerReferences":[]}}`,
	}
	for name, patch := range free {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := person.Patch(t.Context(), grant.DeepCopy(), mergePatch(patch), client.DryRunAll); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestAGrantWithoutCountsIsChangedAsFreely(t *testing.T) {
	t.Parallel()
	installed(t)
	policiesInForce(t)
	person := mustConnect(t, ordinary(t))
	grant := restored("uncounted")
	grant.Spec = v1alpha1.RefreshTokenGrantSpec{UserRef: v1alpha1.UserReference{Name: "alice"}, ClientID: "desk-phone"}
	if err := person.Create(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Delete(context.Background(), grant) })
	if err := person.Patch(t.Context(), grant.DeepCopy(), mergePatch(`{"spec":{"state":"Suspended"}}`), client.DryRunAll); err != nil {
		t.Errorf("refused: %v", err)
	}
	wantForbidden(t, person.Patch(t.Context(), grant.DeepCopy(), mergePatch(`{"spec":{"epoch":1}}`), client.DryRunAll), "spec.epoch")
}

func TestAUserIsCreatedWithTheSubjectOfABackup(t *testing.T) {
	t.Parallel()
	installed(t)
	policiesInForce(t)
	user := &v1alpha1.AuthUser{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant, Name: "restored"},
		Spec:       v1alpha1.AuthUserSpec{Subject: subject},
	}
	if err := mustConnect(t, ordinary(t)).Create(t.Context(), user, client.DryRunAll); err != nil {
		t.Errorf("refused: %v", err)
	}
}
