package issuing_test

import (
	"fmt"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Whoever may rename a user and guesses the password in between is locked out like anybody else.
func TestARenameBringsNoMoreGuesses(t *testing.T) {
	t.Parallel()
	x := team(t)
	prove := func(text string) error {
		user, _ := x.Rows(t).User("alice")
		return x.Service.ProvePassword(t.Context(), x.Rows(t), user, sensitive.New(text), "192.0.2.7")
	}
	if err := prove(password); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		x.Put(alice(func(u *v1alpha1.AuthUser) { u.Spec.Username = fmt.Sprintf("alice-%d", i) }))
		wantRefusal(t, prove("wrong"), issuing.InvalidGrant)
	}
	x.Put(alice(func(u *v1alpha1.AuthUser) { u.Spec.Username = "alice-again" }))
	wantRefusal(t, prove(password), issuing.LockedOut)
}
