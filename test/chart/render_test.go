package chart_test

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// render returns the objects that helm makes of the chart with these arguments.
func render(t testing.TB, args ...string) []*unstructured.Unstructured {
	t.Helper()
	output := mustHelm(t, append([]string{"template", release, chartDir(t), "--namespace", operator}, args...)...)
	return decode(t, []byte(output))
}

func decode(t testing.TB, text []byte) (objects []*unstructured.Unstructured) {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("decode: %v", err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// ciValues are the files that `make chart` lints with.
func ciValues(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartDir(t), "ci", "*-values.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values under ci/: %v", err)
	}
	return files
}

// names lists objects as kind/name, or as kind/namespace/name outside the release's namespace.
func names(objects []*unstructured.Unstructured, keep func(*unstructured.Unstructured) bool) []string {
	var all []string
	for _, object := range objects {
		if !keep(object) {
			continue
		}
		name := object.GetKind() + "/"
		if namespace := object.GetNamespace(); namespace != "" && namespace != operator {
			name += namespace + "/"
		}
		all = append(all, name+object.GetName())
	}
	slices.Sort(all)
	return all
}

func isNoCRD(object *unstructured.Unstructured) bool {
	return object.GetKind() != "CustomResourceDefinition"
}

func deployment(t testing.TB, args ...string) *appsv1.Deployment {
	t.Helper()
	for _, object := range render(t, args...) {
		if object.GetKind() != "Deployment" {
			continue
		}
		typed := &appsv1.Deployment{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, typed, true); err != nil {
			t.Fatalf("the Deployment is none: %v", err)
		}
		return typed
	}
	t.Fatal("no Deployment")
	return nil
}

func TestTheValuesDecideWhichObjectsThereAre(t *testing.T) {
	t.Parallel()
	const definitions = 6
	tests := map[string]struct {
		values          string
		want            []string
		wantDefinitions int
	}{
		"two namespaces get a Role each, and the cluster nothing that reaches into others": {
			values: "namespaces",
			want: []string{
				"ClusterRole/grantkeeper", // to watch the labels of these two: see permissions_test.go
				"ClusterRole/grantkeeper-admin",
				"ClusterRole/grantkeeper-edit",
				"ClusterRole/grantkeeper-metrics",
				"ClusterRole/grantkeeper-metrics-reader",
				"ClusterRole/grantkeeper-view",
				"ClusterRoleBinding/grantkeeper",
				"ClusterRoleBinding/grantkeeper-metrics",
				"Deployment/grantkeeper",
				"PodDisruptionBudget/grantkeeper",
				"Role/grantkeeper",
				"Role/team-a/grantkeeper",
				"Role/team-b/grantkeeper",
				"RoleBinding/grantkeeper",
				"RoleBinding/team-a/grantkeeper",
				"RoleBinding/team-b/grantkeeper",
				"Service/grantkeeper",
				"Service/grantkeeper-metrics",
				"ServiceAccount/grantkeeper",
				"ValidatingAdmissionPolicy/grantkeeper-endpoint-fields",
				"ValidatingAdmissionPolicy/grantkeeper-endpoint-objects",
				"ValidatingAdmissionPolicyBinding/grantkeeper-endpoint-fields",
				"ValidatingAdmissionPolicyBinding/grantkeeper-endpoint-objects",
			},
			wantDefinitions: definitions,
		},
		"cluster mode has one ClusterRole in place of the tenants' Roles": {
			values: "cluster-mode",
			want: []string{
				"ClusterRole/grantkeeper",
				"ClusterRole/grantkeeper-admin",
				"ClusterRole/grantkeeper-edit",
				"ClusterRole/grantkeeper-metrics",
				"ClusterRole/grantkeeper-metrics-reader",
				"ClusterRole/grantkeeper-view",
				"ClusterRoleBinding/grantkeeper",
				"ClusterRoleBinding/grantkeeper-metrics",
				"Deployment/grantkeeper",
				"PodDisruptionBudget/grantkeeper",
				"Role/grantkeeper",
				"RoleBinding/grantkeeper",
				"Service/grantkeeper",
				"Service/grantkeeper-metrics",
				"ServiceAccount/grantkeeper",
				"ValidatingAdmissionPolicy/grantkeeper-endpoint-fields",
				"ValidatingAdmissionPolicy/grantkeeper-endpoint-objects",
				"ValidatingAdmissionPolicyBinding/grantkeeper-endpoint-fields",
				"ValidatingAdmissionPolicyBinding/grantkeeper-endpoint-objects",
			},
			wantDefinitions: definitions,
		},
		"with everything switched off the Deployment and its Service remain": {
			values: "minimal",
			want:   []string{"Deployment/grantkeeper", "Service/grantkeeper"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := render(t, "--values", filepath.Join(chartDir(t), "ci", tc.values+"-values.yaml"))
			got := names(objects, isNoCRD)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if got := len(objects) - len(got); got != tc.wantDefinitions {
				t.Errorf("%d CustomResourceDefinitions, want %d", got, tc.wantDefinitions)
			}
		})
	}
}

func TestValuesThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want []string
	}{
		"neither namespaces nor cluster mode: the schema names both": {
			want: []string{"'/namespaces'", "'/clusterMode'"},
		},
		"both namespaces and cluster mode: the schema names both": {
			args: []string{"--set", "namespaces={a},clusterMode=true"},
			want: []string{"'/namespaces'", "'/clusterMode'"},
		},
		"neither, past the schema: the template says what to do": {
			args: []string{"--skip-schema-validation"},
			want: []string{"Set namespaces to a list", "clusterMode to true"},
		},
		"both, past the schema: the template says what to do": {
			args: []string{"--skip-schema-validation", "--set", "namespaces={a},clusterMode=true"},
			want: []string{"namespaces and clusterMode exclude each other"},
		},
		"the release's own namespace as a tenant": {
			args: []string{"--set", "namespaces={team-a," + operator + "}"},
			want: []string{operator, "the keys of all tenants"},
		},
		"the release's own namespace as the default tenant of a cluster": {
			args: []string{"--set", "clusterMode=true,defaultTenant=" + operator},
			want: []string{operator, "the keys of all tenants"},
		},
		"a default tenant that is not served": {
			args: []string{"--set", "namespaces={a},defaultTenant=b"},
			want: []string{`defaultTenant "b"`},
		},
		"a namespace that cannot be one": {
			args: []string{"--set", "namespaces={Team_A}"},
			want: []string{"/namespaces/0"},
		},
		"a namespace twice": {
			args: []string{"--set", "namespaces={a,a}"},
			want: []string{"/namespaces"},
		},
		"a misspelt value": {
			args: []string{"--set", "namespaces={a},replicas=3"},
			want: []string{"replicas"},
		},
		"a base URL without TLS": {
			args: []string{"--set", "namespaces={a},baseURL=http://auth.example.com"},
			want: []string{"/baseURL"},
		},
		"a base URL that ends in a slash": {
			args: []string{"--set", "namespaces={a},baseURL=https://auth.example.com/"},
			want: []string{"/baseURL"},
		},
		"a duration without a unit": {
			args: []string{"--set", "namespaces={a}", "--set-string", "tokens.minTTL=600"},
			want: []string{"/tokens/minTTL"},
		},
		"an origin with a path": {
			args: []string{"--set", "namespaces={a},corsAllowedOrigins={https://app.example.com/}"},
			want: []string{"/corsAllowedOrigins/0"},
		},
		"every origin, and one more": {
			args: []string{"--set", "namespaces={a},corsAllowedOrigins={*,https://app.example.com}"},
			want: []string{"/corsAllowedOrigins"},
		},
		"a session store with a password in its URL": {
			args: []string{"--set", "namespaces={a},sessionStore.url=redis://:secret@redis"},
			want: []string{"/sessionStore/url"},
		},
		"a session store of another kind": {
			args: []string{"--set", "namespaces={a},sessionStore.url=http://redis"},
			want: []string{"/sessionStore/url"},
		},
		"a session store's user without a password": {
			args: []string{"--set", "namespaces={a},sessionStore.url=redis://me@redis"},
			want: []string{"sessionStore.existingSecret"},
		},
		"a session store's authorities without TLS": {
			args: []string{"--set", "namespaces={a},sessionStore.url=redis://redis,sessionStore.caSecret=ca"},
			want: []string{"rediss://"},
		},
		"a session store's password without the server": {
			args: []string{"--set", "namespaces={a},sessionStore.existingSecret=redis"},
			want: []string{"sessionStore.url"},
		},
		"an exempt user whose name would end the expression": {
			args: []string{"--set", "namespaces={a}", "--set", `admissionPolicy.exemptUsers={x'}`},
			want: []string{"/admissionPolicy/exemptUsers/0"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := helm(append([]string{"template", release, chartDir(t), "--namespace", operator}, tc.args...)...)
			if err == nil {
				t.Fatal("rendered, want an error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in the error:\n%v", want, err)
				}
			}
		})
	}
}

func TestPodsPreferDifferentNodesUnlessAnAffinityIsGiven(t *testing.T) {
	t.Parallel()
	byDefault := deployment(t, sharedValues(t)...).Spec.Template.Spec.Affinity
	if byDefault.PodAntiAffinity == nil || len(byDefault.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 {
		t.Errorf("affinity is %+v, want a soft one", byDefault)
	}
	given := deployment(t, "--values", filepath.Join(chartDir(t), "ci", "full-values.yaml")).Spec.Template.Spec.Affinity
	if given.NodeAffinity == nil || given.PodAntiAffinity != nil {
		t.Errorf("affinity is %+v, want the given one alone", given)
	}
}

func TestTheUserRolesAreAggregatedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]int{"namespaces": 0, "full": 3} {
		count := 0
		for _, object := range render(t, "--values", filepath.Join(chartDir(t), "ci", values+"-values.yaml")) {
			for label := range object.GetLabels() {
				if strings.HasPrefix(label, "rbac.authorization.k8s.io/aggregate-to-") {
					count++
				}
			}
		}
		if count != want {
			t.Errorf("%s: %d roles are aggregated, want %d", values, count, want)
		}
	}
}

// The API server itself says whether every object is one that it knows, field by field.
func TestTheAPIServerTakesEveryObjectThatIsRendered(t *testing.T) {
	t.Parallel()
	prepare(t)
	for _, values := range ciValues(t) {
		t.Run(filepath.Base(values), func(t *testing.T) {
			t.Parallel()
			// Without the ServiceMonitor, whose kind is another project's.
			manifest := mustHelm(t, "template", "checked", chartDir(t), "--namespace", operator, "--values", values,
				"--set", "metrics.serviceMonitor.enabled=false")
			kubectl := exec.Command(filepath.Join(cp.Assets, "kubectl"), "apply", "--kubeconfig", cp.Kubeconfig,
				"--dry-run=server", "--server-side", "--force-conflicts", "--validate=strict", "--filename", "-")
			if _, err := run(kubectl, []byte(manifest)); err != nil {
				t.Error(err)
			}
		})
	}
}
