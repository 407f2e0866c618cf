package accounts_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/audit"
)

// told is what the audit log tells of a change.
type told struct{ Event, Tenant, Subject, Username, By, Reason string }

// observed is the same replica, and what ends its audit log and gives what is in it.
func (x *replica) observed(t *testing.T) (*replica, func() []told) {
	t.Helper()
	var text bytes.Buffer
	log, err := audit.New(&text, clock.RealClock{}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	lines := func() (all []told) {
		t.Helper()
		if err := log.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.String(), "canary") {
			t.Errorf("a password is in %s", text.String())
		}
		for line := range strings.Lines(text.String()) {
			var of told
			if err := json.Unmarshal([]byte(line), &of); err != nil {
				t.Fatal(err)
			}
			all = append(all, of)
		}
		return all
	}
	return x.with(func(c *accounts.Config) { c.Audit = log }), lines
}

// The story of a user as the audit log tells it: who did what to whom, once each, and no password.
func TestWhatIsRecordedOfUsers(t *testing.T) {
	t.Parallel()
	x, lines := open(t).observed(t)
	carol := x.create(t, loggingIn("carol", password))
	caroline := accounts.Profile{Username: "caroline"}
	x.replace(t, carol, caroline)
	x.replace(t, carol, caroline) // which changes nothing
	wantRefusal(t, x.changePassword(t.Context(), carol, "canary-wrong", another), wrongPassword)
	if err := x.changePassword(t.Context(), carol, password, another); err != nil {
		t.Error(err)
	}
	if err := x.Accounts.Delete(t.Context(), x.request(), carol.Subject()); err != nil {
		t.Error(err)
	}
	wantRefusal(t, x.Accounts.Delete(t.Context(), x.request(), carol.Subject()), unknownUser) // likewise
	of := func(event audit.Event, username, reason string) told {
		return told{string(event), x.Namespace, carol.Subject(), username, "clerk", reason}
	}
	want := []told{
		of(audit.UserCreated, "carol", ""), of(audit.UserChanged, "caroline", ""), of(audit.PasswordRefused, "caroline", "InvalidGrant"),
		of(audit.PasswordChanged, "caroline", ""), of(audit.UserDeleted, "caroline", ""),
	}
	if diff := cmp.Diff(want, lines()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// Who was left behind and gives way is told as deleted by whoever is made instead; what was refused is told of nobody.
func TestWhatIsRecordedOfAUserWhoGivesWay(t *testing.T) {
	t.Parallel()
	x := open(t)
	left := x.crash(t, named("carol"))
	later, lines := x.at(left.CreationTimestamp.Add(time.Minute)).observed(t)
	made := later.create(t, named("carol"))
	_, err := later.Accounts.Create(t.Context(), x.request(), named("carol"))
	wantRefusal(t, err, taken(accounts.FieldUsername))
	want := []told{
		{string(audit.UserDeleted), x.Namespace, left.Spec.Subject, "carol", "clerk", ""},
		{string(audit.UserCreated), x.Namespace, made.Subject(), "carol", "clerk", ""},
	}
	if diff := cmp.Diff(want, lines()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}
