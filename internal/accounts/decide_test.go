package accounts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestWhatTwoUsersShare(t *testing.T) {
	t.Parallel()
	alice := func() *v1alpha1.AuthUser {
		return gen.AuthUser("alice", gen.Username("Alice"), gen.Profile("", "", "alice@example.com"))
	}
	for name, tc := range map[string]struct {
		other *v1alpha1.AuthUser
		want  Field
	}{
		"nothing":                               {gen.AuthUser("bob"), ""},
		"the username in another case":          {gen.AuthUser("bob", gen.Username("aLICE")), FieldUsername},
		"the name of an object as the username": {gen.AuthUser("alice"), FieldUsername},
		"an address in another case":            {gen.AuthUser("bob", gen.Profile("", "", "Alice@Example.com")), FieldEmail},
		"an address that is a username there":   {gen.AuthUser("bob", gen.Username("alice@example.com")), FieldEmail},
		"a username that is a uuid here":        {gen.AuthUser("bob", gen.Username(strings.ToUpper(gen.Subject("alice")))), FieldUUID},
		"the subject":                           {gen.AuthUser("bob", func(u *v1alpha1.AuthUser) { u.Spec.Subject = gen.Subject("alice") }), FieldUUID},
		"a name that is no login any more":      {gen.AuthUser("Alice", gen.Username("bob")), ""},
		"all of it, by the first":               {alice(), FieldUsername},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := shared(alice(), tc.other); got != tc.want || ok != (tc.want != "") {
				t.Errorf("%q, %t, want %q", got, ok, tc.want)
			}
		})
	}
}

func TestWhoseUserItIs(t *testing.T) {
	t.Parallel()
	entry := func(operation metav1.ManagedFieldsOperationType, subresource string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: "somebody", Operation: operation, Subresource: subresource}
	}
	for name, tc := range map[string]struct {
		mod  func(*v1alpha1.AuthUser)
		want bool
	}{
		"made over HTTP":  {func(*v1alpha1.AuthUser) {}, true},
		"without a label": {func(u *v1alpha1.AuthUser) { u.Labels = nil }, false},
		"with another's":  {func(u *v1alpha1.AuthUser) { u.Labels[v1alpha1.LabelManagedBy] = "Helm" }, false},
		"with a status that the leader has applied": {func(u *v1alpha1.AuthUser) {
			u.ManagedFields = append(u.ManagedFields, entry(metav1.ManagedFieldsOperationApply, "status"))
		}, true},
		"with scopes that a person has patched": {func(u *v1alpha1.AuthUser) {
			u.ManagedFields = append(u.ManagedFields, entry(metav1.ManagedFieldsOperationUpdate, ""))
		}, true},
		"applied by the server": {func(u *v1alpha1.AuthUser) {
			u.ManagedFields = append(u.ManagedFields, entry(metav1.ManagedFieldsOperationApply, ""))
		}, false},
		"applied by the client": {func(u *v1alpha1.AuthUser) {
			u.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: ""}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := gen.AuthUser("alice", func(u *v1alpha1.AuthUser) {
				u.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}
				u.ManagedFields = []metav1.ManagedFieldsEntry{entry(metav1.ManagedFieldsOperationUpdate, "")}
			})
			tc.mod(u)
			if got := isOurs(u); got != tc.want {
				t.Errorf("%t, want %t", got, tc.want)
			}
		})
	}
}

// The API server counts characters, whatever their bytes.
func TestHowLongATextMayBe(t *testing.T) {
	t.Parallel()
	const wide = "é"
	profile := func(name func(*Profile) *string) func(string) error {
		return func(text string) error {
			p := &Profile{}
			*name(p) = text
			return p.check()
		}
	}
	for name, tc := range map[string]struct {
		check  func(string) error
		ending string
		most   int
		field  Field
		want   string
	}{
		"a username": {
			check: profile(func(p *Profile) *string { return &p.Username }), most: 256, field: FieldUsername,
			want: "must have 1 to 256 characters, and neither ':' nor control characters",
		},
		"a first name": {
			check: profile(func(p *Profile) *string { return &p.FirstName }), most: 128, field: FieldFirstName,
			want: "must have at most 128 characters, and no control characters",
		},
		"a last name": {
			check: profile(func(p *Profile) *string { return &p.LastName }), most: 128, field: FieldLastName,
			want: "must have at most 128 characters, and no control characters",
		},
		"an address": {
			check: checkAddress, ending: "@example.com", most: 254, field: FieldEmail,
			want: "must be an e-mail address of at most 254 characters",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			longest := strings.Repeat(wide, tc.most-len(tc.ending)) + tc.ending
			if err := tc.check(longest); err != nil {
				t.Errorf("the longest is refused: %v", err)
			}
			want := error(&Refusal{Reason: Invalid, Field: tc.field, Text: tc.want})
			if diff := cmp.Diff(want, tc.check(wide+longest)); diff != "" {
				t.Errorf("one character more (-want +got):\n%s", diff)
			}
		})
	}
}

// A login names the object, whatever its case, and the other things of a user do not.
func TestNames(t *testing.T) {
	t.Parallel()
	spec := func(mods ...func(*v1alpha1.AuthUser)) *v1alpha1.AuthUserSpec { return &gen.AuthUser("x", mods...).Spec }
	byName, byAddress := spec(gen.Username("Alice")), spec(gen.Profile("", "", "Alice@example.com"))
	if nameOf(byName) != nameOf(spec(gen.Username("aLICE"), gen.Profile("A", "B", "b@example.com"))) {
		t.Error("one username has two names")
	}
	if nameOf(byAddress) != nameOf(spec(gen.Username("alice@example.com"))) {
		t.Error("one login has two names")
	}
	different := map[string]bool{nameOf(byName): true, nameOf(byAddress): true, nameOf(spec()): true, nameOf(byName, byName.Subject): true}
	if len(different) != 4 {
		t.Errorf("%d names, want 4", len(different))
	}
}
