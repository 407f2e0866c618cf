package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`. Lines about builds have ImportPath
// instead of Package.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// report counts and prints. A test with subtests counts as its subtests, so that a table of ten
// rows is ten tests, unless it fails where none of them does.
type report struct {
	out                     io.Writer
	passed, failed, skipped int

	packages map[string]*packageReport
	builds   map[string]*strings.Builder // the compiler's output by ImportPath
}

// figureMark begins what a test logs of its measurements.
const figureMark = "figure: "

// packageReport is what is known of a package whose tests run.
type packageReport struct {
	passed, failed int
	output         map[string]*strings.Builder // by test; "" is the package's own
	figures        []string                    // what tests have measured
	parents        map[string]bool             // tests that have subtests
	failures       map[string]bool             // parents of a failed subtest
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*packageReport{}, builds: map[string]*strings.Builder{}}
}

// read consumes events until their end.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("read go test's events: %w", err)
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("read go test's events: %w: %q", err, line)
		}
		r.add(e)
	}
}

func (r *report) add(e event) {
	switch {
	case e.Action == "build-output":
		appendTo(r.builds, e.ImportPath, e.Output)
	case e.Package == "":
	case e.Action == "output":
		appendTo(r.of(e.Package).output, e.Test, e.Output)
		if _, figure, found := strings.Cut(e.Output, figureMark); found {
			p := r.of(e.Package)
			p.figures = append(p.figures, strings.TrimSpace(figure))
		}
	case e.Test != "":
		r.addTest(r.of(e.Package), e)
	default:
		r.addPackage(r.of(e.Package), e)
	}
}

func (r *report) addTest(p *packageReport, e event) {
	parent := ""
	if slash := strings.LastIndexByte(e.Test, '/'); slash >= 0 {
		parent = e.Test[:slash]
	}
	switch e.Action {
	case "run":
		p.parents[parent] = true
	case "pass":
		if !p.parents[e.Test] {
			r.passed++
			p.passed++
		}
		delete(p.output, e.Test)
	case "skip":
		r.skipped++
		delete(p.output, e.Test)
	case "fail":
		if !p.failures[e.Test] {
			r.failed++
			p.failed++
		}
		p.failures[parent] = true
		fmt.Fprintf(r.out, "%s", text(p.output, e.Test))
		delete(p.output, e.Test)
	}
}

func (r *report) addPackage(p *packageReport, e event) {
	switch e.Action {
	case "pass":
		p.tell(r.out)
		fmt.Fprintf(r.out, "ok    %s  %d passed in %.1fs\n", e.Package, p.passed, e.Elapsed)
	case "skip":
	case "fail":
		if p.failed == 0 { // it did not compile, or ended outside a test
			r.failed++
			p.failed++
		}
		fmt.Fprintf(r.out, "%s", text(r.builds, e.FailedBuild))
		p.dump(r.out)
		p.tell(r.out)
		fmt.Fprintf(r.out, "FAIL  %s  %d failed, %d passed in %.1fs\n", e.Package, p.failed, p.passed, e.Elapsed)
	default:
		return
	}
	delete(r.packages, e.Package)
}

// tell prints the figures.
func (p *packageReport) tell(out io.Writer) {
	for _, figure := range p.figures {
		fmt.Fprintf(out, "      %s\n", figure)
	}
}

// dump prints what has been kept: the package's own output and that of tests that never ended.
func (p *packageReport) dump(out io.Writer) {
	for _, output := range p.output {
		fmt.Fprint(out, output)
	}
}

func (r *report) of(name string) *packageReport {
	if r.packages[name] == nil {
		r.packages[name] = &packageReport{
			output:   map[string]*strings.Builder{},
			parents:  map[string]bool{},
			failures: map[string]bool{},
		}
	}
	return r.packages[name]
}

// summarize prints the last lines.
func (r *report) summarize() {
	if r.skipped > 0 {
		fmt.Fprintf(r.out, "%d skipped\n", r.skipped)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, r.failed)
}

func appendTo(outputs map[string]*strings.Builder, key, output string) {
	if outputs[key] == nil {
		outputs[key] = &strings.Builder{}
	}
	outputs[key].WriteString(output)
}

// text is what was kept under key, "" where that is nothing.
func text(outputs map[string]*strings.Builder, key string) string {
	if outputs[key] == nil {
		return ""
	}
	return outputs[key].String()
}
