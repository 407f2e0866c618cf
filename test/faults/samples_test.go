package faults_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// The two orders in which the samples are applied; their names begin those of the namespaces.
const forth, back = "forth", "back"

// TestTheSamplesInReverseOrderGiveTheSame applies every file of config/samples to namespaces of its
// own, as it comes and from its end, and compares conditions, Secrets and what the tokens say.
func TestTheSamplesInReverseOrderGiveTheSame(t *testing.T) {
	t.Parallel()
	samples := readSamples(t)
	tenants := []string{"root"} // whose issuer has no namespace in it
	var namespaces []string
	for _, sample := range samples {
		if sample.GetKind() == "Namespace" {
			namespaces = append(namespaces, sample.GetName())
			tenants = append(tenants, forth+"-"+sample.GetName(), back+"-"+sample.GetName())
		}
	}
	s := newSite(t, "samples", tenants...)
	suffix := strings.TrimPrefix(s.tenant(), tenants[0])
	s.start(t)
	rename := func(order string) func(string) string {
		return func(value string) string {
			if slices.Contains(namespaces, value) {
				return order + "-" + value + suffix
			}
			return value
		}
	}
	for _, sample := range samples {
		applySample(t, sample, rename(forth))
	}
	for _, sample := range slices.Backward(samples) {
		applySample(t, sample, rename(back))
	}
	compared := 0
	eventually(t, func(ctx context.Context) error {
		var results [2]map[string]any
		for i, order := range []string{forth, back} {
			result := map[string]any{}
			for _, namespace := range namespaces {
				if err := describe(ctx, rename(order)(namespace), namespace, result); err != nil {
					return err
				}
			}
			results[i] = result
		}
		if diff := cmp.Diff(results[0], results[1]); diff != "" {
			return fmt.Errorf("in order and in reverse (-forth +back):\n%s", diff)
		}
		compared = len(results[0])
		return nil
	})
	s.seen.Check(t)
	figure(t, "samples: documents applied in two orders; objects and Secrets that came out the same", fmt.Sprintf("%d; %d", len(samples), compared))
}

// readSamples are the documents of config/samples in the order in which kubectl applies them, then those
// of config/samples/more.
func readSamples(t *testing.T) (all []*unstructured.Unstructured) {
	t.Helper()
	root, err := controlplane.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, directory := range []string{"samples", filepath.Join("samples", "more")} {
		found, err := filepath.Glob(filepath.Join(root, "config", directory, "*.yaml"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%d %s: %v", len(found), directory, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
		for {
			sample := &unstructured.Unstructured{}
			err := decoder.Decode(sample)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if sample.Object != nil {
				all = append(all, sample)
			}
		}
	}
	return all
}

// applySample applies a document with its namespaces renamed. The namespaces themselves are there
// already: without one nothing can be applied, in any order.
func applySample(t *testing.T, sample *unstructured.Unstructured, rename func(string) string) {
	t.Helper()
	object := &unstructured.Unstructured{Object: renamed(sample.Object, rename).(map[string]any)}
	if object.GetKind() == "Namespace" {
		object.SetName(rename(object.GetName()))
	}
	err := admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("kubectl"), client.ForceOwnership)
	if err != nil {
		t.Fatalf("apply %s %q: %v", object.GetKind(), object.GetName(), err)
	}
}

// renamed renames namespaces wherever one is named: under "namespace", and in lists of "namespaces".
func renamed(value any, rename func(string) string) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	result := make(map[string]any, len(object))
	for key, value := range object {
		switch value := value.(type) {
		case string:
			if key == "namespace" {
				result[key] = rename(value)
				continue
			}
			result[key] = value
		case []any:
			list := make([]any, len(value))
			for i, item := range value {
				if text, isText := item.(string); isText && key == "names" {
					list[i] = rename(text)
				} else {
					list[i] = renamed(item, rename)
				}
			}
			result[key] = list
		default:
			result[key] = renamed(value, rename)
		}
	}
	return result
}

// describe tells of all that stands in a namespace what does not depend on when and under which
// name it was made there. What is not settled yet is an error.
func describe(ctx context.Context, actual, as string, into map[string]any) error {
	same := func(text string) string { return strings.ReplaceAll(text, actual, as) }
	for _, kind := range []string{"AuthTenant", "AuthUser", "AuthClient", "RefreshTokenGrant"} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
		if err := admin.List(ctx, list, client.InNamespace(actual)); err != nil {
			return err
		}
		for i := range list.Items {
			described, err := describeConditions(&list.Items[i], same)
			if err != nil {
				return err
			}
			into[as+"/"+kind+"/"+list.Items[i].GetName()] = described
		}
	}
	secrets := &corev1.SecretList{}
	if err := admin.List(ctx, secrets, client.InNamespace(actual), client.HasLabels{v1alpha1.LabelCredential}); err != nil {
		return err
	}
	for i := range secrets.Items {
		into[as+"/Secret/"+secrets.Items[i].Name] = describeSecret(&secrets.Items[i], same)
	}
	return nil
}

func describeConditions(object *unstructured.Unstructured, same func(string) string) (map[string]string, error) {
	all, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return nil, err
	}
	described := map[string]string{}
	for _, raw := range all {
		condition, _ := raw.(map[string]any)
		if condition["observedGeneration"] != object.GetGeneration() {
			return nil, fmt.Errorf("%s %q: %v is of an earlier generation", object.GetKind(), object.GetName(), condition["type"])
		}
		described[fmt.Sprint(condition["type"])] = same(fmt.Sprintf("%v/%v: %v", condition["status"], condition["reason"], condition["message"]))
	}
	if described[v1alpha1.ConditionReady] == "" {
		return nil, fmt.Errorf("%s %q has no condition Ready", object.GetKind(), object.GetName())
	}
	return described, nil
}

// describeSecret tells the names of what a Secret holds, its labels, and of a JWT the claims that its
// inputs fix.
func describeSecret(secret *corev1.Secret, same func(string) string) map[string]any {
	described := map[string]any{"type": string(secret.Type), "labels": secret.Labels}
	var keys, annotations []string
	for key := range secret.Data {
		keys = append(keys, key)
	}
	for key := range secret.Annotations {
		annotations = append(annotations, key)
	}
	slices.Sort(keys)
	slices.Sort(annotations)
	described["keys"], described["annotations"] = keys, annotations
	parts := strings.Split(string(secret.Data[v1alpha1.KeyAccessToken]), ".")
	if len(parts) != 3 {
		return described
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	claims := map[string]any{}
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return described
	}
	issuedAt, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	described["lifetime"] = expires - issuedAt
	for _, name := range []string{"aud", "scope", "acl", "client_id", "iss"} {
		described[name] = same(fmt.Sprint(claims[name]))
	}
	return described
}
