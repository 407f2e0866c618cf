package chart_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A flood of the endpoint, or a certificate that is not there yet, must not make the kubelet restart
// a pod.
func TestProbesAskAPortOfTheirOwnInTheClear(t *testing.T) {
	t.Parallel()
	d := deployment(t, sharedValues(t)...)
	container := d.Spec.Template.Spec.Containers[0]
	for path, probe := range map[string]*corev1.Probe{
		"/healthz": container.LivenessProbe,
		"/readyz":  container.ReadinessProbe,
	} {
		want := &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("probes")}
		if diff := cmp.Diff(want, probe.HTTPGet); diff != "" {
			t.Errorf("the probe of %s (-want +got):\n%s", path, diff)
		}
	}
	if container.StartupProbe != nil {
		t.Errorf("liveness waits for %+v", container.StartupProbe)
	}
	ports := map[string]int32{}
	for _, port := range container.Ports {
		ports[port.Name] = port.ContainerPort
	}
	if diff := cmp.Diff(map[string]int32{"https": 8443, "probes": 8081, "metrics": 8080}, ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if got := parse(t, d); got.HealthBindAddress != ":8081" || got.Listen != ":8443" || got.MetricsBindAddress != ":8080" {
		t.Errorf("the operator listens elsewhere: %+v", got)
	}
}

func TestNoServicePublishesTheProbes(t *testing.T) {
	t.Parallel()
	for _, object := range render(t, sharedValues(t)...) {
		if object.GetKind() != "Service" {
			continue
		}
		text, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "probes") || strings.Contains(string(text), "8081") {
			t.Errorf("%s publishes the probes: %s", object.GetName(), text)
		}
	}
}

func TestTheMemoryLimitIsTheGarbageCollectorsToo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string // and with it the collector runs less often
	}{
		"by default there is a limit":                  {want: "limits.memory"},
		"another limit":                                {args: []string{"--set", "resources.limits.memory=1Gi"}, want: "limits.memory"},
		"without a memory limit the node's is no goal": {args: []string{"--set", "resources.limits.memory=null"}},
		"without any limit":                            {args: []string{"--set", "resources.limits=null"}},
		"without resources":                            {args: []string{"--set", "resources=null"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, percent := "", ""
			for _, env := range deployment(t, append(sharedValues(t), tc.args...)...).Spec.Template.Spec.Containers[0].Env {
				switch env.Name {
				case "GOGC":
					percent = env.Value
				case "GOMEMLIMIT":
					field := env.ValueFrom.ResourceFieldRef
					if got = field.Resource; !field.Divisor.IsZero() {
						t.Errorf("counted in %v, want bytes", field.Divisor)
					}
				}
			}
			if got != tc.want {
				t.Errorf("GOMEMLIMIT comes from %q, want %q", got, tc.want)
			}
			if (percent == "200") != (tc.want != "") {
				t.Errorf("GOGC is %q beside a memory limit from %q", percent, got)
			}
		})
	}
}

// TestThePasswordOfTheSessionStoreIsAFile: what is in a command line or the environment, many can read.
func TestThePasswordOfTheSessionStoreIsAFile(t *testing.T) {
	t.Parallel()
	d := deployment(t, "--values", filepath.Join(chartDir(t), "ci", "full-values.yaml"))
	want := []corev1.VolumeProjection{
		{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: "redis-password"}, Items: []corev1.KeyToPath{{Key: "redis-password", Path: "password"}},
		}},
		{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: "redis-ca"}, Items: []corev1.KeyToPath{{Key: "tls.crt", Path: "ca.crt"}},
		}},
	}
	pod := d.Spec.Template.Spec
	if len(pod.Volumes) != 1 || len(pod.Containers[0].VolumeMounts) != 1 || pod.Containers[0].VolumeMounts[0].Name != pod.Volumes[0].Name {
		t.Fatalf("volumes %+v, mounts %+v", pod.Volumes, pod.Containers[0].VolumeMounts)
	}
	if diff := cmp.Diff(want, pod.Volumes[0].Projected.Sources); diff != "" {
		t.Errorf("what is mounted (-want +got):\n%s", diff)
	}
	if plain := deployment(t, sharedValues(t)...).Spec.Template.Spec; len(plain.Volumes)+len(plain.Containers[0].VolumeMounts) > 0 {
		t.Errorf("without a session store there are volumes %+v", plain.Volumes)
	}
}

func TestTheNetworkPolicyLetsInEachPortFromWhereItIsAsked(t *testing.T) {
	t.Parallel()
	policy := &networkingv1.NetworkPolicy{}
	for _, object := range render(t, "--values", filepath.Join(chartDir(t), "ci", "full-values.yaml")) {
		if object.GetKind() != "NetworkPolicy" {
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, policy, true); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int{} // how many peers may ask; none: everybody
	for _, rule := range policy.Spec.Ingress {
		for _, port := range rule.Ports {
			got[port.Port.StrVal] = len(rule.From)
		}
	}
	if diff := cmp.Diff(map[string]int{"https": 1, "metrics": 1, "probes": 0}, got); diff != "" {
		t.Errorf("ports and their peers (-want +got):\n%s", diff)
	}
	var out []int32
	for _, rule := range policy.Spec.Egress {
		for _, port := range rule.Ports {
			out = append(out, port.Port.IntVal)
		}
	}
	if diff := cmp.Diff([]int32{443, 6443, 6380, 53, 53}, out); diff != "" { // the last three are for the session store and its name
		t.Errorf("ports that are let out (-want +got):\n%s", diff)
	}
}
