package audit

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page has a table of events and one of members, each row beginning with the name in backquotes.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

func TestThePageListsExactlyTheEvents(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, match := range regexp.MustCompile(`(?m)^\t\w+ Event = "([^"]+)"$`).FindAllStringSubmatch(string(source), -1) {
		declared = append(declared, match[1])
	}
	if diff := cmp.Diff(declared, rows(t, "## Events")); diff != "" {
		t.Errorf("constants and docs/audit.md (-declared +documented):\n%s", diff)
	}
}

func TestThePageListsExactlyTheMembers(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(members(reflect.TypeFor[line]()), rows(t, "## Members")); diff != "" {
		t.Errorf("members (-written +documented):\n%s", diff)
	}
}

// TestNoFieldTakesWhateverThereIs holds the record to plain values: a map, an error or an interface
// would let anything in.
func TestNoFieldTakesWhateverThereIs(t *testing.T) {
	t.Parallel()
	plain := map[string]bool{"string": true, "bool": true, "int64": true, "uint64": true, "time.Time": true, "audit.Event": true}
	for field := range reflect.TypeFor[Record]().Fields() {
		if !plain[field.Type.String()] {
			t.Errorf("%s is a %s", field.Name, field.Type)
		}
	}
}

func members(of reflect.Type) (names []string) {
	for field := range of.Fields() {
		if field.Anonymous {
			names = append(names, members(field.Type)...)
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// rows are the first cells of the table below a heading.
func rows(t *testing.T, heading string) (names []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), heading+"\n")
	if !found {
		t.Fatalf("docs/audit.md has no %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, match := range row.FindAllStringSubmatch(section, -1) {
		names = append(names, match[1])
	}
	if unique := slices.Sorted(maps.Keys(toSet(names))); len(unique) != len(names) {
		t.Errorf("%s lists something twice: %q", heading, names)
	}
	return names
}

func toSet(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}
