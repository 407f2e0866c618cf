package wazo

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The page on compatibility names a test for each line of the contract, and each of them is there.
func TestThePageOnCompatibilityNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/wazo-compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	there := testsBelow(t, "../../..")
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 50 {
		t.Errorf("the page names %d tests", len(named))
	}
	for _, name := range named {
		if !there[name[1]] {
			t.Errorf("there is no test %s", name[1])
		}
	}
	sections := strings.Split(string(page), "\n## ")
	for _, section := range sections[1:] {
		for line := range strings.Lines(section) {
			if strings.Contains(section, "shown by") && !strings.Contains(section, "| route | access |") && isRow(line) && !strings.Contains(line, "`Test") && !strings.Contains(line, "`Fuzz") {
				t.Errorf("no test shows this: %s", line)
			}
		}
	}
}

// Every protected route stands on the page with the access that it needs.
func TestThePageOnCompatibilityListsEveryProtectedRoute(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/wazo-compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	as := strings.NewReplacer("{owner}", "{uuid,me}", "{user_uuid}", "{uuid}", "{session_uuid}", "{uuid}", "{tenant_uuid}", "{uuid}")
	rows := string(page)
	rows = strings.ReplaceAll(rows, "| `GET`, `HEAD /users/{uuid}` |", "| `GET /users/{uuid}` | `auth.users.{uuid}.read` |\n| `HEAD /users/{uuid}` |")
	for _, route := range (&API{}).protected() {
		row := "| `" + route.method + " /" + as.Replace(route.path) + "` | `" + as.Replace(route.access) + "` |"
		if !strings.Contains(rows, row) {
			t.Errorf("the page has no row %s", row)
		}
	}
}

func isRow(line string) bool {
	return strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| here") && !strings.HasPrefix(line, "| what")
}

// testsBelow are the names of all tests of the module.
func testsBelow(t *testing.T, root string) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range declared.FindAllSubmatch(source, -1) {
			names[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The page names the routes of wazo-auth that are not here, and what they answer.
func TestRoutesThatAreNotHere(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/wazo-compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Not here\n")
	rows := regexp.MustCompile(`(?m)^\| (.*) \| (404|405) \|`).FindAllStringSubmatch(section, -1)
	if len(rows) < 10 {
		t.Errorf("the page has %d rows", len(rows))
	}
	h := newTenant(t)
	values := strings.NewReplacer("{uuid}", subject, "{type}", "mobile", "{access}", "confd.users.read")
	for _, row := range rows {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			method, path, one := strings.Cut(name[1], " ")
			methods := []string{method}
			if !one {
				methods, path = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, name[1]
			}
			for _, method := range methods {
				got := h.call(method, strings.TrimPrefix(values.Replace(path), "/"), "{}")
				if strconv.Itoa(got.status) != row[2] {
					t.Errorf("%s %s is %d, and %s on the page", method, path, got.status, row[2])
				}
			}
		}
	}
}
