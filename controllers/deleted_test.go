package controllers_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestAGrantThatIsDeletedMeanwhileIsNoFailure lets a grant go whose removal the watch has not told yet, as
// where its Secret's is told first.
func TestAGrantThatIsDeletedMeanwhileIsNoFailure(t *testing.T) {
	t.Parallel()
	for name, delivered := range map[string]bool{"before it has a Secret": false, "after it had one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := issuing()
			x := newRoom(t, objects...)
			gone := []client.Object{g}
			if delivered {
				secret, _ := x.settle(t, g)
				gone = append(gone, secret)
			}
			for _, object := range gone {
				if err := x.client.Delete(t.Context(), object); err != nil {
					t.Fatal(err)
				}
			}
			if delivered {
				x.Remove(x.secretOf(g))
			}
			written := x.created.Load()
			if result, err := x.bring(t, g); err != nil || result != (reconcile.Result{}) {
				t.Errorf("Reconcile: %+v, %v", result, err)
			}
			if x.created.Load() != written {
				t.Error("a Secret was made for a grant that is gone")
			}
		})
	}
}
