package rendering

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

func TestMetadataThatLeavesTheTemplateLeavesTheSecret(t *testing.T) {
	t.Parallel()
	const list = v1alpha1.AnnotationTemplateMetadata
	some := &v1alpha1.TargetMetadata{
		Labels:      map[string]v1alpha1.LabelValue{"team": "orders"},
		Annotations: map[string]v1alpha1.AnnotationValue{"note": "n"},
	}
	const someListed = `{"labels":["team"],"annotations":["note"]}`
	cases := map[string]struct {
		wanted *v1alpha1.TargetMetadata
		listed string
		want   Content
	}{
		"where nothing was and nothing is asked for": {nil, "", Content{GoneAnnotations: []string{list}}},
		"where it is new": {some, "", Content{
			Labels: map[string]string{"team": "orders"}, Annotations: map[string]string{"note": "n", list: someListed},
		}},
		"where it is as before": {some, someListed, Content{
			Labels: map[string]string{"team": "orders"}, Annotations: map[string]string{"note": "n", list: someListed},
		}},
		"where some of it is gone": {some, `{"labels":["a","team","z"],"annotations":["b"]}`, Content{
			Labels: map[string]string{"team": "orders"}, Annotations: map[string]string{"note": "n", list: someListed},
			GoneLabels: []string{"a", "z"}, GoneAnnotations: []string{"b"},
		}},
		"where all of it is gone": {nil, someListed, Content{
			GoneLabels: []string{"team"}, GoneAnnotations: []string{"note", list},
		}},
		"where the list is damaged, nothing is taken away": {some, `{"labels":["a"],"annotations":3}`, Content{
			Labels: map[string]string{"team": "orders"}, Annotations: map[string]string{"note": "n", list: someListed},
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := &v1alpha1.GrantTarget{Template: &v1alpha1.TargetTemplate{Metadata: tc.wanted}}
			got := Render(target, someValues(), Held{Annotations: map[string]string{list: tc.listed}})
			got.Data = nil
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the metadata (-want +got):\n%s", diff)
			}
		})
	}
}
