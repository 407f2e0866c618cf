package accounts_test

import (
	"bytes"
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// Whoever knows the old password gives a user another one. What came of the old one is dead on every replica, and
// counts towards no limit.
func TestAPasswordIsChanged(t *testing.T) {
	t.Parallel()
	x := open(t)
	y := x.another(t)
	carol := x.create(t, loggingIn("carol", password))
	held := x.loggedIn(t, "carol", password)
	before := x.secret(t, carol.AuthUser)
	y.AwaitVersion(t, before)
	y.AwaitVersion(t, x.object(t, carol))
	if _, err := y.Service.Check(t.Context(), y.Namespace, held.Reveal()); err != nil {
		t.Fatal(err)
	}

	wantRefusal(t, x.changePassword(t.Context(), carol, "wrong", another), wrongPassword)
	wantInvalid(t, x.changePassword(t.Context(), carol, password, ""), accounts.FieldNewPassword)
	x.wantLogin(t, "carol", password, "")
	if err := x.changePassword(t.Context(), carol, password, another); err != nil {
		t.Fatal(err)
	}
	x.wantLogin(t, "carol", password, issuing.InvalidGrant)
	x.wantDead(t, held)
	if left := len(x.Sessions(t)); left != 0 {
		t.Errorf("%d sessions of the old password are left", left)
	}
	x.wantLogin(t, "carol", another, "")

	after := x.secret(t, carol.AuthUser)
	if after.UID != before.UID || bytes.Contains(after.Data["password"], []byte(another)) {
		t.Errorf("the Secret holds %q", after.Data)
	}
	y.AwaitVersion(t, after)
	y.wantDead(t, held)
	y.wantLogin(t, "carol", another, "")
}

// A password whose Secret is gone is proven by nothing, so nobody changes it.
func TestChangeAPasswordThatIsGone(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, loggingIn("carol", password))
	x.loseSecret(t, x.object(t, carol))
	wantRefusal(t, x.changePassword(t.Context(), carol, password, another), wrongPassword)
}

// Guesses at the old password are under the lockout of logins: past it the right one is as wrong as any other.
func TestGuessesAtTheOldPassword(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, loggingIn("carol", password))
	for range 8 {
		wantRefusal(t, x.changePassword(t.Context(), carol, "wrong", another), wrongPassword)
	}
	wantRefusal(t, x.changePassword(t.Context(), carol, password, another), wrongPassword)
	x.wantLogin(t, "carol", password, issuing.LockedOut)
	// Another name gives no more guesses.
	x.replace(t, carol, accounts.Profile{Username: "caroline"})
	wantRefusal(t, x.changePassword(t.Context(), carol, password, another), wrongPassword)
	x.wantLogin(t, "caroline", password, "")
}
