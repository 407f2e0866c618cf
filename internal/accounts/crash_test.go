package accounts_test

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// crash makes a user as a replica does that stops before the mark of an unfinished user is taken off, and gives
// what it leaves behind, as soon as memory has it.
func (x *replica) crash(t *testing.T, wanted accounts.NewUser) (left *v1alpha1.AuthUser) {
	t.Helper()
	crashing := x.failing(errOutage, "FinishUser", "DeleteUser") // and takes nothing back
	_, err := crashing.Accounts.Create(t.Context(), x.request(), wanted)
	wantOutage(t, err, errOutage)
	x.Await(t, "memory has the user who was left behind", func() bool {
		row, ok := x.Rows(t).UserByLogin(wanted.Username)
		if ok {
			left = row.AuthUser
		}
		return ok
	})
	return left
}

// loseSecret deletes the Secret of a user's password.
func (x *replica) loseSecret(t *testing.T, user *v1alpha1.AuthUser) {
	t.Helper()
	secret := x.secret(t, user)
	x.AwaitVersion(t, secret)
	x.Delete(t, secret)
}

// A crash before the user is whole leaves one behind who cannot log in. Who asks again gets the user, once the
// first request cannot be on its way any more.
func TestAUserWhomACrashHasLeftBehind(t *testing.T) {
	t.Parallel()
	for name, wanted := range map[string]accounts.NewUser{
		"without its password": loggingIn("carol", password),
		"who was to have none": named("carol"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			left := x.crash(t, wanted)
			if left.Spec.Password != nil {
				x.loseSecret(t, left)
			}
			x.wantLogin(t, "carol", password, issuing.InvalidGrant)
			again := loggingIn("CAROL", another)
			for _, early := range []time.Duration{0, time.Minute - time.Second} {
				_, err := x.at(left.CreationTimestamp.Add(early)).Accounts.Create(t.Context(), x.request(), again)
				wantRefusal(t, err, taken(accounts.FieldUsername))
			}
			later := x.at(left.CreationTimestamp.Add(time.Minute))
			if made := later.create(t, again); made.Subject() == left.Spec.Subject {
				t.Error("it is the same user")
			}
			x.wantLogin(t, "carol", another, "")
			_, err := later.Accounts.Create(t.Context(), x.request(), again)
			wantRefusal(t, err, taken(accounts.FieldUsername)) // once it is whole
		})
	}
}

// A crash after the password was written leaves one behind who can log in: nobody takes that one's place.
func TestAUserWhomACrashHasLeftBehindWithAPassword(t *testing.T) {
	t.Parallel()
	x := open(t)
	left := x.crash(t, loggingIn("carol", password))
	_, err := x.at(left.CreationTimestamp.Add(time.Hour)).Accounts.Create(t.Context(), x.request(), loggingIn("carol", another))
	wantRefusal(t, err, taken(accounts.FieldUsername))
	x.AwaitVersion(t, x.secret(t, left))
	x.wantLogin(t, "carol", password, "")
}

// Who was left behind stays where it cannot be told or done that they give way.
func TestAUserWhomACrashHasLeftBehindInAnOutage(t *testing.T) {
	t.Parallel()
	for name, method := range map[string]string{
		"while the user is read":           "User",
		"while the password is looked for": "HasSecret",
		"while the user is deleted":        "DeleteUser",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			left := x.crash(t, loggingIn("carol", password))
			x.loseSecret(t, left)
			later := x.at(left.CreationTimestamp.Add(time.Hour))
			_, err := later.failing(errOutage, method).Accounts.Create(t.Context(), x.request(), loggingIn("carol", another))
			wantOutage(t, err, errOutage)
			if users := x.users(t); len(users) != 1 || users[0].UID != left.UID {
				t.Errorf("%d users are there, want the one who was left behind", len(users))
			}
			later.create(t, loggingIn("carol", another))
			x.wantLogin(t, "carol", another, "")
		})
	}
}

// Whoever loses the Secret of a password keeps their name: nobody who may make users becomes them.
func TestAUserWhosePasswordIsGoneIsNobodyElses(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, loggingIn("carol", password))
	object := x.object(t, carol)
	if _, marked := object.Annotations[v1alpha1.AnnotationUnfinished]; marked {
		t.Error("a user who is whole is still marked")
	}
	x.loseSecret(t, object)
	later := x.at(object.CreationTimestamp.Add(time.Hour))
	_, err := later.Accounts.Create(t.Context(), x.request(), loggingIn("carol", another))
	wantRefusal(t, err, taken(accounts.FieldUsername))
	dan := loggingIn("dan", another)
	dan.Subject = carol.Subject()
	_, err = later.Accounts.Create(t.Context(), x.request(), dan)
	wantRefusal(t, err, taken(accounts.FieldUUID))
}

// A mark says nothing where the user is a person's: whoever applies an object can set it.
func TestAMarkedUserOfAPersonDoesNotGiveWay(t *testing.T) {
	t.Parallel()
	x := open(t)
	marked := gen.AuthUser("carol", func(u *v1alpha1.AuthUser) {
		u.Annotations = map[string]string{v1alpha1.AnnotationUnfinished: "true"}
	})
	x.Create(t, marked)
	_, err := x.at(marked.CreationTimestamp.Add(time.Hour)).Accounts.Create(t.Context(), x.request(), loggingIn("carol", another))
	wantRefusal(t, err, taken(accounts.FieldUsername))
}

// What only memory still has is in nobody's way.
func TestAUserWhomMemoryStillHas(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(*testing.T, *replica){
		"and who is gone": func(_ *testing.T, x *replica) { x.Put(gen.AuthUser("gone", gen.Username("carol"))) },
		"and who is called differently now": func(t *testing.T, x *replica) {
			t.Helper()
			renamed := x.create(t, named("caroline"))
			before := renamed.AuthUser.DeepCopy()
			before.Spec.Username = "carol"
			x.Put(before)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			put(t, x)
			if _, ok := x.Rows(t).UserByLogin("carol"); !ok {
				t.Fatal("memory knows nobody of the name")
			}
			x.create(t, named("carol"))
		})
	}
}

// What a user who was made second holds is given back, even where the leader writes the status meanwhile.
func TestAUserIsTakenBackWhoseStatusIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	x := open(t)
	deletions := 0
	_, err := x.meddle(func(method string, call func() error) error {
		switch method {
		case "UsersAsOf":
			return errOutage
		case "DeleteUser":
			if deletions++; deletions == 1 {
				x.writeStatus(t)
			}
		}
		return call()
	}).Accounts.Create(t.Context(), x.request(), loggingIn("carol", password))
	wantOutage(t, err, errOutage)
	if left := len(x.users(t)); left != 0 || deletions != 2 {
		t.Errorf("%d users are there after %d deletions, want none after 2", left, deletions)
	}
}
