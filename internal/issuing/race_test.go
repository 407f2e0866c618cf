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

// TestAPasswordChangedWhileItIsCheckedGivesNoToken holds because the token would be bound to the
// new password, and so outlive the one that was proven.
func TestAPasswordChangedWhileItIsCheckedGivesNoToken(t *testing.T) {
	t.Parallel()
	x := team(t, billing(gen.GrantTypes(v1alpha1.GrantTypePassword)))
	change := sync.OnceFunc(func() { x.Put(gen.PasswordSecret("alice", "the new one")) })
	verifier, err := passwords.New(hooked{x.Clock, change}, rand.Reader, passwords.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := x.Service.Config
	config.Passwords = verifier
	x.Service = issuing.New(config)
	_, err = x.Service.PasswordGrant(t.Context(), authenticated(t, x, "billing"), asAlice(), "", issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}
