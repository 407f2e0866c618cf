package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience is for a busy machine; nothing here takes it on a quiet one.
const patience = time.Minute

func startShell(t *testing.T, script string) daemon {
	t.Helper()
	d := newDaemon(t.TempDir(), "shell")
	if err := d.start(exec.Command("/bin/sh", "-c", script)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := d.stop(context.Background(), 0); err != nil {
			t.Error(err)
		}
	})
	return d
}

func wantRunning(t *testing.T, d daemon, want bool) {
	t.Helper()
	running, err := d.running()
	if err != nil {
		t.Fatal(err)
	}
	if running != want {
		t.Errorf("running is %t, want %t", running, want)
	}
}

// logged waits until the daemon has written a word.
func logged(t *testing.T, d daemon, word string) {
	t.Helper()
	err := d.await(t.Context(), patience, func(context.Context) error {
		if !strings.Contains(d.tail(), word) {
			return errors.New("not yet logged")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADaemonThatNeverStartedIsNotThereToStop(t *testing.T) {
	t.Parallel()
	d := newDaemon(t.TempDir(), "never")
	wantRunning(t, d, false)
	if stopped, err := d.stop(t.Context(), patience); err != nil || stopped {
		t.Errorf("stop: %t, %v, want false and no error", stopped, err)
	}
}

func TestADaemonEndsWhenItIsAsked(t *testing.T) {
	t.Parallel()
	d := startShell(t, "exec sleep 600")
	wantRunning(t, d, true)
	if stopped, err := d.stop(t.Context(), patience); err != nil || !stopped {
		t.Errorf("stop: %t, %v, want true and no error", stopped, err)
	}
	wantRunning(t, d, false)
}

func TestADaemonThatIgnoresTheQuestionIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	d := startShell(t, `trap "" TERM; (trap "" TERM; sleep 600) & echo armed; wait; sleep 600`)
	logged(t, d, "armed")
	if stopped, err := d.stop(t.Context(), 50*time.Millisecond); err != nil || !stopped {
		t.Errorf("stop: %t, %v, want true and no error", stopped, err)
	}
	wantRunning(t, d, false)
}

func TestAChildThatOutlivesTheDaemonStillCountsAndIsStopped(t *testing.T) {
	t.Parallel()
	d := startShell(t, "sleep 600 & echo left")
	logged(t, d, "left")
	wantRunning(t, d, true)
	if stopped, err := d.stop(t.Context(), patience); err != nil || !stopped {
		t.Errorf("stop: %t, %v, want true and no error", stopped, err)
	}
	wantRunning(t, d, false)
}

func TestASecondStartIsRefusedWhileTheFirstRuns(t *testing.T) {
	t.Parallel()
	d := startShell(t, "exec sleep 600")
	if err := d.start(exec.Command("/bin/sh", "-c", "exec sleep 600")); err == nil {
		t.Error("start: no error")
	}
	if _, err := d.stop(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	if err := d.start(exec.Command("/bin/sh", "-c", "exec sleep 600")); err != nil {
		t.Errorf("start after stop: %v", err)
	}
}

func TestWaitingForADaemonThatHasEndedQuotesItsLog(t *testing.T) {
	t.Parallel()
	d := startShell(t, "echo no such flag >&2; exit 2")
	err := d.await(t.Context(), patience, func(context.Context) error { return errors.New("not ready") })
	if err == nil || !strings.Contains(err.Error(), "no such flag") {
		t.Errorf("await: %v, want an error that quotes the log", err)
	}
}
