package issuing_test

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// hooked is a clock that does something whenever it is read: a moment inside of what reads it.
type hooked struct {
	clock.PassiveClock
	hook func()
}

func (h hooked) Now() time.Time {
	h.hook()
	return h.PassiveClock.Now()
}

// TestALoginIsOfTheUserAfterTheHash changes something while the password is being checked.
func TestALoginIsOfTheUserAfterTheHash(t *testing.T) {
	t.Parallel()
	moved := func(u *v1alpha1.AuthUser) { u.Spec.Password.SecretRef.Name = "moved" }
	tests := map[string]struct {
		change func(*tenant.Tenant)
		want   issuing.Reason // empty: granted
	}{
		"nothing changes": {func(*tenant.Tenant) {}, ""},
		"the password": {func(x *tenant.Tenant) {
			// The token would be bound to the new one, and so outlive the one that was proven.
			x.Put(gen.PasswordSecret("alice", "the new one"))
		}, issuing.InvalidGrant},
		"where the password is": {func(x *tenant.Tenant) {
			x.Put(gen.InputSecret("moved", v1alpha1.KeyPassword, "the new one"), alice(moved))
		}, issuing.InvalidGrant},
		"the user is disabled":     {func(x *tenant.Tenant) { x.Put(alice(gen.Disabled())) }, issuing.InvalidGrant},
		"the user expires":         {func(x *tenant.Tenant) { x.Put(alice(gen.UserExpires(tenant.Start))) }, issuing.InvalidGrant},
		"the user is gone":         {func(x *tenant.Tenant) { x.Remove(alice()) }, issuing.InvalidGrant},
		"the user loses the scope": {func(x *tenant.Tenant) { x.Put(alice(gen.UserScopes("orders:read"))) }, issuing.InvalidScope},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, billing(gen.GrantTypes(v1alpha1.GrantTypePassword)))
			verifier, err := passwords.New(hooked{x.Clock, sync.OnceFunc(func() { tc.change(x) })}, rand.Reader, passwords.Options{})
			if err != nil {
				t.Fatal(err)
			}
			config := x.Service.Config
			config.Passwords = verifier
			x.Service = issuing.New(config)
			_, err = x.Service.PasswordGrant(t.Context(), authenticated(t, x, "billing"), asAlice(), "", issuing.Wish{Scopes: []string{"orders:write"}})
			if tc.want != "" {
				wantRefusal(t, err, tc.want)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}
