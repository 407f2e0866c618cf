package operator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// allOutputs asks for every format, and for a template.
func allOutputs(g *v1alpha1.RefreshTokenGrant) {
	g.Spec.Target.Outputs = []v1alpha1.TargetOutput{
		{Key: "app.env", Format: v1alpha1.OutputFormatEnv, Prefix: "API_"},
		{Key: "kubeconfig", Format: v1alpha1.OutputFormatKubeconfig, Server: "https://k8s.example.com"},
		{Key: ".dockerconfigjson", Format: v1alpha1.OutputFormatDockerConfig, Server: "registry.example.com"},
	}
	g.Spec.Target.Template = &v1alpha1.TargetTemplate{
		Metadata: &v1alpha1.TargetMetadata{
			Labels:      map[string]v1alpha1.LabelValue{"team": "orders", "tier": ""},
			Annotations: map[string]v1alpha1.AnnotationValue{"example.com/note": "mounted"},
		},
		Data: map[string]v1alpha1.TemplateText{"header": "Bearer {{ .accessToken }}"},
	}
}

func setTemplate(key, text string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.Target.Template.Data[key] = v1alpha1.TemplateText(text)
	}
}

// holds accepts a Secret in which a key is a text around the token.
func holds(key, before, after string) func(*corev1.Secret) error {
	return func(now *corev1.Secret) error {
		if string(now.Data[key]) != before+string(now.Data[v1alpha1.KeyAccessToken])+after {
			return fmt.Errorf("Secret %q: key %s is not %s<token>%s", now.Name, key, before, after)
		}
		return nil
	}
}

func TestASecretHoldsWhatProgramsRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []v1alpha1.TargetType{v1alpha1.TargetTypeOpaque, v1alpha1.TargetTypeBasicAuth, v1alpha1.TargetTypeDockerConfigJSON} {
		t.Run("of type "+string(kind), func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, secret := s.issued(t, allOutputs, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Target.Type = kind })
			token := string(secret.Data[v1alpha1.KeyAccessToken])
			if string(secret.Type) != string(kind) {
				t.Errorf("the Secret is of type %q", secret.Type)
			}
			if err := holds("header", "Bearer ", "")(secret); err != nil {
				t.Error(err)
			}
			if !strings.HasPrefix(string(secret.Data["app.env"]), "API_ACCESS_TOKEN="+token+"\n") {
				t.Error("app.env does not begin with the token")
			}
			config, err := clientcmd.RESTConfigFromKubeConfig(secret.Data["kubeconfig"])
			if err != nil || config.BearerToken != token || config.Host != "https://k8s.example.com" {
				t.Errorf("the kubeconfig does not log in with the token: %v", err)
			}
			var docker map[string]map[string]map[string]string
			if err := json.Unmarshal(secret.Data[".dockerconfigjson"], &docker); err != nil {
				t.Error(err)
			}
			if login := docker["auths"]["registry.example.com"]; login["username"] != g.Status.Username || login["password"] != token {
				t.Errorf("the registry is logged in to as %q, or without the token", login["username"])
			}
			if kind == v1alpha1.TargetTypeBasicAuth &&
				(string(secret.Data[v1alpha1.KeyUsername]) != g.Status.Username || string(secret.Data[v1alpha1.KeyPassword]) != token) {
				t.Errorf("username is %q, or password is not the token", secret.Data[v1alpha1.KeyUsername])
			}
			if value, there := secret.Labels["tier"]; secret.Labels["team"] != "orders" || !there || value != "" || secret.Annotations["example.com/note"] != "mounted" {
				t.Errorf("labels %v, annotations %v", secret.Labels, secret.Annotations)
			}
		})
	}
}

func TestAChangedTemplateWritesTheSameTokenAnew(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, before := s.issued(t, format, allOutputs)
			edit(t, before, func(secret *corev1.Secret) { secret.Labels["example.com/mine"] = "stays" })
			edit(t, g, func(g *v1alpha1.RefreshTokenGrant) {
				setTemplate("header", "Authorization: Bearer {{ .accessToken }}")(g)
				delete(g.Spec.Target.Template.Metadata.Labels, "team")
				g.Spec.Target.Template.Metadata.Annotations = nil
				g.Spec.Target.Outputs = g.Spec.Target.Outputs[:1]
			})
			awaitReady(t, g)
			after := secretOf(t, g)
			if err := holds("header", "Authorization: Bearer ", "")(after); err != nil {
				t.Error(err)
			}
			if string(after.Data[v1alpha1.KeyAccessToken]) != string(before.Data[v1alpha1.KeyAccessToken]) || g.Status.Revision != 1 {
				t.Errorf("another token, of revision %d", g.Status.Revision)
			}
			if _, there := after.Data["kubeconfig"]; there {
				t.Error("an output that is not asked for any more is still there")
			}
			want := map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialOutput, "tier": "", "example.com/mine": "stays"}
			if diff := cmp.Diff(want, after.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if _, there := after.Annotations["example.com/note"]; there {
				t.Errorf("annotations %v", after.Annotations)
			}
		})
	}
}

// TestABrokenTemplateHoldsUpNoToken: the key of the template stays as it is, what does not hang on it
// is renewed.
func TestABrokenTemplateHoldsUpNoToken(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t, allOutputs, lifetime("20s", "10s"))
	edit(t, g, setTemplate("header", "Bearer {{ .nothing }}"))
	message := awaitRefused(t, g, v1alpha1.ReasonTemplateError)
	if want := `spec.target.template.data["header"]: line 1, column 11: there is no value ".nothing"`; message != want {
		t.Errorf("message %q, want %q", message, want)
	}
	await(t, g, v1alpha1.ConditionIssuing, metav1.ConditionTrue, v1alpha1.ReasonScheduled)
	header := string(before.Data["header"])
	if header == "" {
		t.Fatal("there was no header")
	}
	renewed := awaitSecret(t, s.namespace, before.Name, hasRevision(number(before.Annotations[v1alpha1.AnnotationRevision])+1))
	if string(renewed.Data[v1alpha1.KeyAccessToken]) == string(before.Data[v1alpha1.KeyAccessToken]) {
		t.Error("the token was not renewed")
	}
	if string(renewed.Data["header"]) != header {
		t.Error("the key of the broken template was changed")
	}
	awaitRefused(t, g, v1alpha1.ReasonTemplateError)
	edit(t, g, setTemplate("header", "Token {{ .accessToken }}"))
	awaitSecret(t, s.namespace, before.Name, holds("header", "Token ", ""))
	awaitReady(t, g)
}

func TestASecretIsNotMadeInPart(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g := s.grant(format, allOutputs, setTemplate("header", "{{ index .scopes 9 }}"))
			s.apply(t, s.user(), s.client(), g)
			awaitRefused(t, g, v1alpha1.ReasonTemplateError)
			await(t, g, v1alpha1.ConditionIssuing, metav1.ConditionFalse, v1alpha1.ReasonTemplateError)
			if g.Status.Revision != 0 {
				t.Errorf("a token of revision %d was made", g.Status.Revision)
			}
			sessions := &v1alpha1.AuthSessionList{}
			if err := admin.List(t.Context(), sessions, client.InNamespace(s.namespace)); err != nil {
				t.Fatal(err)
			}
			for i := range sessions.Items {
				if sessions.Items[i].Spec.GrantID == g.Spec.ID {
					t.Error("a session was made for a token that nobody gets")
				}
			}
			edit(t, g, setTemplate("header", "Bearer {{ .accessToken }}"))
			awaitReady(t, g)
			if err := holds("header", "Bearer ", "")(secretOf(t, g)); err != nil {
				t.Error(err)
			}
		})
	}
}
