package v1alpha1_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{CRDs: true}))
}

// creation is a spec that somebody applies.
type creation struct {
	name string // absent: subject-of-test
	spec string // YAML
	// wantField is the field that the refusal names, wantMessage a part of what it says. Both
	// empty: the API server accepts the object.
	wantField, wantMessage string
}

// change is a spec that somebody applies over another one.
type change struct {
	name                   string // absent: subject-of-test
	before, after          string // YAML
	wantField, wantMessage string
}

func testCreations(t *testing.T, kind string, tests map[string]creation) {
	t.Helper()
	c := newClient(t)
	namespace := cp.Namespace(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := parse(t, kind, namespace, tc.name, tc.spec)
			err := c.Create(t.Context(), object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
			checkRefusal(t, err, tc.wantField, tc.wantMessage)
		})
	}
}

func testChanges(t *testing.T, kind string, tests map[string]change) {
	t.Helper()
	c := newClient(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := cp.Namespace(t)
			before := parse(t, kind, namespace, tc.name, tc.before)
			if err := c.Create(t.Context(), before); err != nil {
				t.Fatalf("create what is changed: %v", err)
			}
			after := parse(t, kind, namespace, tc.name, tc.after)
			after.SetResourceVersion(before.GetResourceVersion())
			err := c.Update(t.Context(), after, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
			checkRefusal(t, err, tc.wantField, tc.wantMessage)
		})
	}
}

// checkRefusal wants a cause that names the field, both as its path and in words.
func checkRefusal(t *testing.T, err error, wantField, wantMessage string) {
	t.Helper()
	if wantField == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("accepted, want a refusal of %s", wantField)
	}
	status, ok := err.(apierrors.APIStatus)
	if !ok || !apierrors.IsInvalid(err) {
		t.Fatalf("got %v, want Invalid", err)
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Field == wantField && strings.Contains(cause.Message, wantMessage) {
			return
		}
	}
	t.Errorf("got %v, want a refusal of %s with %q", err, wantField, wantMessage)
}

func parse(t *testing.T, kind, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{}}
	content := map[string]any{}
	if err := yaml.Unmarshal([]byte(spec), &content); err != nil {
		t.Fatalf("parse the spec of the test: %v", err)
	}
	object.Object["spec"] = content
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	object.SetNamespace(namespace)
	if name == "" {
		name = "subject-of-test"
	}
	object.SetName(name)
	return object
}

func newClient(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cp.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// repeat formats the numbers from 0 to n-1 and puts commas between them.
func repeat(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(items, ",")
}
