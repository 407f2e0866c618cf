package accounts_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// writeStatus writes the status of every user, as the leader does.
func (x *replica) writeStatus(t testing.TB) {
	t.Helper()
	for _, user := range x.users(t) {
		user.Status.ObservedGeneration = user.Generation
		if err := x.Client.Status().Update(t.Context(), &user); err != nil {
			t.Errorf("write the status of %q: %v", user.Name, err)
		}
	}
}

// changes are what can be done to a user called carol, and the method of the store that it hangs on.
var changes = map[string]struct {
	method string
	do     func(context.Context, *replica, *directory.User) error
}{
	"she is replaced": {"ReplaceUser", func(ctx context.Context, x *replica, carol *directory.User) error {
		_, err := x.Accounts.Replace(ctx, x.request(), carol.Subject(), accounts.Profile{Username: "caroline"})
		return err
	}},
	"she is deleted": {"DeleteUser", func(ctx context.Context, x *replica, carol *directory.User) error {
		return x.Accounts.Delete(ctx, x.request(), carol.Subject())
	}},
	"another user is made": {"FinishUser", func(ctx context.Context, x *replica, _ *directory.User) error {
		_, err := x.Accounts.Create(ctx, x.request(), named("dan"))
		return err
	}},
}

// A leader who writes the status meanwhile keeps nobody from changing a user.
func TestTheStatusIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	for name, tc := range changes {
		t.Run("while "+name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, loggingIn("carol", password))
			tries := 0
			err := tc.do(t.Context(), x.meddle(func(method string, call func() error) error {
				if method == tc.method {
					if tries++; tries == 1 {
						x.writeStatus(t)
					}
				}
				return call()
			}), carol)
			if err != nil || tries != 2 {
				t.Errorf("%v after %d tries, want none after 2", err, tries)
			}
		})
	}
}

// Who is overtaken each time gives up, and leaves everything as it was.
func TestTheUserKeepsChanging(t *testing.T) {
	t.Parallel()
	for name, tc := range changes {
		t.Run("while "+name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, loggingIn("carol", password))
			before := x.object(t, carol).Spec
			tries := 0
			err := tc.do(t.Context(), x.meddle(func(method string, call func() error) error {
				if method == tc.method {
					tries++
					return store.ErrConflict
				}
				return call()
			}), carol)
			wantOutage(t, err)
			if tries < 2 {
				t.Errorf("given up after %d tries", tries)
			}
			users := x.users(t)
			if len(users) != 1 {
				t.Fatalf("%d users are there, want carol alone", len(users))
			}
			if diff := cmp.Diff(before, users[0].Spec); diff != "" {
				t.Errorf("carol (-before +after):\n%s", diff)
			}
		})
	}
}

// answer makes a change at a replica whose watch is slow: what it brings is read once the change is written, and
// shown after that. It wants the answer to come no earlier.
func answer(t *testing.T, change func(written func()) error, read func() (show func())) {
	t.Helper()
	written := make(chan struct{})
	var shown atomic.Bool
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-written:
		case <-t.Context().Done():
			return
		}
		show := read()
		shown.Store(true)
		show()
	})
	if err := change(func() { close(written) }); err != nil {
		t.Fatal(err)
	}
	if !shown.Load() {
		t.Error("answered before memory has it")
	}
	watch.Wait()
}

// after is the same replica, where something is done once a method of the store has returned.
func (x *replica) after(method string, do func()) *replica {
	return x.meddle(func(called string, call func() error) error {
		err := call()
		if called == method {
			do()
		}
		return err
	})
}

// Whoever is answered finds what they have written: memory has it by then.
func TestTheAnswerWaitsForMemory(t *testing.T) {
	t.Parallel()
	for name, tc := range changes {
		t.Run("when "+name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, named("carol"))
			slow := x.forgetful()
			slow.Accounts.Directory.Put(x.object(t, carol))
			answer(t, func(written func()) error {
				return tc.do(t.Context(), slow.after(tc.method, written), carol)
			}, func() func() {
				users := x.users(t)
				return func() {
					if len(users) == 0 {
						slow.Accounts.Directory.Remove(carol.AuthUser)
					}
					for i := range users {
						slow.Accounts.Directory.Put(&users[i])
					}
				}
			})
		})
	}
}

// Memory has the password too, which comes by another watch than the user.
func TestTheAnswerWaitsForThePassword(t *testing.T) {
	t.Parallel()
	x := open(t)
	slow := x.forgetful()
	answer(t, func(written func()) error {
		_, err := slow.after("FinishUser", func() {
			slow.Accounts.Directory.Put(&x.users(t)[0])
			written()
		}).Accounts.Create(t.Context(), x.request(), loggingIn("carol", password))
		return err
	}, func() func() {
		secret := x.secret(t, &x.users(t)[0])
		return func() { slow.Accounts.Directory.Put(secret) }
	})
}

// remove deletes a user as a person does, and may put another one into its place.
func (x *replica) remove(t testing.TB, user *v1alpha1.AuthUser, hasAnother bool) {
	t.Helper()
	if err := x.Client.Delete(t.Context(), user); err != nil {
		t.Errorf("delete %q: %v", user.Name, err)
	}
	if !hasAnother {
		return
	}
	other := user.DeepCopy()
	other.UID, other.ResourceVersion, other.Annotations, other.Spec.Subject = "", "", nil, bob
	if err := x.Client.Create(t.Context(), other); err != nil {
		t.Errorf("create %q again: %v", user.Name, err)
	}
}

// wantAlone wants the API server to have one user, bob, or none.
func (x *replica) wantAlone(t testing.TB, isThere bool) {
	t.Helper()
	switch users := x.users(t); {
	case isThere && (len(users) != 1 || users[0].Spec.Subject != bob):
		t.Errorf("%d users are there, want the one who came instead", len(users))
	case !isThere && len(users) != 0:
		t.Errorf("%d users are there, want none", len(users))
	}
}

// Who is deleted while something is done to them is gone for the later one, who changes nobody else.
func TestAUserWhoIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, change := range []string{"she is replaced", "she is deleted"} {
		tc := changes[change]
		for name, hasAnother := range map[string]bool{"and whose name is free": false, "and whose name another one has": true} {
			t.Run("while "+change+", "+name, func(t *testing.T) {
				t.Parallel()
				x := open(t)
				carol := x.create(t, loggingIn("carol", password))
				overtaken := x.meddle(func(method string, call func() error) error {
					if method == tc.method {
						x.remove(t, x.object(t, carol), hasAnother)
					}
					return call()
				})
				wantRefusal(t, tc.do(t.Context(), overtaken, carol), unknownUser)
				x.wantAlone(t, hasAnother)
			})
		}
	}
}

// Who is deleted while they are made is not made, and takes nobody else along.
func TestAUserWhoIsDeletedBeforeItIsWhole(t *testing.T) {
	t.Parallel()
	for name, hasAnother := range map[string]bool{"and whose name is free": false, "and whose name another one has": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			_, err := x.meddle(func(method string, call func() error) error {
				if method == "FinishUser" {
					x.remove(t, &x.users(t)[0], hasAnother)
				}
				return call()
			}).Accounts.Create(t.Context(), x.request(), named("carol"))
			wantOutage(t, err)
			x.wantAlone(t, hasAnother)
		})
	}
}

// A name that is taken and then is not says nothing about the login: the request may be tried again.
func TestANameThatIsFreeAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error // of looking whose it is
		want []error
	}{
		"when it is looked whose it is":       {store.ErrNotFound, nil},
		"while it cannot be told whose it is": {errOutage, []error{errOutage}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			_, err := x.meddle(func(method string, call func() error) error {
				switch method {
				case "CreateUser":
					return store.ErrExists
				case "User":
					return tc.err
				}
				return call()
			}).Accounts.Create(t.Context(), x.request(), named("carol"))
			wantOutage(t, err, tc.want...)
			if left := len(x.users(t)); left != 0 {
				t.Errorf("%d users are there", left)
			}
		})
	}
}
