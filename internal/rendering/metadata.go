package rendering

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// owned lists the labels and annotations of a Secret that a template has set, in an annotation of the
// Secret. The others are somebody else's and stay; of these, the ones that the template no longer has
// go. Field ownership would tell the two apart only until somebody edits a value.
type owned struct {
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

// setMetadata adds the template's labels and annotations, and finds out which of an earlier one's are
// to go. listed is what the Secret lists; where that has been damaged, nothing goes.
func (c *Content) setMetadata(template *v1alpha1.TargetTemplate, listed string) {
	wanted := v1alpha1.TargetMetadata{}
	if template != nil && template.Metadata != nil {
		wanted = *template.Metadata
	}
	c.Labels, c.Annotations = texts(wanted.Labels), texts(wanted.Annotations)
	now := owned{Labels: slices.Sorted(maps.Keys(c.Labels)), Annotations: slices.Sorted(maps.Keys(c.Annotations))}

	var before owned
	if listed != "" && json.Unmarshal([]byte(listed), &before) != nil {
		before = owned{}
	}
	c.GoneLabels, c.GoneAnnotations = without(before.Labels, c.Labels), without(before.Annotations, c.Annotations)
	if len(now.Labels)+len(now.Annotations) == 0 {
		c.GoneAnnotations = append(c.GoneAnnotations, v1alpha1.AnnotationTemplateMetadata)
		return
	}
	list, _ := json.Marshal(now) //nolint:errchkjson // lists of strings always have a form
	c.Annotations[v1alpha1.AnnotationTemplateMetadata] = string(list)
}

func texts[value ~string](values map[string]value) map[string]string {
	result := make(map[string]string, len(values))
	for key, value := range values {
		result[key] = string(value)
	}
	return result
}

func without(keys []string, kept map[string]string) (gone []string) {
	for _, key := range keys {
		if _, ok := kept[key]; !ok {
			gone = append(gone, key)
		}
	}
	return gone
}
