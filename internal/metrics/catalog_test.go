package metrics

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var name = regexp.MustCompile(`^grantkeeper_[a-z]+(_[a-z]+)*$`)

// allowedLabels is every label there is. None of them takes a value that follows from a user, a
// client, a grant or a token; whoever adds one has to think of that.
var allowedLabels = []string{
	"algorithm", "cache", "code", "dialect", "grant_type", "kind", "method", "namespace", "operation", "ready", "reason", "resource", "result", "route",
	"state", "tenant", "verb",
}

func TestTheNamesFollowTheHouseRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, one := range All() {
		switch {
		case !name.MatchString(one.Name):
			t.Errorf("%q is no name", one.Name)
		case seen[one.Name]:
			t.Errorf("%q is there twice", one.Name)
		case strings.HasSuffix(one.Name, "_total") != (one.Type == TypeCounter):
			t.Errorf("%q is a %s", one.Name, one.Type)
		case one.Type == TypeHistogram && !strings.HasSuffix(one.Name, "_seconds"):
			t.Errorf("%q has no unit", one.Name)
		case !strings.HasSuffix(one.Help, "."):
			t.Errorf("the help of %q is no sentence: %q", one.Name, one.Help)
		}
		seen[one.Name] = true
		for _, label := range one.Labels {
			if !slices.Contains(allowedLabels, label.Name) {
				t.Errorf("%q has a label %q", one.Name, label.Name)
			}
			if (label.Name == "tenant" || label.Name == "namespace") && one.Type != TypeGauge {
				t.Errorf("%q has the tenant as a label and is no gauge", one.Name)
			}
		}
	}
}
