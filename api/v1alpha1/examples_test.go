package v1alpha1_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// exampleNamespace is where every example lives, so that a reader can paste one after another.
const exampleNamespace = "demo"

// fencedYAML finds the YAML blocks of a page. A block that is not meant to be applied, such as a
// part of a status, is fenced as text.
var fencedYAML = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// TestExamples applies every sample and every YAML block of the documentation, one by one, the way
// `kubectl apply --server-side` would: an unknown field is an error too.
func TestExamples(t *testing.T) {
	t.Parallel()
	c, err := client.New(cp.Config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: exampleNamespace}}
	if err := c.Create(t.Context(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatalf("create namespace %s: %v", exampleNamespace, err)
	}
	for name, content := range readExamples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, object := range decode(t, content) {
				config := client.ApplyConfigurationFromUnstructured(object)
				err := c.Apply(t.Context(), config, client.FieldOwner("examples-test"), client.DryRunAll)
				if err != nil {
					t.Errorf("apply %s %q: %v", object.GetKind(), object.GetName(), err)
				}
			}
		})
	}
}

// readExamples returns the content of each example by where it stands.
func readExamples(t *testing.T) map[string]string {
	t.Helper()
	examples := map[string]string{}
	walk(t, "../../config/samples", ".yaml", func(path, content string) {
		examples[path] = content
	})
	walk(t, "../../docs/spec", ".md", func(path, content string) {
		blocks := fencedYAML.FindAllStringSubmatch(content, -1)
		if fences := strings.Count(content, "```yaml"); fences != len(blocks) {
			t.Errorf("%s: %d YAML fences, but %d blocks", path, fences, len(blocks))
		}
		for i, block := range blocks {
			examples[fmt.Sprintf("%s block %d", path, i+1)] = block[1]
		}
	})
	return examples
}

func walk(t *testing.T, root, suffix string, each func(path, content string)) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found++
		each(strings.TrimPrefix(path, "../../"), string(content))
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("read %s: %d files, error %v", root, found, err)
	}
}

func decode(t *testing.T, content string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(content)), len(content))
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		objects = append(objects, object)
	}
}
