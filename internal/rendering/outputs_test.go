package rendering

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// TestAKubeconfigIsReadByKubectl reads it back the way kubectl and client-go do.
func TestAKubeconfigIsReadByKubectl(t *testing.T) {
	t.Parallel()
	certificate := readFile(t, "ca.pem")
	cases := map[string]struct {
		output           v1alpha1.TargetOutput
		wantServer       string
		wantFile         string
		wantCertificates string
	}{
		"of the cluster that a pod runs in":          {v1alpha1.TargetOutput{}, inClusterServer, inClusterCA, ""},
		"of a server that the machine trusts":        {v1alpha1.TargetOutput{Server: "https://k8s.example.com:6443"}, "https://k8s.example.com:6443", "", ""},
		"of a server with certificates of its own":   {v1alpha1.TargetOutput{Server: "https://10.0.0.1", CertificateAuthority: certificate + "\n"}, "https://10.0.0.1", "", certificate + "\n"},
		"of a server with more than one certificate": {v1alpha1.TargetOutput{Server: "https://10.0.0.1", CertificateAuthority: certificate + certificate}, "https://10.0.0.1", "", certificate + certificate},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := kubeconfig(&tc.output, someValues())
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := clientcmd.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			context := loaded.Contexts[loaded.CurrentContext]
			server, user := loaded.Clusters[context.Cluster], loaded.AuthInfos[context.AuthInfo]
			if context.Namespace != "demo" || user.Token != someValues().AccessToken.Reveal() {
				t.Errorf("namespace %q, or another token", context.Namespace)
			}
			if server.Server != tc.wantServer || server.CertificateAuthority != tc.wantFile || string(server.CertificateAuthorityData) != tc.wantCertificates {
				t.Errorf("cluster %+v", server)
			}
			if tc.wantFile != "" { // which is there in a pod only
				return
			}
			config, err := clientcmd.RESTConfigFromKubeConfig(file)
			if err != nil || config.BearerToken != someValues().AccessToken.Reveal() {
				t.Errorf("a client does not take it: %v", err)
			}
		})
	}
}

// awkward are client_ids of the wazo dialect, which are free text.
var awkward = map[string]struct {
	value      string
	wantPlain  bool
	wantAbsent bool
}{
	"letters and digits":   {value: "Desk-Phone_7.example.com:80/x@y+z=,%~", wantPlain: true},
	"spaces":               {value: "desk phone"},
	"what a shell expands": {value: "$HOME `id` $(id) * ? [a] {a,b} ~ !! & ; | < > # \" end"},
	"letters of all kinds": {value: "Bürotelefon №1"},
	"a single quote":       {value: "alice's phone", wantAbsent: true},
	"a backslash":          {value: `a\b`, wantAbsent: true},
	"a line break":         {value: "a\nEVIL=1", wantAbsent: true},
	"a tab":                {value: "a\tb", wantAbsent: true},
}

// TestAShellReadsTheEnvironment reads the file with a real shell.
func TestAShellReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range awkward {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := someValues()
			values.ClientID = tc.value
			file := env("API_", values)
			path := filepath.Join(t.TempDir(), "app.env")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), shell, "-euc", `set -a; . "$0"; env -0`, path)
			command.Env = []string{"PATH=" + os.Getenv("PATH")}
			printed, err := command.Output()
			if err != nil {
				t.Fatalf("sh: %v", err)
			}
			got := map[string]string{}
			for line := range strings.SplitSeq(strings.Trim(string(printed), "\x00"), "\x00") {
				if variable, value, _ := strings.Cut(line, "="); strings.HasPrefix(variable, "API_") || variable == "EVIL" {
					got[variable] = value
				}
			}
			want := map[string]string{
				"API_ACCESS_TOKEN": values.AccessToken.Reveal(), "API_EXPIRES_AT": "2026-01-02T03:04:05Z", "API_TOKEN_TYPE": "Bearer",
				"API_CLIENT_ID": tc.value, "API_ISSUER": values.Issuer, "API_TOKEN_URL": values.TokenURL, "API_REFRESH_TOKEN": values.RefreshToken.Reveal(),
			}
			if tc.wantAbsent {
				delete(want, "API_CLIENT_ID")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
			if plain := strings.Contains(string(file), "API_CLIENT_ID="+tc.value+"\n"); plain != tc.wantPlain {
				t.Errorf("without quotes: %t, want %t", plain, tc.wantPlain)
			}
		})
	}
}

func TestTheEnvironmentHasNoEmptyVariables(t *testing.T) {
	t.Parallel()
	values := someValues()
	values.RefreshToken = emptyToken
	if file := string(env("", values)); strings.Contains(file, "REFRESH_TOKEN") || !strings.HasPrefix(file, "ACCESS_TOKEN=ey") {
		t.Errorf("the file is\n%s", file)
	}
}

func TestADockerConfigLogsIn(t *testing.T) {
	t.Parallel()
	values := someValues()
	values.Username, values.AccessToken = `al"ice <é>`, sensitive.New("token:with:colons")
	file, err := dockerConfig("https://registry.example.com/v2/", values)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]map[string]string
	if err := json.Unmarshal(file, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]map[string]string{"auths": {"https://registry.example.com/v2/": {
		"username": values.Username, "password": "token:with:colons",
		"auth": base64.StdEncoding.EncodeToString([]byte(values.Username + ":token:with:colons")),
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
