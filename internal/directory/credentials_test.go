package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
)

// Hashes with the least cost that their kinds know. What they are of does not matter here.
const (
	bcryptHash = "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S"
	argon2Hash = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
)

// tenantOf has a keyring and objects.
func tenantOf(t *testing.T, objects ...client.Object) (*directory.Directory, *directory.Tenant, *keys.Ring) {
	t.Helper()
	d, tenant := filled(objects...)
	ring := keystest.Ring(t, team, "https://issuer.example")
	d.SetRing(team, ring, nil)
	return d, tenant, ring
}

// secretOf is a Secret that holds one password.
func secretOf(label, password string, change ...func(*corev1.Secret)) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "pw", Labels: map[string]string{v1alpha1.LabelCredential: label}},
		Data:       map[string][]byte{v1alpha1.KeyPassword: []byte(password)},
	}
	for _, change := range change {
		change(s)
	}
	return s
}

func passwordIn(u *v1alpha1.AuthUser) {
	u.Spec.Password = &v1alpha1.UserPassword{SecretRef: &v1alpha1.SecretKeyReference{Name: "pw", Key: v1alpha1.KeyPassword}}
}

func hashIn(u *v1alpha1.AuthUser) {
	u.Spec.Password = &v1alpha1.UserPassword{HashSecretRef: &v1alpha1.SecretKeyReference{Name: "pw", Key: v1alpha1.KeyPassword}}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	given, hashed := user("alice", start, passwordIn), user("alice", start, hashIn)
	ring := keystest.Ring(t, team, "https://issuer.example")
	version := ring.CredentialVersion(subject, []byte("correct horse"))
	for name, tc := range map[string]struct {
		user       *v1alpha1.AuthUser
		secret     *corev1.Secret
		want       string // the version
		wantReason string
		wantSaid   string
	}{
		"an input Secret gives its value": {user: given, secret: secretOf(v1alpha1.CredentialInput, "correct horse"), want: version},
		"no Secret gives nothing and says how to make one": {
			user: given, wantReason: v1alpha1.ReasonSecretNotFound,
			wantSaid: "spec.password.secretRef: Secret \"pw\" does not exist or is not labelled: kubectl label secret -n team-a pw auth.grantkeeper.dev/credential=input",
		},
		"a token's Secret is no password":             {user: given, secret: secretOf(v1alpha1.CredentialOutput, "correct horse"), wantReason: v1alpha1.ReasonSecretNotFound},
		"an empty value is no password":               {user: given, secret: secretOf(v1alpha1.CredentialInput, ""), wantReason: v1alpha1.ReasonSecretInvalid},
		"a user without password has a good standing": {user: user("alice", start, nil)},
		"another user's generated credential may be shared": {user: given, secret: secretOf(v1alpha1.CredentialOutput, "correct horse", func(s *corev1.Secret) {
			s.Annotations = map[string]string{v1alpha1.AnnotationGeneratedAt: "2026-11-01T12:00:00Z"}
		}), want: version},
		"an input Secret gives its hash": {
			user: hashed, secret: secretOf(v1alpha1.CredentialInput, bcryptHash), want: ring.HashVersion(subject, []byte(bcryptHash)),
		},
		"no Secret gives no hash and says how to make one": {
			user: hashed, wantReason: v1alpha1.ReasonSecretNotFound,
			wantSaid: "spec.password.hashSecretRef: Secret \"pw\" does not exist or is not labelled: kubectl label secret",
		},
		"a password is no hash, and the message does not tell it": {
			user: hashed, secret: secretOf(v1alpha1.CredentialInput, "correct horse"), wantReason: v1alpha1.ReasonSecretInvalid,
			wantSaid: "spec.password.hashSecretRef: Secret \"pw\", key \"password\": no encoded hash has a space",
		},
		"a hash that costs too much is refused by the name of its cost": {
			user: hashed, secret: secretOf(v1alpha1.CredentialInput, strings.Replace(bcryptHash, "$04$", "$15$", 1)), wantReason: v1alpha1.ReasonSecretInvalid,
			wantSaid: "spec.password.hashSecretRef: Secret \"pw\", key \"password\": bcrypt: the cost is above 14",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []client.Object{tc.user}
			if tc.secret != nil {
				objects = append(objects, tc.secret)
			}
			_, tenant, _ := tenantOf(t, objects...)
			u, _ := tenant.User("alice")
			good, standing := tenant.Passwords(u, start)
			var got string
			if len(good) > 0 {
				got = good[0].Version
			}
			if len(good) > 1 || got != tc.want || standing.Reason != tc.wantReason {
				t.Errorf("got %d passwords, version %q, and %q; want %q and %q", len(good), got, standing.Reason, tc.want, tc.wantReason)
			}
			if !strings.Contains(standing.Message, tc.wantSaid) {
				t.Errorf("the message is %q, want it to hold %q", standing.Message, tc.wantSaid)
			}
			if tc.secret != nil && len(tc.secret.Data[v1alpha1.KeyPassword]) > 0 && strings.Contains(standing.Message, string(tc.secret.Data[v1alpha1.KeyPassword])) {
				t.Error("the message tells what is in the Secret")
			}
		})
	}
}

func TestWithoutKeysNobodyHasAPassword(t *testing.T) {
	t.Parallel()
	_, tenant := filled(user("alice", start, passwordIn), secretOf(v1alpha1.CredentialInput, "correct horse"))
	u, _ := tenant.User("alice")
	if good, standing := tenant.Passwords(u, start); len(good) != 0 || standing.Reason != v1alpha1.ReasonTenantNotReady {
		t.Errorf("got %d passwords and %q", len(good), standing.Reason)
	}
}

func TestTheCredentialVersionFollowsThePassword(t *testing.T) {
	t.Parallel()
	secret := func(password string) *corev1.Secret { return secretOf(v1alpha1.CredentialInput, password) }
	d, tenant, _ := tenantOf(t, user("alice", start, passwordIn), secret("first"))
	u, _ := tenant.User("alice")
	version := func(wantOK bool) string {
		t.Helper()
		text, ok := tenant.CredentialVersion(u)
		if ok != wantOK {
			t.Fatalf("there is a version: %t, want %t", ok, wantOK)
		}
		return text
	}
	first := version(true)
	if version(true) != first {
		t.Error("the same password has two versions")
	}
	d.Put(secret("second"))
	if version(true) == first {
		t.Error("a changed password kept its version")
	}
	if _, good := tenant.PasswordOf(u, first, start); good {
		t.Error("a changed password is good")
	}
	d.Put(secret("first"))
	if version(true) != first {
		t.Error("the first password came back under another version")
	}
	d.Put(secret(bcryptHash))
	inClear := version(true)
	d.Put(user("alice", start, hashIn))
	u, _ = tenant.User("alice")
	if version(true) == inClear {
		t.Error("a hash has the version of a password that reads like it")
	}
	d.Remove(secret("first"))
	version(false)
}

// shapesOf tells how the work for logins that nobody has is shared out.
func shapesOf(tenant *directory.Tenant, logins int) map[string]passwords.Shape {
	all := map[string]passwords.Shape{}
	for i := range logins {
		login := "nobody-" + time.Duration(i).String()
		all[login] = tenant.PasswordShape(login)
	}
	return all
}

func count(all map[string]passwords.Shape, shape passwords.Shape) (n int) {
	for _, s := range all {
		if s == shape {
			n++
		}
	}
	return n
}

func TestALoginThatNobodyHasCostsWhatAUserCosts(t *testing.T) {
	t.Parallel()
	person := func(name, secret string, change func(*v1alpha1.AuthUser)) *v1alpha1.AuthUser {
		return user(name, start, func(u *v1alpha1.AuthUser) {
			u.Spec.Subject = "" // a subject that two have concerns nothing here
			change(u)
			if u.Spec.Password != nil && u.Spec.Password.HashSecretRef != nil {
				u.Spec.Password.HashSecretRef.Name = secret
			}
		})
	}
	named := func(name string) func(*corev1.Secret) { return func(s *corev1.Secret) { s.Name = name } }
	bcrypt := secretOf(v1alpha1.CredentialInput, bcryptHash, named("bcrypt"))
	argon2 := secretOf(v1alpha1.CredentialInput, argon2Hash, named("argon2"))
	d, tenant, _ := tenantOf(t, bcrypt, argon2,
		person("in-clear", "", passwordIn),
		person("bcrypt-1", "bcrypt", hashIn), person("bcrypt-2", "bcrypt", hashIn),
		person("Argon2", "argon2", func(u *v1alpha1.AuthUser) {
			hashIn(u)
			u.Spec.State = v1alpha1.UserStateDisabled
			u.Spec.Emails = []v1alpha1.Email{{Address: "argon2@example.com"}}
		}),
		person("without-password", "", func(*v1alpha1.AuthUser) {}), person("without-secret", "missing", hashIn))
	inClear, ofBcrypt, ofArgon2 := passwords.Shape{}, tenant.PasswordShape("bcrypt-1"), tenant.PasswordShape("argon2")
	if ofBcrypt == inClear || ofArgon2 == inClear || ofBcrypt == ofArgon2 {
		t.Fatal("two kinds of passwords have one shape")
	}
	if tenant.PasswordShape("argon2@EXAMPLE.com") != ofArgon2 {
		t.Error("by an address the work is another than by the username")
	}

	const logins = 4000
	before := shapesOf(tenant, logins)
	for what, tc := range map[string]struct {
		shape passwords.Shape
		want  int // of a hundred
	}{"in clear": {inClear, 25}, "bcrypt": {ofBcrypt, 50}, "argon2id": {ofArgon2, 25}} {
		if got := count(before, tc.shape); got < logins*(tc.want-4)/100 || got > logins*(tc.want+4)/100 {
			t.Errorf("%d of %d logins that nobody has cost what %s costs, want about %d %%", got, logins, what, tc.want)
		}
	}
	if diff := cmp.Diff(before, shapesOf(tenant, logins), cmp.AllowUnexported(passwords.Shape{})); diff != "" {
		t.Error("a login that nobody has changes what it costs")
	}
	replica, sameTenant, _ := tenantOf(t, user("somebody", start, nil))
	for _, name := range tenant.UserNames() {
		u, _ := tenant.User(name)
		replica.Put(u.AuthUser)
	}
	replica.Put(argon2)
	replica.Put(bcrypt)
	if diff := cmp.Diff(before, shapesOf(sameTenant, logins), cmp.AllowUnexported(passwords.Shape{})); diff != "" {
		t.Error("another replica, which has read the same in another order, chooses otherwise")
	}

	for what, change := range map[string]func(){
		"the Secret is gone": func() { d.Remove(argon2) },
		"the user is gone": func() {
			d.Put(argon2)
			u, _ := tenant.User("Argon2")
			d.Remove(u.AuthUser)
		},
	} {
		change()
		if got := count(shapesOf(tenant, logins), ofArgon2); got != 0 {
			t.Errorf("%s, and %d logins cost what it cost", what, got)
		}
		d.Put(argon2)
	}
}

func TestATenantWithoutPasswordsCostsWhatOneInClearCosts(t *testing.T) {
	t.Parallel()
	_, tenant, _ := tenantOf(t, user("alice", start, nil))
	if got := tenant.PasswordShape("alice"); got != (passwords.Shape{}) {
		t.Errorf("the work is %+v", got)
	}
	_, keyless := filled(user("alice", start, passwordIn))
	if got := keyless.PasswordShape("alice"); got != (passwords.Shape{}) {
		t.Errorf("without keys the work is %+v", got)
	}
}
