package issuing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestOnlyTheAuditLogTellsWhyALoginFailed: to the client all of them are one refusal.
func TestOnlyTheAuditLogTellsWhyALoginFailed(t *testing.T) {
	t.Parallel()
	older := gen.AuthUser("older", gen.Username("alice"), func(u *v1alpha1.AuthUser) {
		u.CreationTimestamp = *gen.Time(tenant.Start.Add(-time.Hour))
	})
	younger := func(u *v1alpha1.AuthUser) { u.CreationTimestamp = *gen.Time(tenant.Start) }
	unlabelled := gen.PasswordSecret("alice", password)
	unlabelled.Labels = nil
	empty := gen.PasswordSecret("alice", "")
	for name, tc := range map[string]struct {
		login, password string // absent: those of alice
		stand           []client.Object
		gone            []client.Object
		want            string
	}{
		"the password is another":         {password: "canary-wrong", want: "PasswordWrong"},
		"nobody has the login":            {login: "bob", want: "UserUnknown"},
		"the user has no password":        {stand: []client.Object{alice(func(u *v1alpha1.AuthUser) { u.Spec.Password = nil })}, want: "PasswordAbsent"},
		"there is no Secret":              {gone: []client.Object{gen.PasswordSecret("alice", "")}, want: "SecretNotFound"},
		"the Secret lost its label":       {stand: []client.Object{unlabelled}, want: "SecretNotFound"},
		"the Secret holds nothing":        {stand: []client.Object{empty}, want: "SecretInvalid"},
		"the user is disabled":            {stand: []client.Object{alice(gen.Disabled())}, want: "Disabled"},
		"the user has expired":            {stand: []client.Object{alice(gen.UserExpires(tenant.Start))}, want: "Expired"},
		"an older user has the user name": {login: "alice@example.com", stand: []client.Object{alice(younger), older}, want: "DuplicateLogin"},
		"a disabled user, a wrong password": {
			password: "canary-wrong", stand: []client.Object{alice(gen.Disabled())}, want: "Disabled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, tc.stand...)
			for _, object := range tc.gone {
				x.Remove(object)
			}
			o := observe(t, x)
			presented := asAlice()
			if tc.login != "" {
				presented.Login = tc.login
			}
			if tc.password != "" {
				presented.Password = sensitive.New(tc.password)
			}
			_, err := x.Service.Login(request(t), x.Namespace, issuing.Login{Credentials: presented})
			wantRefusal(t, err, issuing.InvalidGrant)
			if told := err.Error(); told != "InvalidGrant: the user or the password is wrong" {
				t.Errorf("the client is told %q", told)
			}
			if diff := cmp.Diff(tc.want, o.lines(t)[0]["detail"]); diff != "" {
				t.Errorf("detail (-want +got):\n%s", diff)
			}
		})
	}
}
