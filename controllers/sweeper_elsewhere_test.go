package controllers_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// elsewhere is a store of sessions whose server can be away.
type elsewhere struct {
	sessions map[string]string // subjects by name
	away     error
}

func (e *elsewhere) OfSubject(_ context.Context, _ keys.Tenant, subject string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return func(yield func(*v1alpha1.AuthSession, error) bool) {
		if e.away != nil {
			yield(nil, e.away)
			return
		}
		for name, of := range maps.Clone(e.sessions) {
			if of == subject && !yield(&v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil) {
				return
			}
		}
	}
}

func (e *elsewhere) Delete(_ context.Context, _ keys.Tenant, name string) error {
	delete(e.sessions, name)
	return nil
}

func TestTheSessionsElsewhereOfADisabledUserEnd(t *testing.T) {
	t.Parallel()
	alices := map[string]string{"one": gen.Subject("alice"), "two": gen.Subject("alice"), "bob's": gen.Subject("bob")}
	tests := map[string]struct {
		user     func(*v1alpha1.AuthUser)
		away     error
		want     []string
		wantFail bool
	}{
		"one who is disabled":           {user: gen.Disabled(), want: []string{"bob's"}},
		"one who is not":                {want: []string{"bob's", "one", "two"}},
		"while the server is not there": {user: gen.Disabled(), away: errors.New("away"), want: []string{"bob's", "one", "two"}, wantFail: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mods []func(*v1alpha1.AuthUser)
			if tc.user != nil {
				mods = append(mods, tc.user)
			}
			x := newRoom(t, gen.AuthUser("alice", mods...))
			x.common.Directory.SetRing(gen.Namespace, keystest.Ring(t, gen.Namespace, "https://auth.example.com"), nil)
			store := &elsewhere{sessions: maps.Clone(alices), away: tc.away}
			sweeper := &controllers.Sweeper{Common: x.common, Elsewhere: store}
			alice := controllers.Sweepable{Kind: directory.Users, Namespace: gen.Namespace, Name: "alice"}
			for _, change := range []directory.Change{
				{Kind: directory.Users, Namespace: gen.Namespace, Name: "alice"},
				{Kind: directory.Keyrings, Namespace: gen.Namespace, Name: gen.Namespace},
			} {
				if diff := cmp.Diff([]controllers.Sweepable{alice}, sweeper.Requests(change)); diff != "" {
					t.Errorf("what %s makes sweepable (-want +got):\n%s", change.Kind, diff)
				}
			}
			if _, err := sweeper.Reconcile(t.Context(), alice); (err != nil) != tc.wantFail {
				t.Errorf("error %v", err)
			}
			left := []string{}
			for name := range store.sessions {
				left = append(left, name)
			}
			if diff := cmp.Diff(tc.want, left, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
				t.Errorf("left are (-want +got):\n%s", diff)
			}
		})
	}
}
