package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// typed is a shell whose output and record a test can read.
type typed struct {
	*shell
	out, record strings.Builder
}

func newShell(t *testing.T) *typed {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "env"), []byte("export NAME='alice'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	typed := &typed{}
	typed.shell = &shell{out: &typed.out, record: &typed.record, dir: dir, env: "./env"}
	return typed
}

func (s *typed) mustRun(t *testing.T, commands ...string) {
	t.Helper()
	for _, command := range commands {
		if err := s.run(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACommandIsShownAsItStandsWithWhatItPrints(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.mustRun(t, "GREETING=$(printf 'hello\\n\\n')", "echo \"$GREETING,\" \\\n  \"$NAME\" | tee file", "cat file; true")
	want := `   $ GREETING=$(printf 'hello\n\n')
   $ echo "$GREETING," \
       "$NAME" | tee file
   hello, alice
   $ cat file; true
   hello, alice
`
	if diff := cmp.Diff(want, s.out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	if got := s.get("GREETING"); got != "hello" {
		t.Errorf("the variable is %q, want %q", got, "hello")
	}
}

func TestTheRecordedCommandsDoTheSameAgain(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.mustRun(t, ". ./env", "FIRST=$(echo 1)", "SECOND=$(echo $((FIRST + 1)))", "echo \"$FIRST $SECOND $NAME\"")
	script := exec.Command("/bin/sh", "-euc", s.record.String())
	script.Dir = s.dir
	output, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if got, want := string(output), "1 2 alice\n"; got != want {
		t.Errorf("the script prints %q, want %q", got, want)
	}
}

func TestAFailingCommandStopsTheDemoWithWhatItSaid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ command, want string }{
		"a status":                        {"echo no such kind >&2; exit 3", "no such kind"},
		"a variable that nothing has set": {`echo "$NOWHERE"`, "NOWHERE"},
		"an assignment that fails":        {"TOKEN=$(echo not found >&2; false)", "not found"},
		"an assignment of nothing":        {"TOKEN=$(true)", "TOKEN is empty"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newShell(t).run(t.Context(), tc.command)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that holds %q", err, tc.want)
			}
		})
	}
}

// A shell that runs the walk from a file stops where a command fails; that it gets that far, and
// that the demo and the shell agree on what is an assignment, is cheap to know beforehand.
func TestEveryCommandOfTheWalkIsOneThatAShellUnderstands(t *testing.T) {
	t.Parallel()
	for _, step := range append([]step{installation, operation, application}, mainJob...) {
		for _, command := range step.commands {
			if output, err := exec.Command("/bin/sh", "-n", "-c", command).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", command, err, output)
			}
			name, _, found := strings.Cut(command, "=$(")
			looksAssigned := found && strings.ToUpper(name) == name && !strings.ContainsAny(name, " \"'$")
			if looksAssigned != assignment.MatchString(command) {
				t.Errorf("%s: seen as an assignment: %t", command, !looksAssigned)
			}
			if strings.Contains(command, "&&") || strings.Contains(command, "||") {
				t.Errorf("%s: the left side of && and || may fail unnoticed under sh -e", command)
			}
		}
	}
}
