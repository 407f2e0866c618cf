package accounts_test

import (
	"context"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// unwritten is an API server that takes no Secret.
type unwritten struct{ client.Writer }

func (unwritten) Create(context.Context, client.Object, ...client.CreateOption) error {
	return errOutage
}
func (unwritten) Update(context.Context, client.Object, ...client.UpdateOption) error {
	return errOutage
}

// unproven is a room of logins where no password can be proven.
type unproven struct{ accounts.Logins }

func (unproven) ProvePassword(context.Context, *directory.Tenant, *directory.User, sensitive.String, string) error {
	return errOutage
}

// Whatever fails while a user is changed, the error says that it may be tried again, the user is as it was, and of
// one who was to be made nothing is left.
func TestChangesInAnOutage(t *testing.T) {
	t.Parallel()
	create := func(ctx context.Context, x *replica, _ *directory.User) error {
		_, err := x.Accounts.Create(ctx, x.request(), loggingIn("dan", another))
		return err
	}
	replace := func(ctx context.Context, x *replica, carol *directory.User) error {
		_, err := x.Accounts.Replace(ctx, x.request(), carol.Subject(), accounts.Profile{Username: "dan"})
		return err
	}
	remove := func(ctx context.Context, x *replica, carol *directory.User) error {
		return x.Accounts.Delete(ctx, x.request(), carol.Subject())
	}
	change := func(ctx context.Context, x *replica, carol *directory.User) error {
		return x.changePassword(ctx, carol, password, another)
	}
	fails := func(method string) func(*replica) *replica {
		return func(x *replica) *replica { return x.failing(errOutage, method) }
	}
	noHash := func(x *replica) *replica { return x.hash(func() error { return errOutage }) }
	noSecret := func(x *replica) *replica {
		return x.with(func(c *accounts.Config) { c.Secrets = secretwriter.New(unwritten{x.Client}, x.Client) })
	}
	for name, tc := range map[string]struct {
		broken func(*replica) *replica
		do     func(context.Context, *replica, *directory.User) error
	}{
		"while a new user gets a subject": {func(x *replica) *replica {
			return x.with(func(c *accounts.Config) { c.Rand = iotest.ErrReader(errOutage) })
		}, create},
		"while a new user's password is hashed":             {noHash, create},
		"while a new user is written":                       {fails("CreateUser"), create},
		"while it is looked whether a new user came second": {fails("UsersAsOf"), create},
		"while a new user's password is written":            {noSecret, create},
		"while a new user's mark is taken off":              {fails("FinishUser"), create},
		"while a user is read to be replaced":               {fails("User"), replace},
		"while a user is replaced":                          {fails("ReplaceUser"), replace},
		"while it is looked whether a new name came second": {fails("UsersAsOf"), replace},
		"while a user is read to be deleted":                {fails("User"), remove},
		"while a user is deleted":                           {fails("DeleteUser"), remove},
		"while a user is read who wants another password":   {fails("User"), change},
		"while another password is hashed":                  {noHash, change},
		"while another password is written":                 {noSecret, change},
		"while the old password is proven": {func(x *replica) *replica {
			return x.with(func(c *accounts.Config) { c.Logins = unproven{c.Logins} })
		}, change},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, loggingIn("carol", password))
			before := x.object(t, carol)
			wantOutage(t, tc.do(t.Context(), tc.broken(x), carol), errOutage)
			users := x.users(t)
			if len(users) != 1 {
				t.Fatalf("%d users are there, want carol alone", len(users))
			}
			if diff := cmp.Diff(before.Spec, users[0].Spec); diff != "" {
				t.Errorf("carol (-before +after):\n%s", diff)
			}
			x.AwaitVersion(t, &users[0])
			x.wantLogin(t, "carol", password, "")
			x.wantLogin(t, "carol", another, issuing.InvalidGrant)
		})
	}
}

// What the API server does not let the operator do is refused, and nothing is changed. Where it may not write users,
// whoever asks is told which setting lets it.
func TestWhatTheAPIServerRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want accounts.Refusal
	}{
		"for want of the right":  {store.ErrForbidden, notPermitted},
		"for they are not valid": {store.ErrInvalid, accounts.Refusal{Reason: accounts.Invalid, Text: "the API server does not take such a user"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, loggingIn("carol", password))
			refusing := x.failing(tc.err, "CreateUser", "ReplaceUser", "DeleteUser")
			_, err := refusing.Accounts.Create(t.Context(), x.request(), named("dan"))
			wantRefusal(t, err, tc.want)
			_, err = refusing.Accounts.Replace(t.Context(), x.request(), carol.Subject(), accounts.Profile{Username: "dan"})
			wantRefusal(t, err, tc.want)
			wantRefusal(t, refusing.Accounts.Delete(t.Context(), x.request(), carol.Subject()), tc.want)
			x.wantLogin(t, "carol", password, "")
			x.wantLogin(t, "dan", password, issuing.InvalidGrant)
		})
	}
}

// unended is a room of logins where nothing can be ended.
type unended struct{ accounts.Logins }

func (unended) EndLogins(context.Context, *directory.Tenant, string) error { return errOutage }
func (unended) EndOldLogins(context.Context, *directory.Tenant, *directory.User) error {
	return errOutage
}

// What a login has made is dead without its user and without its password, even where it cannot be removed now.
func TestLoginsThatCannotBeEndedNow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(context.Context, *replica, *directory.User) error{
		"of a user who is deleted": func(ctx context.Context, x *replica, carol *directory.User) error {
			return x.Accounts.Delete(ctx, x.request(), carol.Subject())
		},
		"of a password that is replaced": func(ctx context.Context, x *replica, carol *directory.User) error {
			return x.changePassword(ctx, carol, password, another)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, loggingIn("carol", password))
			held := x.loggedIn(t, "carol", password)
			broken := x.with(func(c *accounts.Config) { c.Logins = unended{c.Logins} })
			if err := change(t.Context(), broken, carol); err != nil {
				t.Fatal(err)
			}
			x.wantDead(t, held)
			x.wantLogin(t, "carol", password, issuing.InvalidGrant)
			if left := len(x.Sessions(t)); left != 1 {
				t.Errorf("%d sessions are left, want the one that could not be removed", left)
			}
		})
	}
}
