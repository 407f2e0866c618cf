package rendering

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// templateName is what package text/template puts in front of a position.
const templateName = "template"

// position finds the line and the column in what package text/template says of a failure. The rest
// of that may quote a value.
var position = regexp.MustCompile(`^template: ` + templateName + `:(\d+)(?::(\d+))?: `)

// execute carries one template out. It takes a bounded number of steps, which are counted before the
// first of them, holds at most MaxOutputBytes, starts nothing that goes on, and gives the same text
// for the same values. An error says where it is and what is wrong, and never holds a value.
func (b *budget) execute(text string, values map[string]any) (string, error) {
	if err := b.read(text); err != nil {
		return "", err
	}
	functions := b.functions()
	parsed, err := template.New(templateName).Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return "", syntaxError(err)
	}
	steps, err := inspect(parsed, functions, values)
	if err != nil {
		return "", err
	}
	if err := b.begin(text, steps); err != nil {
		return "", err
	}
	out := &output{}
	if err := parsed.Execute(out, values); err != nil {
		return "", runError(err)
	}
	return out.String(), nil
}

// output takes what a template writes, up to MaxOutputBytes.
type output struct {
	strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	if o.Len()+len(p) > MaxOutputBytes {
		return 0, errTooLong
	}
	return o.Builder.Write(p)
}

// syntaxError is a failure to parse. It may quote the template, which is no secret, at a length that a
// condition has room for.
func syntaxError(err error) error {
	const longest = 160
	text := err.Error()
	found := position.FindStringSubmatch(text)
	if found == nil {
		return refusal("it is not a Go template")
	}
	text = strings.TrimPrefix(text, found[0])
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return refusef("%s: %s", where(found), text)
}

// runError is a failure on the way. Where it is not one of ours, its place is all that is told.
func runError(err error) error {
	what := refusal("the value does not fit here; inside range and with write $.name")
	errors.As(err, &what)
	found := position.FindStringSubmatch(err.Error())
	if found == nil {
		return what
	}
	return refusef("%s: %s", where(found), what)
}

// where says the place that position has found. Package text/template counts columns from 0.
func where(found []string) string {
	column, err := strconv.Atoi(found[2])
	if err != nil { // there is none
		return "line " + found[1]
	}
	return fmt.Sprintf("line %s, column %d", found[1], column+1)
}
