package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events     []string
		want       string // the last line
		wantOutput []string
		notOutput  string
	}{
		"a test without subtests counts as one": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p","Elapsed":0.5}`,
			},
			want:       "1 passed, 0 failed\n",
			wantOutput: []string{"ok    p  1 passed in 0.5s\n"},
		},
		"a table counts as its rows": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"run","Package":"p","Test":"TestA/one"}`,
				`{"Action":"run","Package":"p","Test":"TestA/two"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/one"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/two"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want: "2 passed, 0 failed\n",
		},
		"a failed row is one failure, printed with its output, and silence about the others": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"run","Package":"p","Test":"TestA/good"}`,
				`{"Action":"output","Package":"p","Test":"TestA/good","Output":"all is well\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/good"}`,
				`{"Action":"run","Package":"p","Test":"TestA/bad"}`,
				`{"Action":"output","Package":"p","Test":"TestA/bad","Output":"got 1, want 2\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA/bad"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want:       "1 passed, 1 failed\n",
			wantOutput: []string{"got 1, want 2\n", "FAIL  p  1 failed, 1 passed"},
			notOutput:  "all is well",
		},
		"a parent that fails by itself counts": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"run","Package":"p","Test":"TestA/good"}`,
				`{"Action":"pass","Package":"p","Test":"TestA/good"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "1 passed, 1 failed\n",
		},
		"a package that does not compile is a failure with the compiler's words": {
			events: []string{
				`{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\n"}`,
				`{"ImportPath":"p [p.test]","Action":"build-fail"}`,
				`{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			},
			want:       "0 passed, 1 failed\n",
			wantOutput: []string{"undefined: x\n"},
		},
		"a panic is a failure with the output of the test that never ended": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want:       "0 passed, 1 failed\n",
			wantOutput: []string{"panic: no\n"},
		},
		"a figure is printed though its test has passed": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: figure: longest rest = 17s\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"all is well\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want:       "1 passed, 0 failed\n",
			wantOutput: []string{"      longest rest = 17s\nok    p"},
			notOutput:  "all is well",
		},
		"a skipped test is neither": {
			events: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"skip","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			want:       "0 passed, 0 failed\n",
			wantOutput: []string{"1 skipped\n"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(strings.Join(tc.events, "\n") + "\n")); err != nil {
				t.Fatal(err)
			}
			r.summarize()
			if !strings.HasSuffix(out.String(), tc.want) {
				t.Errorf("the report ends %q, want %q", out.String(), tc.want)
			}
			for _, want := range tc.wantOutput {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the report %q lacks %q", out.String(), want)
				}
			}
			if tc.notOutput != "" && strings.Contains(out.String(), tc.notOutput) {
				t.Errorf("the report %q holds %q", out.String(), tc.notOutput)
			}
		})
	}
}

func TestReportRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	r := newReport(&strings.Builder{})
	if err := r.read(strings.NewReader("pattern ./...: no\n")); err == nil {
		t.Error("read: no error")
	}
}
