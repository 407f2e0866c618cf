package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newTestPlace(t *testing.T) *place {
	t.Helper()
	root := t.TempDir()
	return &place{root: root, dev: root + "/it's .dev"}
}

func (p *place) mustLock(t *testing.T, out io.Writer) {
	t.Helper()
	if err := p.lock(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.locked.Close() })
}

func TestASecondDemoWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	first := newTestPlace(t)
	first.mustLock(t, io.Discard)
	second := &place{root: first.root, dev: first.dev}
	waiting := make(chan string)
	locked := make(chan error)
	go func() { locked <- second.lock(t.Context(), writes(waiting)) }()
	if told := <-waiting; !strings.Contains(told, "waiting") {
		t.Errorf("printed %q", told)
	}
	if err := first.locked.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	if err := second.locked.Close(); err != nil {
		t.Error(err)
	}
}

func TestWaitingForAnotherDemoCanBeInterrupted(t *testing.T) {
	t.Parallel()
	first := newTestPlace(t)
	first.mustLock(t, io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	second := &place{root: first.root, dev: first.dev}
	waiting := make(chan string, 1)
	locked := make(chan error)
	go func() { locked <- second.lock(ctx, writes(waiting)) }()
	<-waiting
	cancel()
	if err := <-locked; err == nil {
		t.Error("locked twice")
	}
}

// writes hands on what is written.
type writes chan string

func (w writes) Write(data []byte) (int, error) {
	w <- string(data)
	return len(data), nil
}

func TestClearingKeepsTheLock(t *testing.T) {
	t.Parallel()
	p := newTestPlace(t)
	p.mustLock(t, io.Discard)
	if err := os.MkdirAll(p.file("control-plane", "etcd"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.clear(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(p.dev)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{lockName}, names); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestAStrictShellSourcesTheVariables(t *testing.T) {
	t.Parallel()
	p := newTestPlace(t)
	p.mustLock(t, io.Discard)
	awkward := "a b'c\"d$e`f\\g"
	if err := p.setEnv(append(p.server("https://127.0.0.1:8443"), variable{"DEMO_PASSWORD", awkward})); err != nil {
		t.Fatal(err)
	}
	script := exec.Command("/bin/sh", "-euc", `. "$0"; printf '%s\n' "$KUBECONFIG" "$GRANTKEEPER_URL" "$DEMO_PASSWORD" "${PATH%%:*}" "$no_proxy"`, p.env())
	script.Env = []string{"PATH=/bin", "NO_PROXY=example.com"}
	output, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	want := []string{p.kubeconfig(), "https://127.0.0.1:8443", awkward, p.file("bin"), "127.0.0.1,example.com", ""}
	if diff := cmp.Diff(want, strings.Split(string(output), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
