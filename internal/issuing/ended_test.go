package issuing_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// What a replaced password leaves behind is ended: not what another one made, nor what no password did.
func TestWhichSessionsEndWithAUserOrAPassword(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.AuthUser("bob"))
	rows := x.Rows(t)
	user, _ := rows.User("alice")
	current, _ := rows.CredentialVersion(user)
	ofPassword := func(version string) func(*tokens.Access) {
		return func(a *tokens.Access) { a.CredentialVersion = version }
	}
	x.Create(t, sessionOf(t, x.Tenant, "alice", "current", ofPassword(current)), sessionOf(t, x.Tenant, "alice", "replaced", ofPassword("another")),
		sessionOf(t, x.Tenant, "alice", "applied"), sessionOf(t, x.Tenant, "bob", "bob's", ofPassword("another")))
	left := func() (ids []string) {
		for _, session := range x.Sessions(t) {
			ids = append(ids, session.Spec.ID)
		}
		slices.Sort(ids)
		return ids
	}
	want := func(names ...string) (ids []string) {
		for _, name := range names {
			ids = append(ids, gen.GrantID(name))
		}
		slices.Sort(ids)
		return ids
	}
	if err := x.Service.EndOldLogins(t.Context(), rows, user); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want("current", "applied", "bob's"), left()); diff != "" {
		t.Errorf("after a change of the password (-want +got):\n%s", diff)
	}
	if err := x.Service.EndLogins(t.Context(), rows, user.Subject()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want("bob's"), left()); diff != "" {
		t.Errorf("after the user (-want +got):\n%s", diff)
	}
}
