package chart_test

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownRelease is a release beside the shared one, for a tenant of its own and with something switched on.
type ownRelease struct {
	name, namespace, tenant string
	// enabled is the value that is true for it.
	enabled string
	// allows is what its operator may do more of than that of the shared release.
	allows map[string]string
}

// install installs the release, holds its operator to its rights, and connects as it.
func (r ownRelease) install(t *testing.T) client.Client {
	t.Helper()
	installed(t)
	admin := mustConnect(t, cp.Config)
	if err := admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.tenant}}); err != nil {
		t.Fatal(err)
	}
	mustHelm(t, "install", r.name, chartDir(t), "--namespace", r.namespace, "--create-namespace",
		"--set", "namespaces={"+r.tenant+"},crds.enabled=false,"+r.enabled+"=true")
	t.Cleanup(func() { mustHelm(t, "uninstall", r.name, "--namespace", r.namespace) })
	config, err := cp.ServiceAccountConfig(t.Context(), r.namespace, r.name)
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(everywhere)
	maps.Copy(want, inTenant)
	delete(want, "namespaces "+tenant)
	want["namespaces "+r.tenant] = "get list watch"
	maps.Copy(want, r.allows)
	wantRules(t, config, r.tenant, want)
	return mustConnect(t, config)
}
