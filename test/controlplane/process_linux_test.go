package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// orphanEnv makes this test binary the parent that is killed: TestMain then runs without a control
// plane, and TestParentOfAnOrphan starts a child and waits for its own end.
const orphanEnv = "GRANTKEEPER_TEST_ORPHAN"

func TestParentOfAnOrphan(t *testing.T) {
	if os.Getenv(orphanEnv) == "" {
		t.Skip("runs as the helper of TestChildrenDieWithAKilledParent")
	}
	p, err := startProcess(t.TempDir(), "/bin/sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\npid %d\n", p.cmd.Process.Pid)
	<-p.exited
}

func TestChildrenDieWithAKilledParent(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0], "-test.run=^TestParentOfAnOrphan$")
	parent.Env = append(os.Environ(), orphanEnv+"=1")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(stdout); pid == 0 && lines.Scan(); {
		if text, found := strings.CutPrefix(lines.Text(), "pid "); found {
			pid, err = strconv.Atoi(text)
		}
	}
	if pid == 0 || err != nil || !alive(t, pid) {
		t.Fatalf("the helper's child %d does not run (%v)", pid, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed: there is always an error
	Eventually(t, 30*time.Second, func(context.Context) error {
		if alive(t, pid) {
			return fmt.Errorf("child %d has outlived its parent", pid)
		}
		return nil
	})
}

// alive is false for a zombie too: it runs no more, and nobody may be there to reap it.
func alive(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(after, []byte("Z"))
}

func TestAProcessThatEndsEarlyFailsWithTheEndOfItsLog(t *testing.T) {
	t.Parallel()
	p, err := startProcess(t.TempDir(), "/bin/sh", "-c", "echo the port is taken; exit 1")
	if err != nil {
		t.Fatal(err)
	}
	err = p.ready(t.Context(), func(context.Context) error { return errors.New("connection refused") })
	if err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("ready: %v, want an error that quotes the log", err)
	}
}
