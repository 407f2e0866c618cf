package main

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// The test binary is its own child: it writes to a log that nobody reads, and tells how that went.
const (
	childVariable = "GRANTKEEPER_TEST_CHILD"
	outlived      = 7
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	outliveReaders()
	if _, err := os.Stdout.WriteString("a line\n"); err == nil {
		os.Exit(1)
	}
	os.Exit(outlived)
}

func TestTheOperatorOutlivesTheReadersOfItsLogs(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	child.Stdout = writer
	var exit *exec.ExitError
	if err := child.Run(); !errors.As(err, &exit) || exit.ExitCode() != outlived {
		t.Errorf("the child ended with %v, want exit status %d", err, outlived)
	}
}
