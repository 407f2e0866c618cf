package rendering

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What a template may take, whatever is in it: time, and memory over all of that time.
const (
	defuseWithin = 100 * time.Millisecond
	defuseBytes  = 16 << 20
)

// doubling is a template that makes a text twice as long, over and over.
func doubling(action string) string {
	return `{{$x := "0123456789abcdef"}}` + strings.Repeat(action, 1000) + "{{$x}}"
}

// bombs are templates that would take the operator's time or memory, were they carried out.
var bombs = map[string]string{
	"templates that call each other twice":   exponentialDefines(),
	"a template that calls itself":           `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`,
	"a width of a thousand million":          `{{printf "%1000000000d" 1}}`,
	"a width from a value":                   `{{printf "%*d" 1000000000 1}}`,
	"a precision of a thousand million":      `{{printf "%.1000000000f" 1.0}}`,
	"a loop over a thousand million":         `{{range 1000000000}}{{end}}`,
	"a loop over a number in a variable":     `{{$n := 1000000000}}{{range $n}}{{end}}`,
	"a loop over a number in the dot":        `{{with 1000000000}}{{range .}}{{end}}{{end}}`,
	"loops in loops":                         strings.Repeat("{{range $.scopes}}", 6) + "x" + strings.Repeat("{{end}}", 6),
	"loops in loops that write nothing":      strings.Repeat("{{range $.scopes}}", 200) + strings.Repeat("{{end}}", 200),
	"loops beside loops":                     strings.Repeat("{{range .scopes}}{{range $.scopes}}{{end}}{{end}}", 500),
	"a text that doubles by printf":          doubling(`{{$x = printf "%s%s" $x $x}}`),
	"a text that doubles by replace":         doubling(`{{$x = replace "" $x $x}}`),
	"a text that grows by quote":             doubling(`{{$x = quote $x}}`),
	"a text that grows by toJson":            doubling(`{{$x = toJson $x}}`),
	"a text that grows by b64enc":            doubling(`{{$x = b64enc $x}}`),
	"a text that grows by urlquery":          `{{$x := "%"}}` + strings.Repeat(`{{$x = urlquery $x}}`, 1000),
	"a text that is indented far":            `{{indent 1000000000 "x"}}`,
	"a text that is indented by less than 0": `{{indent -1 "x"}}`,
	"a text of lines that is indented":       `{{$x := "\n"}}` + strings.Repeat(`{{$x = indent 9 $x}}`, 1000),
	"a long text that is compared often":     `{{$x := indent 60000 "x"}}{{$y := indent 60000 "x"}}{{range .scopes}}` + strings.Repeat(`{{if eq $x $y}}{{end}}`, 8) + `{{end}}`,
	"a long text that is searched often":     `{{$x := indent 60000 "x"}}{{range .scopes}}` + strings.Repeat(`{{if contains "y" $x}}{{end}}`, 8) + `{{end}}`,
	"a list that is joined often":            `{{range .scopes}}{{$x := join "," $.scopes}}{{end}}`,
	"a list that is joined by a long text":   `{{$x := indent 60000 "x"}}{{join $x .scopes}}`,
	"a list that is searched often":          `{{range .scopes}}` + strings.Repeat(`{{if has "x" $.scopes}}{{end}}`, 8) + `{{end}}`,
	"all values as JSON, often":              `{{range .scopes}}{{$x := toJson $}}{{end}}`,
	"all values printed, often":              `{{range .scopes}}{{$}}{{end}}`,
	"a long text that is written often":      `{{$x := indent 60000 "x"}}{{range .scopes}}{{$x}}{{end}}`,
	"a pipeline of a thousand":               `{{"x"` + strings.Repeat("|quote", 1000) + "}}",
	"parentheses ten thousand deep":          "{{" + strings.Repeat("(", 10_000) + strings.Repeat(")", 10_000) + "}}",
	"parentheses that are never closed":      "{{" + strings.Repeat("(", 15_000),
	"conditions that are never closed":       strings.Repeat("{{if 1}}", 4090),
	"else after else":                        "{{if 1}}" + strings.Repeat("{{else if 1}}", 2500),
	"conditions a thousand deep in a loop":   "{{range .scopes}}" + strings.Repeat("{{if 1}}", 1000) + strings.Repeat("{{end}}", 1000) + "{{end}}",
	"actions that are never closed":          strings.Repeat("{{", 8000),
	"a mebibyte of text":                     strings.Repeat("x", 1<<20),
	"a mebibyte of actions":                  strings.Repeat("{{.username}}", 1<<20/13),
	"a text that is replaced by itself":      `{{$x := indent 60000 "x"}}{{replace "" $x $x}}`,
	"a call of a value":                      `{{call .scopes}}`,
	"a method of nothing":                    `{{nil.Method}}`,
	"a method of a value":                    `{{.scopes.Method}}`,
	"an entry far behind the end":            `{{index .scopes 1000000000}}`,
	"a slice behind the end":                 `{{slice .username 1000000000}}`,
	"an html escape, which grows":            doubling(`{{$x = html $x}}`),
	"a number that does not fit":             `{{indent 99999999999999999999999999 "x"}}`,
	"a variable that is not there":           `{{$x}}`,
	"a break outside a loop":                 `{{break}}`,
}

func exponentialDefines() string {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, `{{define "t%d"}}{{template "t%d"}}{{template "t%d"}}{{end}}`, i, i+1, i+1)
	}
	return text.String() + `{{define "t60"}}x{{end}}{{template "t0"}}`
}

func TestBombsAreDefused(t *testing.T) {
	values := crowded().forTemplates()
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			fastest := time.Hour
			var before, after runtime.MemStats
			for range 5 { // the machine may be busy; the template is the same
				runtime.ReadMemStats(&before)
				start := time.Now()
				_, err := newBudget().execute(bomb, values)
				fastest = min(fastest, time.Since(start))
				runtime.ReadMemStats(&after)
				if err == nil {
					t.Fatal("it was carried out")
				}
				if len(err.Error()) > 300 {
					t.Fatalf("the error is %d bytes long", len(err.Error()))
				}
				if fastest < defuseWithin {
					break
				}
			}
			if fastest >= defuseWithin {
				t.Errorf("it took %s", fastest)
			}
			if bytes := after.TotalAlloc - before.TotalAlloc; bytes > defuseBytes {
				t.Errorf("it took %d bytes", bytes)
			}
		})
	}
}

// TestEachBoundHolds goes to every bound, and one beyond it.
func TestEachBoundHolds(t *testing.T) {
	t.Parallel()
	loop := func(body string) string { return "{{range .scopes}}" + body + "{{end}}" } // 576 turns
	nested := func(depth int) string {
		return "{{if " + strings.Repeat("(", depth) + "1" + strings.Repeat(")", depth) + "}}{{end}}"
	}
	cases := map[string]struct {
		within, beyond string
		want           error
	}{
		"of the text of a template": {strings.Repeat("x", MaxTemplateBytes), strings.Repeat("x", MaxTemplateBytes+1), errTooMuchSource},
		"of what a template makes":  {`{{$x := indent 32767 "x"}}{{$x}}{{$x}}`, `{{$x := indent 32768 "x"}}{{$x}}{{$x}}`, errTooLong},
		"of what a function makes":  {`{{$x := indent 32767 "x"}}{{$x = printf "%s%s" $x $x}}`, `{{$x := indent 32768 "x"}}{{$x = printf "%s%s" $x $x}}`, errTooLong},
		"of the steps":              {loop(strings.Repeat("x{{1}}", 6)), loop(strings.Repeat("x{{1}}", 7)), errTooManySteps},
		"of the steps of two loops": {"{{range .audiences}}{{range $.audiences}}{{end}}{{end}}", "{{range .scopes}}{{range $.scopes}}{{end}}{{end}}", errTooManySteps},
		"of the work of functions":  {`{{$x := indent 59999 "x"}}` + strings.Repeat(`{{if contains "x" $x}}{{end}}`, 16), `{{$x := indent 59999 "x"}}` + strings.Repeat(`{{if contains "x" $x}}{{end}}`, 17), errTooMuchWork},
		"of parentheses":            {nested(maxNesting), nested(maxNesting + 1), errTooDeep},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := someValues()
			for range 574 {
				values.Scopes = append(values.Scopes, "s")
			}
			if _, err := newBudget().execute(tc.within, values.forTemplates()); err != nil {
				t.Errorf("within the bound: %v", err)
			}
			_, err := newBudget().execute(tc.beyond, values.forTemplates())
			if err == nil || !strings.HasSuffix(err.Error(), tc.want.Error()) {
				t.Errorf("beyond the bound: %v, want %v", err, tc.want)
			}
		})
	}
}

// TestAGrantHasOneBudget: bounds count for all templates of a grant together.
func TestAGrantHasOneBudget(t *testing.T) {
	t.Parallel()
	b, values := newBudget(), crowded().forTemplates()
	execute := func(text string, times int) error {
		_, err := b.execute(strings.Repeat(text, times), values)
		return err
	}
	if err := execute("x", MaxTemplateBytes/2); err != nil {
		t.Fatal(err)
	}
	if err := execute("x", MaxTemplateBytes/2+1); !errors.Is(err, errTooMuchSource) {
		t.Errorf("a template that is too long beside the first: %v", err)
	}
	if err := execute("{{range $.scopes}}{{range $.scopes}}{{end}}{{end}}", 1); !errors.Is(err, errTooManySteps) {
		t.Errorf("a template of too many steps: %v", err)
	}
	if err := execute("x", MaxTemplateBytes/2); err != nil {
		t.Errorf("one that takes what is left: %v", err)
	}
}

// TestTheCostliestTemplatesTakeNoLonger measures what is carried out: templates that stay just within the bounds.
func TestTheCostliestTemplatesTakeNoLonger(t *testing.T) {
	values := crowded().forTemplates()
	cases := map[string]string{
		"as many steps as are allowed": `{{range .scopes}}` + strings.Repeat(`{{if eq 1 2}}{{end}}`, 4) + `{{end}}`,
		"as much work as is allowed":   `{{$x := indent 30000 "x"}}` + strings.Repeat(`{{$y := quote $x}}`, 16),
		"as long as is allowed":        strings.Repeat("{{/* x */}}", MaxTemplateBytes/11),
		"as much text as is allowed":   `{{$x := indent 32000 "x"}}{{$x}}{{$x}}`,
	}
	for name, template := range cases {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, err := newBudget().execute(template, values); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took >= defuseWithin {
				t.Errorf("it took %s", took)
			}
		})
	}
}
