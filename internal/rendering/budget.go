package rendering

import "fmt"

// What the templates of one grant may cost together. They are written by whoever may create a grant
// and carried out in a process that serves many; the numbers are far above what a configuration file
// takes and far below what anybody would notice.
const (
	// MaxTemplateBytes is how long all templates of a grant may be together.
	MaxTemplateBytes = 32 << 10
	// maxNesting is how deep parentheses nest.
	maxNesting = 200
	// MaxOutputBytes is how long what one template makes may be, and every value on the way to it.
	MaxOutputBytes = 64 << 10
	// maxSteps is how many nodes of templates are carried out, those of a loop once for every turn.
	maxSteps = 20_000
	// maxWork is how many bytes the functions take and give.
	maxWork = 1 << 20
)

// refusal is a reason of ours for which a template is not carried out. Its text holds no value.
type refusal string

func (r refusal) Error() string { return string(r) }

func refusef(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

const (
	errTooMuchSource = refusal("the templates of this grant are longer than 32 KiB together")
	errTooDeep       = refusal("its parentheses nest too deep")
	errTooLong       = refusal("the text would be longer than 64 KiB")
	errTooManySteps  = refusal("the templates of this grant take too many steps")
	errTooMuchWork   = refusal("the templates of this grant work on too much text")
)

// budget is what the templates of one grant have left to spend. It counts, and measures no time: the
// same templates and values are refused everywhere or nowhere. A template that is refused before it is
// begun takes nothing from the others.
type budget struct {
	source, steps, work int
}

func newBudget() *budget {
	return &budget{source: MaxTemplateBytes, steps: maxSteps, work: maxWork}
}

// read looks whether a template is short and flat enough to be parsed.
func (b *budget) read(text string) error {
	if len(text) > b.source {
		return errTooMuchSource
	}
	if nesting(text) > maxNesting {
		return errTooDeep
	}
	return nil
}

// nesting is how deep the parentheses of a text nest, wherever they stand. Package text/template parses
// them by recursion, 10,000 deep, and comes back from there slowly.
func nesting(text string) (deepest int) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
			deepest = max(deepest, depth)
		case ')':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

// begin pays for a template and for the steps that it is going to take.
func (b *budget) begin(text string, steps int) error {
	if steps > b.steps {
		return errTooManySteps
	}
	b.source -= len(text)
	b.steps -= steps
	return nil
}

// spend pays for bytes that a function reads or has made.
func (b *budget) spend(bytes int) error {
	if b.work -= bytes; b.work < 0 {
		return errTooMuchWork
	}
	return nil
}

// give pays for a text that a function has made.
func (b *budget) give(text string) (string, error) {
	if len(text) > MaxOutputBytes {
		return "", errTooLong
	}
	return text, b.spend(len(text))
}
