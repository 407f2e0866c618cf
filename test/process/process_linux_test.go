package process

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

	"k8s.io/apimachinery/pkg/util/wait"
)

// orphanEnv makes this test binary the parent that is killed: TestParentOfAnOrphan then starts a
// child and waits for its own end.
const orphanEnv = "GRANTKEEPER_TEST_ORPHAN"

func TestParentOfAnOrphan(t *testing.T) {
	if os.Getenv(orphanEnv) == "" {
		t.Skip("runs as the helper of TestChildrenDieWithAKilledParent")
	}
	p, err := Start(exec.Command("/bin/sleep", "600"), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\npid %d\n", p.PID())
	<-p.Exited()
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
	err = wait.PollUntilContextTimeout(t.Context(), pollInterval, 30*time.Second, true,
		func(context.Context) (bool, error) { return !alive(t, pid), nil })
	if err != nil {
		t.Errorf("child %d has outlived its parent: %v", pid, err)
	}
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
	p, err := Start(exec.Command("/bin/sh", "-c", "echo the port is taken; exit 1"), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	err = p.AwaitReady(t.Context(), func(context.Context) error { return errors.New("connection refused") })
	if err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("ready: %v, want an error that quotes the log", err)
	}
}

func TestStopTellsHowTheProcessEnded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script  string
		wantErr string
	}{
		"one that obeys ends well":              {script: "trap 'exit 0' INT; echo up; while :; do sleep 0.1; done"},
		"one that fails comes back as an error": {script: "trap 'echo out of luck; exit 3' INT; echo up; while :; do sleep 0.1; done", wantErr: "out of luck"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "log")
			p, err := Start(exec.Command("/bin/sh", "-c", tc.script), log)
			if err != nil {
				t.Fatal(err)
			}
			err = p.AwaitReady(t.Context(), func(context.Context) error {
				if content, err := os.ReadFile(log); err != nil || len(content) == 0 {
					return errors.New("not up")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			err = p.Stop()
			if (err == nil) != (tc.wantErr == "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Errorf("Stop: %v, want %q", err, tc.wantErr)
			}
		})
	}
}
