package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

func TestATrimmedSessionLosesNothingButWhoWroteIt(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]map[string]string{
		"as the endpoint makes it": {v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper},
		"with a label of people's": {v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper, "team": "sales"},
		"without labels":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session := &v1alpha1.AuthSession{
				ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "digest", UID: "uid", ResourceVersion: "7", Labels: labels},
				Spec:       v1alpha1.AuthSessionSpec{ID: "id", Subject: "subject", GrantID: "grant", Sealed: []byte("sealed")},
			}
			want := session.DeepCopy()
			session.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "grantkeeper"}}
			got, err := trimSession(session)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	unseen := toolscache.DeletedFinalStateUnknown{Key: "team-a/digest"}
	if got, err := trimSession(unseen); got != any(unseen) || err != nil {
		t.Errorf("what was deleted unseen becomes %v, error %v", got, err)
	}
}
