package rendering

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/golden"
)

// everything is a target with every key that a target can ask for.
func everything() *v1alpha1.GrantTarget {
	return &v1alpha1.GrantTarget{
		Type: v1alpha1.TargetTypeBasicAuth,
		Keys: &v1alpha1.TargetKeys{AccessToken: "access"},
		Outputs: []v1alpha1.TargetOutput{
			{Key: "app.env", Format: v1alpha1.OutputFormatEnv, Prefix: "API_"},
			{Key: "kubeconfig", Format: v1alpha1.OutputFormatKubeconfig},
			{Key: "config.json", Format: v1alpha1.OutputFormatDockerConfig, Server: "registry.example.com"},
		},
		Template: &v1alpha1.TargetTemplate{
			Metadata: &v1alpha1.TargetMetadata{
				Labels:      map[string]v1alpha1.LabelValue{"team": "orders", "empty": ""},
				Annotations: map[string]v1alpha1.AnnotationValue{"example.com/note": "mounted by orders"},
			},
			Data: map[string]v1alpha1.TemplateText{"header": "Authorization: Bearer {{ .accessToken }}\n"},
		},
	}
}

// TestTheWholeSecretIsFinal keeps every byte: programs read them, and other bytes write every Secret of
// a cluster anew.
func TestTheWholeSecretIsFinal(t *testing.T) {
	t.Parallel()
	content := Render(everything(), someValues(), Held{})
	if len(content.Problems) > 0 {
		t.Fatalf("problems: %v", content.Problems)
	}
	var all bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(content.Data)) {
		fmt.Fprintf(&all, "==> %s\n%s\n", key, content.Data[key])
	}
	fmt.Fprintf(&all, "==> metadata\n%v\n%v", content.Labels, content.Annotations)
	golden.Compare(t, "everything", all.Bytes())
}

func TestRenderGivesTheSameAgain(t *testing.T) {
	t.Parallel()
	first := Render(everything(), someValues(), Held{})
	for range 20 {
		if diff := cmp.Diff(first, Render(everything(), someValues(), Held{})); diff != "" {
			t.Fatalf("the Secret (-first +again):\n%s", diff)
		}
	}
}

func TestWhatIsNotThereIsNoKey(t *testing.T) {
	t.Parallel()
	values := someValues()
	values.RefreshToken, values.CABundle = emptyToken, nil
	content := Render(&v1alpha1.GrantTarget{}, values, Held{})
	want := []string{"client_id", "expires_at", "issuer", "token", "token_type", "token_url"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(content.Data))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// TestAKeyThatCannotBeMade keeps its bytes and holds nothing else up.
func TestAKeyThatCannotBeMade(t *testing.T) {
	t.Parallel()
	data := func(key, text string) func(*v1alpha1.GrantTarget) {
		return func(target *v1alpha1.GrantTarget) { target.Template.Data[key] = v1alpha1.TemplateText(text) }
	}
	cases := map[string]struct {
		change     func(*v1alpha1.GrantTarget)
		held       map[string][]byte
		key        string
		want       string
		wantAbsent bool
		reason     string
		message    string
	}{
		"a template that is broken keeps what the Secret holds": {
			change: data("header", "{{ .nothing }}"), held: map[string][]byte{"header": []byte("before")}, key: "header", want: "before",
			reason: v1alpha1.ReasonTemplateError, message: `spec.target.template.data["header"]: line 1, column 4: there is no value ".nothing"`,
		},
		"a template that is broken from the beginning makes no key": {
			change: data("header", "{{ index .scopes 9 }}"), key: "header", wantAbsent: true,
			reason: v1alpha1.ReasonTemplateError, message: `spec.target.template.data["header"]: line 1, column 4: the list has 2 entries, and none at 9`,
		},
		"a template does not replace a plain key": {
			change: data("issuer", "other"), held: map[string][]byte{"issuer": []byte("before")}, key: "issuer", want: someValues().Issuer,
			reason: v1alpha1.ReasonInvalidSpec, message: `spec.target.template.data["issuer"]: the key "issuer" is that of spec.target.keys.issuer`,
		},
		"a broken template does not replace a plain key either": {
			change: data("issuer", "{{"), held: map[string][]byte{"issuer": []byte("before")}, key: "issuer", want: someValues().Issuer,
			reason: v1alpha1.ReasonTemplateError, message: `spec.target.template.data["issuer"]: line 1: unclosed action`,
		},
		"an output does not replace what the type asks for": {
			change: func(target *v1alpha1.GrantTarget) { target.Outputs[0].Key = "username" }, key: "username", want: "alice",
			reason: v1alpha1.ReasonInvalidSpec, message: `spec.target.outputs["username"]: the key "username" is that of spec.target.type`,
		},
		"a template does not replace an output": {
			change: data("kubeconfig", "x"), key: "header", want: "Authorization: Bearer " + someValues().AccessToken.Reveal() + "\n",
			reason: v1alpha1.ReasonInvalidSpec, message: `spec.target.template.data["kubeconfig"]: the key "kubeconfig" is that of spec.target.outputs["kubeconfig"]`,
		},
		"a certificate authority that is none": {
			change: func(target *v1alpha1.GrantTarget) {
				target.Outputs[1].Server, target.Outputs[1].CertificateAuthority = "https://k8s.example.com", "no PEM"
			}, key: "kubeconfig", wantAbsent: true,
			reason: v1alpha1.ReasonInvalidSpec, message: `spec.target.outputs["kubeconfig"]: certificateAuthority is not PEM`,
		},
		"a certificate authority that is a key": {
			change: func(target *v1alpha1.GrantTarget) {
				target.Outputs[1].Server, target.Outputs[1].CertificateAuthority = "https://k8s.example.com", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
			}, key: "kubeconfig", wantAbsent: true,
			reason: v1alpha1.ReasonInvalidSpec, message: `spec.target.outputs["kubeconfig"]: certificateAuthority holds a block "PRIVATE KEY" that is not a certificate`,
		},
		"a format of a later version": {
			change: func(target *v1alpha1.GrantTarget) { target.Outputs[0].Format = "Later" }, key: "app.env", wantAbsent: true,
			reason: v1alpha1.ReasonInvalidSpec, message: `spec.target.outputs["app.env"]: format "Later" is not known to this version of the operator`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := everything()
			tc.change(target)
			content := Render(target, someValues(), Held{Data: tc.held})
			if diff := cmp.Diff(Problem{tc.reason, tc.message}, content.Problems[0]); diff != "" {
				t.Errorf("the problem (-want +got):\n%s", diff)
			}
			got, made := content.Data[tc.key]
			if made == tc.wantAbsent || string(got) != tc.want {
				t.Errorf("key %q is there: %t, and holds %q, want %q", tc.key, made, got, tc.want)
			}
			if string(content.Data["access"]) != someValues().AccessToken.Reveal() {
				t.Error("the access token is not there")
			}
		})
	}
}

// A template can fail at a place, or with a number, that its writer lets depend on the token.
func TestHowATemplateFailsDoesNotTellOfTheToken(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ template, want string }{
		"at a place that the token chooses": {
			`{{if hasPrefix "a" .accessToken}}{{index .scopes 9}}{{else}}{{index .audiences 8}}{{end}}`,
			"line 1, column 63: the list has 1 entries, and none at 8",
		},
		"with a number that the token chooses": {
			`{{index .scopes (len (.accessToken | replace "a" "12345"))}}`,
			"line 1, column 3: the list has 2 entries, and none at 4",
		},
		"at a place that the refresh token chooses": {
			`{{if hasPrefix "a" .refreshToken}}{{index .scopes 9}}{{else}}{{index .audiences 8}}{{end}}`,
			"line 1, column 64: the list has 1 entries, and none at 8",
		},
		"only with some tokens": {
			`{{if hasPrefix "x" .accessToken}}{{else}}{{index .scopes 9}}{{end}}`,
			"it cannot be carried out with this token",
		},
	}
	for name, tc := range cases {
		for _, token := range []string{"aaaa", "baba", "cccc"} {
			t.Run(name+", "+token, func(t *testing.T) {
				t.Parallel()
				values := someValues()
				values.AccessToken, values.RefreshToken = sensitive.New(token), sensitive.New(token)
				target := &v1alpha1.GrantTarget{Template: &v1alpha1.TargetTemplate{Data: map[string]v1alpha1.TemplateText{"a": v1alpha1.TemplateText(tc.template)}}}
				want := []Problem{{v1alpha1.ReasonTemplateError, `spec.target.template.data["a"]: ` + tc.want}}
				if diff := cmp.Diff(want, Render(target, values, Held{}).Problems); diff != "" {
					t.Errorf("problems (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestASecretIsNoLargerThanKubernetesTakes(t *testing.T) {
	t.Parallel()
	values := someValues()
	values.CABundle = bytes.Repeat([]byte("c"), MaxSecretBytes-40_000)
	target := &v1alpha1.GrantTarget{Template: &v1alpha1.TargetTemplate{Data: map[string]v1alpha1.TemplateText{
		"a": v1alpha1.TemplateText(strings.Repeat("x", 20_000)), "b": v1alpha1.TemplateText("{{indent 30000 .clientID}}"), "c": "fits",
	}}}
	content := Render(target, values, Held{})
	want := []Problem{{v1alpha1.ReasonInvalidSpec, `spec.target.template.data["b"]: the Secret would be larger than 1 MiB`}}
	if diff := cmp.Diff(want, content.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(content.Data["a"]) != 20_000 || content.Data["b"] != nil || string(content.Data["c"]) != "fits" {
		t.Errorf("the keys that fit are not there: %d, %d, %q", len(content.Data["a"]), len(content.Data["b"]), content.Data["c"])
	}
}

// BenchmarkRender is what every look at a Secret costs, parsing included.
func BenchmarkRender(b *testing.B) {
	cases := map[string]*v1alpha1.GrantTarget{"plain keys": {}, "outputs and a template": everything()}
	for name, target := range cases {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Render(target, someValues(), Held{})
			}
		})
	}
}
