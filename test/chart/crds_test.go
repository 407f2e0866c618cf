package chart_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const resourcePolicy = "helm.sh/resource-policy"

// definitions renders the chart's CustomResourceDefinitions by name.
func definitions(t testing.TB, args ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	all := map[string]*unstructured.Unstructured{}
	for _, object := range render(t, append(sharedValues(t), args...)...) {
		if !isNoCRD(object) {
			all[object.GetName()] = object
		}
	}
	return all
}

func TestTheDefinitionsAreThoseOfConfig(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(chartDir(t), "..", "..", "config", "crd", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions in config/crd: %v", err)
	}
	rendered := definitions(t)
	if len(rendered) != len(files) {
		t.Errorf("%d definitions, want %d: run make generate", len(rendered), len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := decode(t, bytes.TrimSpace(text))[0]
		got, ok := rendered[want.GetName()]
		if !ok {
			t.Errorf("no definition %q: run make generate", want.GetName())
			continue
		}
		if policy := got.GetAnnotations()[resourcePolicy]; policy != "keep" {
			t.Errorf("%s: %s is %q, want keep", want.GetName(), resourcePolicy, policy)
		}
		annotations := maps.Clone(got.GetAnnotations())
		delete(annotations, resourcePolicy)
		got.SetAnnotations(annotations)
		got.SetLabels(nil)
		if diff := cmp.Diff(want.Object, got.Object); diff != "" {
			t.Errorf("%s: run make generate (-config/crd +chart):\n%s", want.GetName(), diff)
		}
	}
}

func TestDefinitionsMayGoWithTheRelease(t *testing.T) {
	t.Parallel()
	for name, definition := range definitions(t, "--set", "crds.keep=false") {
		if _, kept := definition.GetAnnotations()[resourcePolicy]; kept {
			t.Errorf("%s is kept", name)
		}
	}
}
