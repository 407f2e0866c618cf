package v1alpha1_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// maxSelectableFields is what the API server takes.
const maxSelectableFields = 8

// TestSchemas holds what every field of every kind has in common, so that a field that is added
// later cannot forget it.
func TestSchemas(t *testing.T) {
	t.Parallel()
	var short []string
	for _, crd := range readCRDs(t) {
		names := crd.Spec.Names
		short = append(short, names.ShortNames...)
		t.Run(names.Kind, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{"grantkeeper"}, names.Categories); diff != "" {
				t.Errorf("categories (-want +got):\n%s", diff)
			}
			if crd.Spec.Scope != apiextensionsv1.NamespaceScoped {
				t.Errorf("scope is %s", crd.Spec.Scope)
			}
			for _, version := range crd.Spec.Versions {
				if n := len(version.SelectableFields); n > maxSelectableFields {
					t.Errorf("%d selectable fields, at most %d are allowed", n, maxSelectableFields)
				}
				root := version.Schema.OpenAPIV3Schema
				for _, section := range []string{"spec", "status"} {
					if schema, ok := root.Properties[section]; ok {
						checkSchema(t, section, schema)
					}
				}
			}
		})
	}
	slices.Sort(short)
	if diff := cmp.Diff([]string{"ac", "as", "at", "au", "rtg", "trv"}, short); diff != "" {
		t.Errorf("short names (-want +got):\n%s", diff)
	}
}

func checkSchema(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	if schema.Description == "" {
		t.Errorf("%s has no description", path)
	}
	if schema.Default != nil && path != "status" { // which is there before the operator has looked
		t.Errorf("%s stores a default", path)
	}
	checkBounds(t, path, schema)
	for name, property := range schema.Properties {
		checkSchema(t, path+"."+name, property)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		items := *schema.Items.Schema
		checkBounds(t, path+"[]", items)
		for name, property := range items.Properties {
			checkSchema(t, path+"[]."+name, property)
		}
	}
}

func checkBounds(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	switch schema.Type {
	case "string":
		if schema.MaxLength == nil && len(schema.Enum) == 0 && schema.Format != "date-time" {
			t.Errorf("%s is a string without a bound", path)
		}
	case "array":
		if schema.MaxItems == nil {
			t.Errorf("%s is a list without a bound", path)
		}
		if schema.XListType == nil || *schema.XListType == "atomic" {
			t.Errorf("%s is neither a map nor a set: two appliers would overwrite each other", path)
		}
	}
}

func readCRDs(t *testing.T) []apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob("../../config/crd/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crds := make([]apiextensionsv1.CustomResourceDefinition, len(files))
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(content, &crds[i]); err != nil {
			t.Fatalf("parse %s: %v", file, err)
		}
	}
	return crds
}
