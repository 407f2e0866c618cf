package controllers

import (
	"context"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// near asks for an object in each of two namespaces, whatever happens; far is told where they are.
type near struct{}

func (near) Requests(directory.Change) []reconcile.Request {
	return slices.Concat(requests("team-a", "here"), requests("team-b", "there"))
}

func (near) Reconcile(context.Context, reconcile.Request) (reconcile.Result, error) {
	return reconcile.Result{}, nil
}

type far struct{ near }

func (far) Place(of reconcile.Request) string { return of.Namespace }

// TestWhoseChangesAndRequestsCount: a set of controllers works on its own namespaces alone, wherever
// the change was that leads to the work.
func TestWhoseChangesAndRequestsCount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		of     follower[reconcile.Request]
		change string
		want   []reconcile.Request
	}{
		"a change here, to one that does not reach":  {near{}, "team-a", near{}.Requests(directory.Change{})},
		"a change there, to one that does not reach": {near{}, "team-b", nil},
		"a change here, to one that reaches":         {far{}, "team-a", requests("team-a", "here")},
		"a change there, to one that reaches":        {far{}, "team-b", requests("team-a", "here")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := func(namespace string) bool { return namespace == "team-a" }
			if got := requestsIn(own, tc.of, directory.Change{Namespace: tc.change}); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	if _, reaches := any(&RefreshTokenGrants{}).(reaching[reconcile.Request]); !reaches {
		t.Error("the controller of grants does not reach")
	}
}
