// Command gotest runs the module's tests for `make test`, prints a line per package, the figures that
// its tests have measured and the whole output of what failed, and ends with how many passed and
// failed.
//
//	gotest [unit|integration|faults] [go test flags...]
//
// An integration test is one whose binary contains test/controlplane, directly or not: nobody keeps
// a list. Unit tests run first and side by side; integration tests run a package at a time, since
// each brings a Kubernetes of its own. The faults take minutes and run only where they are asked for.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// controlPlane is the package that makes a test binary an integration test.
const controlPlane = "github.com/grantkeeper/grantkeeper/test/controlplane"

// faults is the package that breaks what the operator stands on.
const faults = "github.com/grantkeeper/grantkeeper/test/faults"

func main() {
	report := newReport(os.Stdout)
	if err := run(os.Args[1:], report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	report.summarize()
	if report.failed > 0 {
		os.Exit(1)
	}
}

func run(args []string, report *report) error {
	unit, integration, err := packages()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		switch args[0] {
		case "unit":
			integration, args = nil, args[1:]
		case "integration":
			unit, args = nil, args[1:]
		case "faults":
			unit, integration, args = nil, []string{faults}, args[1:]
		}
	}
	if err := test(unit, args, report); err != nil {
		return err
	}
	return test(integration, append(slices.Clone(args), "-p=1", "-timeout=20m"), report)
}

// packages sorts those that have tests, without the faults. `go list -test` shows each test binary as a package of its
// own, named like the package with ".test" behind, whose Deps are all that is linked into it.
func packages() (unit, integration []string, err error) {
	list := exec.Command("go", "list", "-test", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...")
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("list the module's tests: %w", err)
	}
	for line := range bytes.Lines(output) {
		fields := strings.Fields(string(line))
		name, isTest := strings.CutSuffix(fields[0], ".test")
		switch {
		case !isTest, name == faults:
		case slices.ContainsFunc(fields, isControlPlane):
			integration = append(integration, name)
		default:
			unit = append(unit, name)
		}
	}
	return unit, integration, nil
}

// isControlPlane is true of the package and of its own test variants, "… [….test]" in go list's
// output, of which Fields leaves the first word.
func isControlPlane(dependency string) bool { return dependency == controlPlane }

// test feeds the events of one `go test -json` to the report. That tests failed is the report's to
// say; what go test could not begin with is an error.
func test(packages, flags []string, report *report) error {
	if len(packages) == 0 {
		return nil
	}
	command := exec.Command("go", slices.Concat([]string{"test", "-json"}, flags, packages)...)
	command.Stderr = os.Stderr
	events, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("run the tests: %w", err)
	}
	if err := report.read(events); err != nil {
		return err
	}
	if err := command.Wait(); err != nil && report.failed == 0 {
		return fmt.Errorf("run the tests: %w", err)
	}
	return nil
}
