package rendering

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTemplatesMakeTexts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ template, want string }{
		"a text without actions stands as it is":           {"plain\ntext", "plain\ntext"},
		"an empty template is an empty text":               {"", ""},
		"each value has a name":                            {"{{.tokenType}} {{.expiry}} {{.clientID}} {{.issuer}} {{.tokenURL}} {{.username}} {{.subject}}", "Bearer 2026-01-02T03:04:05Z billing https://auth.example.com/t/demo https://auth.example.com/t/demo/token alice 6f1c0c3e-0000-4000-8000-000000000001"},
		"the tokens are values":                            {"{{ .accessToken | trimPrefix \"eyJhbGciOiJFUzI1NiJ9.\" }} {{ .refreshToken }}", "eyJzdWIiOiJjYW5hcnkifQ.access-canary gkr_refresh-canary"},
		"spaces are trimmed where a dash asks for it":      {"a {{- \"b\" -}} c", "abc"},
		"comments are nothing":                             {"{{/* why */}}x", "x"},
		"a loop runs over the scopes":                      {"{{range .scopes}}<{{.}}>{{end}}", "<orders:read><orders:write>"},
		"a loop knows where it is, and leaves early":       {"{{range $i, $s := .scopes}}{{if $i}}{{break}}{{end}}{{$i}}={{$s}}{{end}}", "0=orders:read"},
		"a loop reaches all values":                        {"{{range $.audiences}}{{$.clientID}}@{{.}}{{end}}", "billing@https://orders.example.com"},
		"with sets the dot":                                {"{{with .username}}{{.}}{{else}}nobody{{end}}", "alice"},
		"a variable changes":                               {"{{$s := \"\"}}{{range .scopes}}{{$s = printf \"%s+%s\" $s .}}{{end}}{{$s}}", "+orders:read+orders:write"},
		"conditions short-circuit":                         {"{{if and .username (not (eq .username \"bob\")) (or false true)}}yes{{end}}", "yes"},
		"b64enc encodes as HTTP Basic does":                {"{{ printf \"%s:%s\" .username \"x\" | b64enc }}", "YWxpY2U6eA=="},
		"toJson makes a string, a list and a whole object": {"{{ .username | toJson }} {{ toJson .scopes }} {{ contains \"\\\"clientID\\\":\\\"billing\\\"\" (toJson .) }}", "\"alice\" [\"orders:read\",\"orders:write\"] true"},
		"quote makes a quoted text":                        {"{{ quote \"a\\\"b\" }}", `"a\"b"`},
		"upper, lower and trim change a text":              {"{{ upper \"a\" }}{{ lower \"B\" }}{{ trim \" c \" }}", "Abc"},
		"trimPrefix and trimSuffix cut":                    {"{{ .issuer | trimPrefix \"https://\" | trimSuffix \"/t/demo\" }}", "auth.example.com"},
		"replace changes every place":                      {"{{ .issuer | replace \"/\" \"_\" }}", "https:__auth.example.com_t_demo"},
		"join makes one text of a list":                    {"{{ join \" \" .scopes }} {{ .audiences | join \",\" }}", "orders:read orders:write https://orders.example.com"},
		"default stands in for what is empty":              {"{{ default \"a\" \"\" }}{{ \"b\" | default \"a\" }}", "ab"},
		"index and len count a list":                       {"{{ index .scopes 1 }} {{ len .scopes }}", "orders:write 2"},
		"has looks into a list, contains into a text":      {"{{ has \"orders:read\" .scopes }} {{ contains \"auth\" .issuer }} {{ hasPrefix \"http:\" .issuer }} {{ hasSuffix \"demo\" .issuer }}", "true true false true"},
		"indent and nindent fit a text into a file":        {"{{ indent 2 \"a\\nb\" }}{{ nindent 4 \"c\" }}", "  a\n  b\n    c"},
		"urlquery escapes what stands in a query":          {"{{ urlquery \"a b&c\" }}", "a+b%26c"},
		"ne is the contrary of eq":                         {"{{ ne 1 2 }} {{ eq true true }} {{ eq \"a\" \"b\" }}", "true true false"},
		"printf takes numbers, truths and a percent sign":  {"{{ printf \"%d %v %v %q 100%%\" 3 true .scopes \"q\" }}", "3 true [orders:read orders:write] \"q\" 100%"},
		"a CA bundle can be part of a file":                {"ca: |{{ .caBundle | trim | nindent 2 }}", "ca: |\n  -----BEGIN CERTIFICATE-----\n  MIIB\n  -----END CERTIFICATE-----"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newBudget().execute(tc.template, someValues().forTemplates())
			if err != nil {
				t.Fatalf("execute: %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemplatesThatAreMistakes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ template, want string }{
		"an action that does not end":          {"a\n{{ .username", "line 2: unclosed action"},
		"a block that does not end":            {"{{if .username}}x", "line 1: unexpected EOF"},
		"a name that is not known":             {"x\n  {{ .password }}", `line 2, column 6: there is no value ".password"`},
		"a name by way of all values":          {"{{ $.password }}", `line 1, column 5: there is no value ".password"`},
		"a name below a text":                  {"{{ .username.first }}", "line 1, column 13: a text or a list has no field"},
		"a name below a variable":              {"{{ $u := .username }}{{ $u.first }}", "line 1, column 27: a text or a list has no field"},
		"a name below what a function gives":   {"{{ (index .scopes 0).x }}", "line 1, column 21: this is not known here"},
		"a value of the token inside a loop":   {"{{range .scopes}}{{ .username }}{{end}}", "line 1, column 21: the value does not fit here; inside range and with write $.name"},
		"a function that is not known":         {"{{ env \"HOME\" }}", `line 1: function "env" not defined`},
		"a function that leads elsewhere":      {"{{ call .username }}", `line 1, column 4: function "call" is not known here`},
		"a template inside":                    {"{{define \"x\"}}{{end}}y", "define is not known here: a template is one text"},
		"a template inside, and nothing else":  {"{{define \"x\"}}y{{end}}", "define is not known here: a template is one text"},
		"a template that calls itself":         {"{{template \"template\" .}}", "line 1, column 12: this is not known here"},
		"a block":                              {"{{block \"x\" .}}y{{end}}", "define is not known here: a template is one text"},
		"nothing":                              {"{{ printf \"%s\" nil }}", "line 1, column 16: this is not known here"},
		"an entry that the list does not have": {"{{ index .scopes 7 }}", "line 1, column 4: the list has 2 entries, and none at 7"},
		"an entry before the first":            {"{{ index .scopes -1 }}", "line 1, column 4: the list has 2 entries, and none at -1"},
		"a list where a text is asked for":     {"{{ upper .scopes }}", "line 1, column 10: the value does not fit here; inside range and with write $.name"},
		"too few arguments":                    {"{{ replace \"a\" }}", "line 1, column 4: the value does not fit here; inside range and with write $.name"},
		"values that cannot be compared":       {"{{ eq .username 1 }}", "line 1, column 4: only two texts, two numbers or two truths can be compared"},
		"a verb with a width":                  {"{{ printf \"%9s\" .username }}", "line 1, column 4: printf takes %s, %d, %q, %v and %%, without width or precision"},
		"a verb that is missing":               {"{{ printf \"%\" }}", "line 1, column 4: printf takes %s, %d, %q, %v and %%, without width or precision"},
		"a verb without a value":               {"{{ printf \"%s\" }}", "line 1, column 4: printf has 1 verbs and 0 values"},
		"a verb for another value":             {"{{ printf \"%d\" .accessToken }}", "line 1, column 4: printf has a value that %d does not take"},
		"a loop over a number":                 {"{{range 3}}x{{end}}", "line 1, column 9: range runs over a list of the token's, .scopes or .audiences"},
		"a loop over a variable":               {"{{$n := 3}}{{range $n}}x{{end}}", "line 1, column 20: range runs over a list of the token's, .scopes or .audiences"},
		"a loop over a text":                   {"{{range .username}}x{{end}}", "line 1, column 9: range runs over a list of the token's, .scopes or .audiences"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newBudget().execute(tc.template, someValues().forTemplates())
			if err == nil {
				t.Fatalf("execute took %q", tc.template)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("the error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARefreshTokenThatIsNotDeliveredIsNoValue(t *testing.T) {
	t.Parallel()
	values := someValues()
	values.RefreshToken = emptyToken
	_, err := newBudget().execute("{{ .refreshToken }}", values.forTemplates())
	if err == nil || !strings.Contains(err.Error(), `there is no value ".refreshToken"`) {
		t.Errorf("execute = %v", err)
	}
}
