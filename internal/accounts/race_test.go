package accounts_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// wantOne wants one of several requests at once to be carried out, and the others to be refused.
func wantOne(t testing.TB, answers []error, others accounts.Refusal) {
	t.Helper()
	done := 0
	for _, err := range answers {
		if err == nil {
			done++
		} else {
			wantRefusal(t, err, others)
		}
	}
	if done != 1 {
		t.Errorf("%d requests were carried out, want 1", done)
	}
}

// Of many who ask two replicas for one login at once one gets it, whether it is the username, or the address of
// users who are called differently. Nothing is left of the others.
func TestCreateUsersAtOnce(t *testing.T) {
	t.Parallel()
	const many = 8
	for name, tc := range map[string]struct {
		wanted func(i int) accounts.NewUser
		field  accounts.Field
	}{
		"one username": {func(i int) accounts.NewUser { return loggingIn("eve", fmt.Sprint(i)) }, accounts.FieldUsername},
		"one address": {func(i int) accounts.NewUser {
			wanted := loggingIn(fmt.Sprintf("eve-%d", i), password)
			wanted.Email = "eve@example.com"
			return wanted
		}, accounts.FieldEmail},
		"one uuid": {func(i int) accounts.NewUser {
			wanted := named(fmt.Sprintf("eve-%d", i))
			wanted.Subject = bob
			return wanted
		}, accounts.FieldUUID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			replicas := []*replica{x, x.another(t)}
			var group sync.WaitGroup
			answers := make([]error, many)
			for i := range many {
				group.Go(func() {
					_, answers[i] = replicas[i%len(replicas)].Accounts.Create(t.Context(), x.request(), tc.wanted(i))
				})
			}
			group.Wait()
			wantOne(t, answers, taken(tc.field))
			if left := len(x.users(t)); left != 1 {
				t.Errorf("%d users are there, want 1", left)
			}
		})
	}
}

// Of several users who take one name at once, at two replicas, one gets it, and the others keep what they had.
func TestReplaceUsersAtOnce(t *testing.T) {
	t.Parallel()
	const many = 4
	x := open(t)
	// None is replaced before all are about to be: what was looked up before that is out of date for all but one.
	var coming atomic.Int64
	coming.Store(many)
	all := make(chan struct{})
	gathered := func(method string, call func() error) error {
		if method == "ReplaceUser" {
			if coming.Add(-1) == 0 {
				close(all)
			}
			<-all
		}
		return call()
	}
	replicas := []*replica{x.meddle(gathered), x.another(t).meddle(gathered)}
	var made []*directory.User
	for i := range many {
		made = append(made, x.create(t, named(fmt.Sprintf("user-%d", i))))
	}
	var group sync.WaitGroup
	answers := make([]error, many)
	for i, user := range made {
		group.Go(func() {
			frank := accounts.Profile{Username: "frank"}
			_, answers[i] = replicas[i%len(replicas)].Accounts.Replace(t.Context(), x.request(), user.Subject(), frank)
		})
	}
	group.Wait()
	wantOne(t, answers, taken(accounts.FieldUsername))
	for i, user := range made {
		want := fmt.Sprintf("user-%d", i)
		if answers[i] == nil {
			want = "frank"
		}
		if got := x.object(t, user).Spec.Username; got != want {
			t.Errorf("user %d is called %q, want %q", i, got, want)
		}
	}
}

// late shows, after each write, another user who had the name frank before, and takes one write only.
type late struct {
	accounts.Store
	writes *atomic.Int64
}

func (l late) ReplaceUser(ctx context.Context, read, changed *v1alpha1.AuthUser) error {
	if l.writes.Add(1) > 1 {
		return errOutage
	}
	return l.Store.ReplaceUser(ctx, read, changed)
}

func (l late) UsersAsOf(context.Context, string, string) ([]v1alpha1.AuthUser, error) {
	return []v1alpha1.AuthUser{*gen.AuthUser("frank", func(u *v1alpha1.AuthUser) { u.UID = "another" })}, nil
}

// Who could not be given back what they had has the name of somebody else: that is no refusal.
func TestAUserWhoIsNotGivenBackWhatItHad(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, named("carol"))
	broken := x.with(func(c *accounts.Config) { c.Store = late{c.Store, &atomic.Int64{}} })
	_, err := broken.Accounts.Replace(t.Context(), x.request(), carol.Subject(), accounts.Profile{Username: "frank"})
	wantOutage(t, err, errOutage)
	if got := x.object(t, carol).Spec.Username; got != "frank" {
		t.Errorf("carol is called %q", got)
	}
}

// Whoever comes second to a name gets back what they had, and keeps what a person has written meanwhile.
func TestAUserIsGivenBackWhatItHad(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, accounts.NewUser{Profile: accounts.Profile{
		Username: "carol", FirstName: "Carol", LastName: "Doe", Purpose: v1alpha1.PurposeInternal, Disabled: true,
	}})
	want := x.object(t, carol).Spec
	want.Scopes = []string{"confd.#"}
	comeFirst := sync.OnceFunc(func() {
		if err := x.Client.Create(t.Context(), gen.In(x.Namespace, gen.AuthUser("frank"))); err != nil {
			t.Error(err)
		}
	})
	racing := x.meddle(func(method string, call func() error) error {
		switch method {
		case "ReplaceUser":
			comeFirst()
		case "UsersAsOf":
			object := x.object(t, carol)
			object.Spec.Scopes = want.Scopes
			if err := x.Client.Update(t.Context(), object); err != nil {
				t.Error(err)
			}
		}
		return call()
	})
	_, err := racing.Accounts.Replace(t.Context(), x.request(), carol.Subject(), accounts.Profile{Username: "frank"})
	wantRefusal(t, err, taken(accounts.FieldUsername))
	if diff := cmp.Diff(want, x.object(t, carol).Spec); diff != "" {
		t.Errorf("carol (-want +got):\n%s", diff)
	}
}

// A user whose login a person has given to another one as well can be changed, and gets out of it.
func TestReplaceAContestedUser(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, named("carol"))
	x.Create(t, gen.AuthUser("dora", gen.Username("Carol")))
	for _, wanted := range []accounts.Profile{{Username: "carol", FirstName: "Carol"}, {Username: "caroline"}} {
		x.replace(t, carol, wanted)
		if got := x.object(t, carol).Spec; got.Username != wanted.Username || got.FirstName != wanted.FirstName {
			t.Errorf("%+v, want %+v", got, wanted)
		}
	}
	_, err := x.Accounts.Replace(t.Context(), x.request(), carol.Subject(), accounts.Profile{Username: "carol"})
	wantRefusal(t, err, taken(accounts.FieldUsername)) // back to what another one has
}

// Of two changes of a password at once the later one is told so.
func TestChangePasswordsAtOnce(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, loggingIn("carol", password))
	overtaken := x.hash(func() error {
		secret := x.secret(t, carol.AuthUser)
		secret.Annotations["example.com/changed"] = "yes"
		return x.Client.Update(t.Context(), secret)
	})
	wantRefusal(t, overtaken.changePassword(t.Context(), carol, password, another), passwordOvertook)
	x.wantLogin(t, "carol", password, "")
}

// A user whom another replica has made just now is found, and only after the API server was asked.
func TestAUserWhomMemoryDoesNotKnowYet(t *testing.T) {
	t.Parallel()
	x := open(t)
	carol := x.create(t, named("carol"))
	slow := x.forgetful()
	found, err := slow.Accounts.User(t.Context(), x.Namespace, carol.Subject())
	if err != nil {
		t.Fatal(err)
	}
	if found.UID != carol.UID || found.Spec.Username != "carol" {
		t.Errorf("found %+v", found.Spec)
	}
	_, err = slow.Accounts.User(t.Context(), x.Namespace, bob)
	wantRefusal(t, err, unknownUser)
	blind := slow.with(func(c *accounts.Config) { c.Live = awayLive{} })
	_, err = blind.Accounts.User(t.Context(), x.Namespace, carol.Subject())
	wantOutage(t, err, errOutage)
}

// awayLive is an API server that does not answer.
type awayLive struct{}

func (awayLive) UserBySubject(context.Context, string, string) (*v1alpha1.AuthUser, error) {
	return nil, errOutage
}
