package accounts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// A user who is made is there for every replica, has all that was asked for and no scopes, and can log in at once
// with a password that is written nowhere.
func TestCreate(t *testing.T) {
	t.Parallel()
	x := open(t)
	y := x.another(t)
	wanted := accounts.NewUser{
		Profile:  accounts.Profile{Username: "Carol", FirstName: "Carol", LastName: "Doe", Purpose: v1alpha1.PurposeExternalAPI},
		Subject:  bob,
		Email:    "Carol@example.com",
		Password: sensitive.New(password),
	}
	made := x.create(t, wanted)
	x.wantLogin(t, "carol", password, "")
	x.wantLogin(t, "carol@EXAMPLE.com", password, "")
	x.wantLogin(t, "carol", another, issuing.InvalidGrant)

	object := x.object(t, made)
	if diff := cmp.Diff(object, made.AuthUser); diff != "" {
		t.Errorf("what is told is not what is there (-there +told):\n%s", diff)
	}
	want := v1alpha1.AuthUserSpec{
		Username: "Carol", FirstName: "Carol", LastName: "Doe", Purpose: v1alpha1.PurposeExternalAPI, Subject: bob,
		Emails:   []v1alpha1.Email{{Address: "Carol@example.com", Main: true, Verified: true}},
		Password: object.Spec.Password, // whose Secret has a random name
		State:    object.Spec.State,
	}
	if diff := cmp.Diff(want, object.Spec); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if object.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedByGrantkeeper || len(object.Annotations) != 0 {
		t.Errorf("the labels are %v, the annotations %v", object.Labels, object.Annotations)
	}
	secret := x.secret(t, object)
	hash := string(secret.Data[v1alpha1.KeyPassword])
	if !strings.HasPrefix(hash, "$argon2id$") || strings.Contains(hash, password) || len(secret.Data) != 1 {
		t.Errorf("the Secret holds %q", secret.Data)
	}
	y.AwaitVersion(t, secret)
	y.AwaitVersion(t, object)
	y.wantLogin(t, "carol", password, "")
}

// Nothing has to be said about a user, and whoever is deleted is gone at once.
func TestCreateOfNothingAndDelete(t *testing.T) {
	t.Parallel()
	x := open(t)
	first, second := x.create(t, accounts.NewUser{}), x.create(t, accounts.NewUser{})
	for _, user := range []*directory.User{first, second} {
		if found, err := x.Accounts.User(t.Context(), x.Namespace, user.Subject()); err != nil || found.Name != user.Name {
			t.Errorf("found %v, error %v", found, err)
		}
	}
	if err := x.Accounts.Delete(t.Context(), x.request(), first.Subject()); err != nil {
		t.Fatal(err)
	}
	if left := x.Accounts.Users(x.Namespace); len(left) != 1 || left[0].Subject() != second.Subject() {
		t.Errorf("%d users are left, want the second one", len(left))
	}
	_, err := x.Accounts.User(t.Context(), x.Namespace, first.Subject())
	wantRefusal(t, err, unknownUser)
	_, err = x.Accounts.Replace(t.Context(), x.request(), first.Subject(), accounts.Profile{})
	wantRefusal(t, err, unknownUser)
	wantRefusal(t, x.Accounts.Delete(t.Context(), x.request(), first.Subject()), unknownUser)
	wantRefusal(t, x.changePassword(t.Context(), first, password, another), unknownUser)
}

// What is no user is refused before anything is looked at: there is no API server here.
func TestWhatIsNoUser(t *testing.T) {
	t.Parallel()
	x := tenant.Memory(t)
	s := accounts.New(accounts.Config{Directory: x.Directory})
	for name, tc := range map[string]struct {
		wanted accounts.NewUser
		field  accounts.Field
	}{
		"a username that is too long":   {named(strings.Repeat("é", 257)), accounts.FieldUsername},
		"a username with a colon":       {named("a:b"), accounts.FieldUsername},
		"a username with a control":     {named("a\a"), accounts.FieldUsername},
		"a first name that is too long": {accounts.NewUser{Profile: accounts.Profile{FirstName: strings.Repeat("é", 129)}}, accounts.FieldFirstName},
		"a last name with a line break": {accounts.NewUser{Profile: accounts.Profile{LastName: "a\nb"}}, accounts.FieldLastName},
		"an address without an at":      {accounts.NewUser{Email: "carol"}, accounts.FieldEmail},
		"an address with two":           {accounts.NewUser{Email: "a@b@c"}, accounts.FieldEmail},
		"an address with a space":       {accounts.NewUser{Email: "a b@c"}, accounts.FieldEmail},
		"an address that is too long":   {accounts.NewUser{Email: "a@" + strings.Repeat("b", 253)}, accounts.FieldEmail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := accounts.Request{Namespace: x.Namespace}
			_, err := s.Create(t.Context(), request, tc.wanted)
			wantInvalid(t, err, tc.field)
			if tc.field != accounts.FieldEmail {
				_, err := s.Replace(t.Context(), request, bob, tc.wanted.Profile)
				wantInvalid(t, err, tc.field)
			}
		})
	}
}

// Usernames, addresses and subjects are one space without regard to case, whoever made the user, and whether memory
// knows it yet or not.
func TestCreateConflicts(t *testing.T) {
	t.Parallel()
	dora := gen.Subject("dora")
	at := func(username, address string) accounts.NewUser {
		wanted := named(username)
		wanted.Email = address
		return wanted
	}
	for name, tc := range map[string]struct {
		wanted accounts.NewUser
		field  accounts.Field
	}{
		"a username":                    {named("carol"), accounts.FieldUsername},
		"an applied user's name":        {named("DORA"), accounts.FieldUsername},
		"a username that is an address": {named("Carol@Example.com"), accounts.FieldUsername},
		"a username that is a subject":  {named(dora), accounts.FieldUsername},
		"an address":                    {at("x1", "CAROL@example.com"), accounts.FieldEmail},
		"an applied user's address":     {at("", "Dora@example.com"), accounts.FieldEmail},
		"a subject":                     {accounts.NewUser{Subject: dora}, accounts.FieldUUID},
		"a username before an address":  {at("carol", "dora@example.com"), accounts.FieldUsername},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			x.Create(t, gen.AuthUser("dora", gen.Profile("", "", "dora@example.com")))
			x.create(t, at("Carol", "carol@example.com"))
			_, err := x.Accounts.Create(t.Context(), x.request(), tc.wanted)
			wantRefusal(t, err, taken(tc.field))
			_, err = x.forgetful().Accounts.Create(t.Context(), x.request(), tc.wanted)
			wantRefusal(t, err, taken(tc.field))
			if users := len(x.users(t)); users != 2 {
				t.Errorf("%d users are there, want 2", users)
			}
		})
	}
}

// A name that is free again goes to somebody else, and not back.
func TestANameThatWasGivenUp(t *testing.T) {
	t.Parallel()
	x := open(t)
	first := x.create(t, loggingIn("carol", password))
	x.replace(t, first, accounts.Profile{Username: "caroline"})
	second := x.create(t, loggingIn("carol", another))
	x.wantLogin(t, "caroline", password, "")
	x.wantLogin(t, "carol", another, "")
	for _, replica := range []*replica{x, x.forgetful()} {
		_, err := replica.Accounts.Replace(t.Context(), x.request(), first.Subject(), accounts.Profile{Username: "CAROL"})
		wantRefusal(t, err, taken(accounts.FieldUsername))
	}
	_, err := x.Accounts.Replace(t.Context(), x.request(), first.Subject(), accounts.Profile{Username: second.Subject()})
	wantRefusal(t, err, taken(accounts.FieldUsername))
	if got := x.object(t, first).Spec.Username; got != "caroline" {
		t.Errorf("the first one is called %q", got)
	}
}

// What a new profile leaves out is gone, and what HTTP says nothing about stays. One that changes nothing is not
// written.
func TestReplace(t *testing.T) {
	t.Parallel()
	x := open(t)
	wanted := accounts.NewUser{
		Profile: accounts.Profile{Username: "carol", FirstName: "Carol", LastName: "Doe", Purpose: v1alpha1.PurposeInternal},
		Email:   "carol@example.com", Password: sensitive.New(password),
	}
	carol := x.create(t, wanted)
	object := x.object(t, carol)
	object.Spec.Scopes = []string{"confd.#"} // a person's
	x.Update(t, object)

	profile := accounts.Profile{Username: "Caroline", LastName: "Roe", Disabled: true}
	replaced := x.replace(t, carol, profile)
	want := object.DeepCopy().Spec
	want.Username, want.FirstName, want.LastName, want.Purpose, want.State = "Caroline", "", "Roe", replaced.Spec.Purpose, v1alpha1.UserStateDisabled
	if diff := cmp.Diff(want, x.object(t, carol).Spec); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	x.wantLogin(t, "caroline", password, issuing.InvalidGrant)
	if again := x.replace(t, carol, profile); again.ResourceVersion != replaced.ResourceVersion {
		t.Error("what changes nothing is written")
	}
	profile.Disabled = false
	x.replace(t, carol, profile)
	x.wantLogin(t, "caroline", password, "")
	x.wantLogin(t, "carol", password, issuing.InvalidGrant)
}

// The list has those who hold the subject that they name.
func TestWhoIsListed(t *testing.T) {
	t.Parallel()
	x := tenant.Memory(t)
	s := accounts.New(accounts.Config{Directory: x.Directory})
	begin := metav1.NewTime(tenant.Start)
	since := func(created metav1.Time, subject string) func(*v1alpha1.AuthUser) {
		return func(u *v1alpha1.AuthUser) { u.CreationTimestamp, u.Spec.Subject = created, subject }
	}
	x.Put(
		gen.AuthUser("alice", since(begin, gen.Subject("alice"))),
		gen.AuthUser("bob", since(begin, bob)),
		gen.AuthUser("eve", since(metav1.NewTime(tenant.Start.Add(1)), bob)), // who came later
		gen.AuthUser("nobody", since(begin, "")),
	)
	var names []string
	for _, user := range s.Users(x.Namespace) {
		names = append(names, user.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"alice", "bob"}, names); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if found, err := s.User(t.Context(), x.Namespace, bob); err != nil || found.Name != "bob" {
		t.Errorf("found %v, error %v", found, err)
	}
	_, err := s.User(t.Context(), x.Namespace, "")
	wantRefusal(t, err, unknownUser)
	_, err = s.User(t.Context(), "nowhere", bob)
	wantRefusal(t, err, unknownUser)
	if there := s.Users("nowhere"); len(there) != 0 {
		t.Errorf("%d users are nowhere", len(there))
	}
}
