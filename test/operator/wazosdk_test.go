package operator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/wazosdk"
)

// TestWazosOwnSDK lets wazo's JavaScript SDK, as it is published, do all that it can do here.
func TestWazosOwnSDK(t *testing.T) {
	t.Parallel()
	paths, err := wazosdk.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, s := clerkOf(t, "sdk", true)
	delivered := secretOf(t, gen.In(s.namespace, s.grant()))
	authority := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(authority, delivered.Data[v1alpha1.KeyCABundle], 0o600); err != nil {
		t.Fatal(err)
	}
	_, server, _ := strings.Cut(string(delivered.Data[v1alpha1.KeyIssuer]), "https://")
	story := exec.CommandContext(t.Context(), paths.Node, filepath.Join("testdata", "wazosdk.cjs"))
	story.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authority, "SDK="+paths.Bundle,
		"SERVER="+server, "USERNAME="+s.name("alice"), "PASSWORD="+clerkPassword)
	told, err := story.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, told)
	}
}
