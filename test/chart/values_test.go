package chart_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// readValues reads a file of values.
func readValues(t *testing.T, name string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal(readFile(t, name), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// schema is what of a JSON schema says which values there are.
type schema struct {
	Properties map[string]schema `json:"properties"`
}

// paths are the values that the schema knows by name.
func (s schema) paths(prefix string) []string {
	var all []string
	for name, property := range s.Properties {
		if len(property.Properties) > 0 {
			all = append(all, property.paths(prefix+name+".")...)
		} else {
			all = append(all, prefix+name)
		}
	}
	return all
}

func readSchema(t *testing.T) schema {
	t.Helper()
	var s schema
	if err := json.Unmarshal(readFile(t, "values.schema.json"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// lookUp finds a value by its path.
func lookUp(values map[string]any, path string) (any, bool) {
	first, rest, nested := strings.Cut(path, ".")
	value, ok := values[first]
	if !nested || !ok {
		return value, ok
	}
	below, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	return lookUp(below, rest)
}

var tableRow = regexp.MustCompile("(?m)^\\| `([a-zA-Z.]+)` \\| (.*?) \\|.*\\|$")

// documented are the rows of the README's table of values: a path and its default.
func documented(t *testing.T) map[string]string {
	t.Helper()
	_, table, found := strings.Cut(string(readFile(t, "README.md")), "\n## Values\n")
	if !found {
		t.Fatal("the README has no section Values")
	}
	rows := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(table, -1) {
		rows[row[1]] = row[2]
	}
	return rows
}

func TestSchemaDefaultsAndREADMEKnowTheSameValues(t *testing.T) {
	t.Parallel()
	want := readSchema(t).paths("")
	want = slices.DeleteFunc(want, func(path string) bool { return path == "global" }) // helm's own
	slices.Sort(want)

	rows := documented(t)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("the README's table (-schema +README):\n%s", diff)
	}
	defaults := readValues(t, "values.yaml")
	for _, path := range want {
		value, ok := lookUp(defaults, path)
		if !ok {
			t.Errorf("%s has no default in values.yaml", path)
			continue
		}
		// What stands between backquotes is the default itself, the rest describes it.
		said := rows[path]
		if literal := strings.Trim(said, "`"); literal != said {
			var documented any
			if err := yaml.Unmarshal([]byte(literal), &documented); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value, documented); diff != "" {
				t.Errorf("%s in the README (-values.yaml +README):\n%s", path, diff)
			}
		}
	}
	for path := range defaults {
		if _, ok := readSchema(t).Properties[path]; !ok {
			t.Errorf("%s is in values.yaml and not in the schema", path)
		}
	}
}
