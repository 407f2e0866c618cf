package operator_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/wazosdk"
)

// TestWazosOwnSDK lets wazo's JavaScript SDK, as it is published, do all that it can do here.
func TestWazosOwnSDK(t *testing.T) {
	t.Parallel()
	const password = "canary-sdk-3f6"
	plant("the password of the SDK's user", password)
	paths, err := wazosdk.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release := ownRelease("sdk")
	release.UserManagement = true
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	startReplica(t, options)
	s := sceneIn(release.Tenants[0])
	user := s.user(gen.Password(), gen.UserScopes("#"))
	c, g := s.client(), s.grant()
	s.apply(t, gen.PasswordSecret(user.Name, password), user, c, g)
	awaitReady(t, user, c, g)
	delivered := secretOf(t, g)
	authority := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(authority, delivered.Data[v1alpha1.KeyCABundle], 0o600); err != nil {
		t.Fatal(err)
	}
	issuer, err := url.Parse(string(delivered.Data[v1alpha1.KeyIssuer]))
	if err != nil {
		t.Fatal(err)
	}
	story := exec.CommandContext(t.Context(), paths.Node, filepath.Join("testdata", "wazosdk.cjs"))
	story.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authority, "SDK="+paths.Bundle,
		"SERVER="+issuer.Host+issuer.Path, "USERNAME="+user.Name, "PASSWORD="+password)
	told, err := story.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, told)
	}
	t.Logf("%s", told)
}
