package accounts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{CRDs: true}))
}

// Passwords of the users below. None may turn up in an error or a log.
const (
	password = "canary-password-7c1f"
	another  = "canary-password-91be"
)

// source is where requests and logins come from.
const source = "192.0.2.7"

// bob is the subject of a user whom no request makes at random.
var bob = gen.Subject("bob")

// replica is one replica of the operator, with what changes a tenant's users on a real API server.
type replica struct {
	*tenant.OnAPIServer
	Accounts *accounts.Service
}

// open makes a tenant without users, and its first replica.
func open(t testing.TB) *replica {
	t.Helper()
	return serve(tenant.Live(t, cp))
}

// another makes another replica of the tenant, which sees what the first one writes when its watch brings it.
func (x *replica) another(t testing.TB) *replica {
	t.Helper()
	return serve(x.Replica(t, cp))
}

func serve(x *tenant.OnAPIServer) *replica {
	kubernetes := store.NewKubernetes(x.Client)
	return &replica{OnAPIServer: x, Accounts: accounts.New(accounts.Config{
		Directory: x.Directory,
		Store:     kubernetes,
		Live:      store.NewLive(kubernetes, clock.RealClock{}),
		Secrets:   secretwriter.New(x.Client, x.Client),
		Passwords: x.Service.Passwords,
		Logins:    x.Service,
		Clock:     clocktesting.NewFakePassiveClock(time.Now()), // the API server's own
		Rand:      rand.Reader,
	})}
}

// with is the same replica, whose service is made of something else.
func (x *replica) with(mod func(*accounts.Config)) *replica {
	config := x.Accounts.Config
	mod(&config)
	return &replica{OnAPIServer: x.OnAPIServer, Accounts: accounts.New(config)}
}

// at is the same replica at another time.
func (x *replica) at(now time.Time) *replica {
	return x.with(func(c *accounts.Config) { c.Clock = clocktesting.NewFakePassiveClock(now) })
}

// forgetful is a replica that writes to the same API server, and whose watch has brought nothing of the tenant. What it
// does not refuse, it waits for in vain.
func (x *replica) forgetful() *replica {
	return x.with(func(c *accounts.Config) {
		c.Directory = directory.New()
		c.Directory.SetRing(x.Namespace, x.Ring, nil)
	})
}

// request is one of a clerk's.
func (x *replica) request() accounts.Request {
	return accounts.Request{Namespace: x.Namespace, By: "clerk", Source: source}
}

// named is a user to be made who has a username and nothing else.
func named(username string) accounts.NewUser {
	return accounts.NewUser{Profile: accounts.Profile{Username: username}}
}

// loggingIn is one who has a password too.
func loggingIn(username, password string) accounts.NewUser {
	wanted := named(username)
	wanted.Password = sensitive.New(password)
	return wanted
}

func (x *replica) create(t testing.TB, wanted accounts.NewUser) *directory.User {
	t.Helper()
	made, err := x.Accounts.Create(t.Context(), x.request(), wanted)
	if err != nil {
		t.Fatalf("create %q: %v", wanted.Username, err)
	}
	return made
}

func (x *replica) replace(t testing.TB, user *directory.User, wanted accounts.Profile) *directory.User {
	t.Helper()
	replaced, err := x.Accounts.Replace(t.Context(), x.request(), user.Subject(), wanted)
	if err != nil {
		t.Fatalf("replace %q by %q: %v", user.Spec.Username, wanted.Username, err)
	}
	return replaced
}

func (x *replica) changePassword(ctx context.Context, user *directory.User, old, wanted string) error {
	return x.Accounts.ChangePassword(ctx, x.request(), user.Subject(), sensitive.New(old), sensitive.New(wanted))
}

// users are the tenant's as the API server has them.
func (x *replica) users(t testing.TB) []v1alpha1.AuthUser {
	t.Helper()
	users := &v1alpha1.AuthUserList{}
	if err := x.Client.List(t.Context(), users, client.InNamespace(x.Namespace)); err != nil {
		t.Fatalf("list the users: %v", err)
	}
	return users.Items
}

// object is a user as the API server has it.
func (x *replica) object(t testing.TB, user *directory.User) *v1alpha1.AuthUser {
	t.Helper()
	object := &v1alpha1.AuthUser{}
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(user), object); err != nil {
		t.Fatalf("read %q: %v", user.Name, err)
	}
	return object
}

// secret is that of a user's password.
func (x *replica) secret(t testing.TB, user *v1alpha1.AuthUser) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	name := types.NamespacedName{Namespace: x.Namespace, Name: user.Spec.Password.HashSecretRef.Name}
	if err := x.Client.Get(t.Context(), name, secret); err != nil {
		t.Fatalf("read the Secret of %q: %v", user.Name, err)
	}
	return secret
}

func (x *replica) login(t testing.TB, login, password string) (*issuing.Issued, error) {
	t.Helper()
	return x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: issuing.Credentials{
		Login: login, Password: sensitive.New(password), Source: source,
	}})
}

// loggedIn is the access token of a login that has to succeed.
func (x *replica) loggedIn(t testing.TB, login, password string) sensitive.String {
	t.Helper()
	issued, err := x.login(t, login, password)
	if err != nil {
		t.Fatalf("log in as %q: %v", login, err)
	}
	return issued.AccessToken
}

// wantLogin wants a login to be refused for a reason; an empty one: to be granted.
func (x *replica) wantLogin(t testing.TB, login, password string, want issuing.Reason) {
	t.Helper()
	switch _, err := x.login(t, login, password); {
	case err == nil && want != "":
		t.Errorf("a login as %q is granted, want %s", login, want)
	case err != nil && issuing.AsRefusal(err).Reason != want:
		t.Errorf("a login as %q: %v, want %q", login, err, want)
	}
}

// wantDead wants an access token to be good no more.
func (x *replica) wantDead(t testing.TB, token sensitive.String) {
	t.Helper()
	if _, err := x.Service.Check(t.Context(), x.Namespace, token.Reveal()); err == nil || issuing.AsRefusal(err).Reason != issuing.UnknownToken {
		t.Errorf("the token: %v, want %s", err, issuing.UnknownToken)
	}
}

// What is refused, as callers are told it.
var (
	unknownUser      = accounts.Refusal{Reason: accounts.UnknownUser, Text: "there is no such user"}
	managed          = accounts.Refusal{Reason: accounts.ManagedExternally, Text: "the AuthUser was applied, and is changed where it was applied from"}
	passwordManaged  = accounts.Refusal{Reason: accounts.PasswordManagedExternally, Text: "the password comes from a Secret that is not the endpoint's"}
	wrongPassword    = accounts.Refusal{Reason: accounts.WrongPassword, Text: "the old password is wrong"}
	passwordOvertook = accounts.Refusal{Reason: accounts.Conflict, Field: accounts.FieldNewPassword, Text: "the password was changed meanwhile"}
	notPermitted     = accounts.Refusal{
		Reason: accounts.NotPermitted, Text: "the operator may not write users here: set userManagement.enabled=true in the chart's values to let it",
	}
)

// taken is the refusal of what another user has.
func taken(field accounts.Field) accounts.Refusal {
	return accounts.Refusal{Reason: accounts.Conflict, Field: field, Text: "the " + string(field) + " is already used"}
}

func wantRefusal(t testing.TB, err error, want accounts.Refusal) {
	t.Helper()
	refusal, ok := errors.AsType[*accounts.Refusal](err)
	if !ok {
		t.Errorf("%v, want a refusal: %s", err, want.Text)
		return
	}
	if diff := cmp.Diff(want, *refusal); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// wantInvalid wants a value to be refused that the field cannot have.
func wantInvalid(t testing.TB, err error, field accounts.Field) {
	t.Helper()
	refusal, ok := errors.AsType[*accounts.Refusal](err)
	if !ok || refusal.Reason != accounts.Invalid || refusal.Field != field || refusal.Text == "" {
		t.Errorf("%v, want the %s to be refused", err, field)
	}
}

// wantOutage wants an error that may be tried again, neither a yes nor a refusal, and tells its causes.
func wantOutage(t testing.TB, err error, causes ...error) {
	t.Helper()
	if _, refused := errors.AsType[*accounts.Refusal](err); refused || err == nil {
		t.Errorf("%v, want an outage", err)
	}
	for _, cause := range causes {
		if !errors.Is(err, cause) {
			t.Errorf("%v, want an outage: %v", err, cause)
		}
	}
}
