package rendering

import (
	"fmt"
	"maps"
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// MaxSecretBytes is how long all data of a Secret may be, which is Kubernetes' own bound.
const MaxSecretBytes = 1 << 20

// Held is what the Secret holds already; zero where there is none.
type Held struct {
	Data        map[string][]byte
	Annotations map[string]string
}

// Content is what the Secret shall hold, and what of that could not be made.
type Content struct {
	Data map[string][]byte
	// Labels and Annotations are those of the template, and the annotation that lists them.
	Labels, Annotations map[string]string
	// GoneLabels and GoneAnnotations are the keys that an earlier template set and this one does not.
	GoneLabels, GoneAnnotations []string
	// Problems is empty where everything that is asked for is there.
	Problems []Problem
}

// Problem is a data key that could not be made. It keeps the bytes that the Secret holds, if any.
type Problem struct {
	// Reason is a reason of the condition Ready.
	Reason string
	// Message names the field and what is wrong with it. It holds no value of the token.
	Message string
}

// Render makes what the target asks for from the values of a token. The same arguments give the same
// bytes.
func Render(target *v1alpha1.GrantTarget, values *Values, held Held) Content {
	m := maker{values: values, held: held.Data, madeBy: map[string]string{}}
	m.content.Data = map[string][]byte{}
	m.keys(target)
	m.outputs(target.Outputs)
	if target.Template != nil {
		m.templates(target.Template.Data)
	}
	m.content.setMetadata(target.Template, held.Annotations[v1alpha1.AnnotationTemplateMetadata])
	return m.content
}

// maker collects the data of a Secret.
type maker struct {
	values  *Values
	held    map[string][]byte
	content Content
	// madeBy is which field a key comes from.
	madeBy map[string]string
	size   int
}

// keys adds the plain values, and those that the Secret's type asks for.
func (m *maker) keys(target *v1alpha1.GrantTarget) {
	names, values := target.EffectiveKeys(), m.values
	m.text(names.AccessToken, "spec.target.keys.accessToken", values.AccessToken.Reveal())
	m.text(names.Expiry, "spec.target.keys.expiry", values.expiry())
	m.text(names.TokenType, "spec.target.keys.tokenType", tokenType)
	m.text(names.ClientID, "spec.target.keys.clientID", values.ClientID)
	m.text(names.Issuer, "spec.target.keys.issuer", values.Issuer)
	m.text(names.TokenURL, "spec.target.keys.tokenURL", values.TokenURL)
	if len(values.CABundle) > 0 {
		m.add(names.CABundle, "spec.target.keys.caBundle", values.CABundle)
	}
	if !values.RefreshToken.IsZero() {
		m.text(names.RefreshToken, "spec.target.keys.refreshToken", values.RefreshToken.Reveal())
	}
	if target.Type == v1alpha1.TargetTypeBasicAuth {
		m.text(v1alpha1.KeyUsername, "spec.target.type", values.Username)
		m.text(v1alpha1.KeyPassword, "spec.target.type", values.AccessToken.Reveal())
	}
}

func (m *maker) outputs(outputs []v1alpha1.TargetOutput) {
	for i := range outputs {
		output := &outputs[i]
		field := fmt.Sprintf("spec.target.outputs[%q]", output.Key)
		file, err := m.file(output)
		if err != nil {
			m.fail(output.Key, field, v1alpha1.ReasonInvalidSpec, err)
			continue
		}
		m.add(output.Key, field, file)
	}
}

func (m *maker) file(output *v1alpha1.TargetOutput) ([]byte, error) {
	switch output.Format {
	case v1alpha1.OutputFormatEnv:
		return env(output.Prefix, m.values), nil
	case v1alpha1.OutputFormatKubeconfig:
		return kubeconfig(output, m.values)
	case v1alpha1.OutputFormatDockerConfig:
		return dockerConfig(output.Server, m.values)
	}
	return nil, refusef("format %q is not known to this version of the operator", output.Format)
}

// errWithThisToken is all that is told of a template which fails only with the token as it is: where it
// failed, and with what number, may be what its writer made of the token.
const errWithThisToken = refusal("it cannot be carried out with this token")

// templates adds what the templates make. What is told of a failure is what they fail with where other
// texts stand for the tokens, or a template could spell a token out in the places at which it fails.
func (m *maker) templates(templates map[string]v1alpha1.TemplateText) {
	texts, failed := carryOut(templates, m.values)
	var told map[string]error
	if len(failed) > 0 {
		_, told = carryOut(templates, m.values.masked())
	}
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		field := fmt.Sprintf("spec.target.template.data[%q]", key)
		switch {
		case failed[key] == nil:
			m.text(key, field, texts[key])
		case told[key] == nil:
			m.fail(key, field, v1alpha1.ReasonTemplateError, errWithThisToken)
		default:
			m.fail(key, field, v1alpha1.ReasonTemplateError, told[key])
		}
	}
}

// carryOut carries the templates out, in the order of their keys, from one budget.
func carryOut(templates map[string]v1alpha1.TemplateText, values *Values) (texts map[string]string, failed map[string]error) {
	texts, failed = map[string]string{}, map[string]error{}
	budget, named := newBudget(), values.forTemplates()
	for _, key := range slices.Sorted(maps.Keys(templates)) {
		text, err := budget.execute(string(templates[key]), named)
		if err != nil {
			failed[key] = err
			continue
		}
		texts[key] = text
	}
	return texts, failed
}

func (m *maker) text(key, field, value string) { m.add(key, field, []byte(value)) }

// add puts a value under a key that nothing else has taken, while there is room.
func (m *maker) add(key, field string, value []byte) {
	other, taken := m.madeBy[key]
	switch {
	case taken:
		m.problem(field, v1alpha1.ReasonInvalidSpec, refusef("the key %q is that of %s", key, other))
	case m.size+len(value) > MaxSecretBytes:
		m.problem(field, v1alpha1.ReasonInvalidSpec, refusal("the Secret would be larger than 1 MiB"))
	default:
		m.madeBy[key], m.content.Data[key] = field, value
		m.size += len(value)
	}
}

// fail leaves a key as the Secret holds it.
func (m *maker) fail(key, field, reason string, err error) {
	m.problem(field, reason, err)
	if value, ok := m.held[key]; ok {
		m.add(key, field, value)
	}
}

func (m *maker) problem(field, reason string, err error) {
	m.content.Problems = append(m.content.Problems, Problem{Reason: reason, Message: field + ": " + err.Error()})
}
