package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// TestColumns holds what `kubectl get` prints, without and with `-o wide`. No column ahead of now
// is a date: kubectl prints those as <invalid>.
func TestColumns(t *testing.T) {
	t.Parallel()
	c := tables(t)
	tests := map[string]struct{ narrow, wide []string }{
		"authusers": {
			narrow: []string{"Name", "Username", "Ready", "Reason", "Age"}, wide: []string{"Subject", "Expires"},
		},
		"authclients": {
			narrow: []string{"Name", "Client ID", "Ready", "Reason", "Age"}, wide: []string{"Grant types"},
		},
		"refreshtokengrants": {
			narrow: []string{"Name", "User", "Client", "Ready", "Reason", "Next renewal", "Age"}, wide: []string{"Revision", "ID"},
		},
		"authsessions": {
			narrow: []string{"Name", "User", "Client", "Expires", "Age"}, wide: []string{"Grant"},
		},
		"authtenants": {
			narrow: []string{"Name", "Display name", "Issuer", "Ready", "Reason", "Next rotation", "Age"}, wide: []string{"Dialects"},
		},
		"tokenrevocations": {narrow: []string{"Name", "Reason", "Expires", "Age"}, wide: []string{"Subject", "Client"}},
	}
	for resource, tc := range tests {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			table := &metav1.Table{}
			if err := c.Get().Resource(resource).Do(t.Context()).Into(table); err != nil {
				t.Fatalf("list as a table: %v", err)
			}
			var narrow, wide []string
			for _, column := range table.ColumnDefinitions {
				if column.Priority == 0 {
					narrow = append(narrow, column.Name)
				} else {
					wide = append(wide, column.Name)
				}
				if column.Type == "date" && column.Name != "Age" {
					t.Errorf("column %q is a date", column.Name)
				}
			}
			if diff := cmp.Diff(tc.narrow, narrow); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wide, wide); diff != "" {
				t.Errorf("columns of -o wide (-want +got):\n%s", diff)
			}
		})
	}
}

// tables is a client that gets what `kubectl get` prints.
func tables(t *testing.T) *rest.RESTClient {
	t.Helper()
	config := rest.CopyConfig(cp.Config)
	config.APIPath = "/apis"
	config.GroupVersion = &v1alpha1.GroupVersion
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.AcceptContentTypes = "application/json;as=Table;v=v1;g=meta.k8s.io"
	c, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// TestAGrantThatIsNotReadyShowsWhomItNames: a misspelt name is seen in the list.
func TestAGrantThatIsNotReadyShowsWhomItNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec string
		want []any
	}{
		"of a registered client": {`{userRef: {name: alicee}, clientRef: {name: billing}}`, []any{"alicee", "billing"}},
		"of a wazo client":       {`{userRef: {name: alicee}, clientID: desk-phone}`, []any{"alicee", "desk-phone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := cp.Namespace(t)
			if err := newClient(t).Create(t.Context(), parse(t, "RefreshTokenGrant", namespace, "", tc.spec)); err != nil {
				t.Fatal(err)
			}
			table := &metav1.Table{}
			if err := tables(t).Get().Namespace(namespace).Resource("refreshtokengrants").Do(t.Context()).Into(table); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, table.Rows[0].Cells[1:3]); diff != "" {
				t.Errorf("cells (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSelectableID holds the lookup by which the endpoint answers a miss.
func TestSelectableID(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	namespace := cp.Namespace(t)
	for name, id := range map[string]string{"wanted": aUUID, "other": otherUUID, "without": ""} {
		grant := &v1alpha1.RefreshTokenGrant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       v1alpha1.RefreshTokenGrantSpec{ID: id, UserRef: v1alpha1.UserReference{Name: "alice"}, ClientID: "phone"},
		}
		if err := c.Create(t.Context(), grant); err != nil {
			t.Fatalf("create %s: %v", name, err)
		}
	}
	list := &v1alpha1.RefreshTokenGrantList{}
	if err := c.List(t.Context(), list, client.InNamespace(namespace), client.MatchingFields{"spec.id": aUUID}); err != nil {
		t.Fatalf("list: %v", err)
	}
	if len(list.Items) != 1 || list.Items[0].Name != "wanted" {
		t.Errorf("got %d grants, want the one", len(list.Items))
	}
}
