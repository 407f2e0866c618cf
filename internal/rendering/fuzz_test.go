package rendering

import (
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// FuzzRender holds what must be so whatever a template is: it never panics, spends no more than there
// is, makes no more than it may, the same again, and tells no value of the token.
func FuzzRender(f *testing.F) {
	for _, bomb := range bombs {
		if len(bomb) < MaxTemplateBytes {
			f.Add(bomb)
		}
	}
	for _, seed := range []string{
		"Bearer {{ .accessToken }}", "{{range $i, $s := .scopes}}{{if $i}},{{end}}{{$s}}{{end}}", "{{- /* x */ -}}",
		"{{with $x := index .audiences 0}}{{$x | quote}}{{else with .username}}{{.}}{{end}}", "{{printf `%q` .accessToken}}",
		"{{index .scopes (len .accessToken)}}", "{{eq .accessToken 1}}", "{{printf `%d` .accessToken}}", "{{.accessToken.x}}",
	} {
		f.Add(seed)
	}
	target := func(text string) *v1alpha1.GrantTarget {
		return &v1alpha1.GrantTarget{Template: &v1alpha1.TargetTemplate{Data: map[string]v1alpha1.TemplateText{"text": v1alpha1.TemplateText(text)}}}
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newBudget()
		got, err := b.execute(text, someValues().forTemplates())
		if err != nil {
			if got != "" {
				t.Errorf("an error and a text of %d bytes", len(got))
			}
			if len(err.Error()) > 300 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
			if strings.Contains(err.Error(), canary) && !strings.Contains(text, canary) {
				t.Errorf("the error tells a value: %s", err)
			}
		}
		if len(got) > MaxOutputBytes {
			t.Errorf("the text is %d bytes long", len(got))
		}
		if err == nil && (b.steps < 0 || b.work < 0 || b.source < 0) {
			t.Errorf("it was carried out on credit: %+v", *b)
		}
		content := Render(target(text), someValues(), Held{})
		if again, made := content.Data["text"]; made != (err == nil) || string(again) != got {
			t.Errorf("Render makes another text than before: %t, %d bytes of %d", made, len(again), len(got))
		}
	})
}
