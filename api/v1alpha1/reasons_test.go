package v1alpha1_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	// constant finds a condition type or reason in conditions.go.
	constant = regexp.MustCompile(`(?m)^(?:const |\t)(?:Condition|Reason)\w+ = "(\w+)"$`)
	// documentedReason finds a row of a table of reasons, documentedType the heading above one.
	documentedReason = regexp.MustCompile("(?m)^\\| (?:True|False) \\| `(\\w+)` \\|")
	documentedType   = regexp.MustCompile(`(?m)^### (Ready|Issuing|Drifted|RestartTriggered|PasswordGrant|IssuerChanged)$`)
)

// TestReasonsAreDocumented holds the pages of the kinds to the constants, both ways.
func TestReasonsAreDocumented(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("conditions.go")
	if err != nil {
		t.Fatal(err)
	}
	declared, documented := map[string]bool{}, map[string]bool{}
	collect(constant, string(source), declared)
	walk(t, "../../docs/spec", ".md", func(_, content string) {
		collect(documentedReason, content, documented)
		collect(documentedType, content, documented)
	})
	if diff := cmp.Diff(slices.Sorted(maps.Keys(declared)), slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Errorf("conditions and reasons (-declared +documented):\n%s", diff)
	}
}

func collect(pattern *regexp.Regexp, text string, into map[string]bool) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		into[match[1]] = true
	}
}
