package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// daemon is a program that runs on after the command that starts it, in a session of its own.
//
// Its lock file decides whether it runs, not its process id: the program and all that it starts
// inherit the locked file, so the kernel holds the lock exactly as long as one of them lives. The
// id is in the file and counts only while the lock is held: it is the id of their process group,
// which cannot pass to a stranger before its last member is gone. So nothing is ever signalled
// that was not started here.
type daemon struct {
	name string
	lock string // path of the lock file
	log  string // path of the file that takes its output
}

func newDaemon(dir, name string) daemon {
	return daemon{
		name: name,
		lock: filepath.Join(dir, name+".lock"),
		log:  filepath.Join(dir, name+".log"),
	}
}

// start runs the command, which must not have been started, and returns at once. It fails where
// the daemon already runs.
func (d daemon) start(command *exec.Cmd) error {
	lock, err := os.OpenFile(d.lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	defer func() { _ = lock.Close() }() // the daemon keeps its own copy
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("start %s: lock %q: %w", d.name, d.lock, err)
	}
	log, err := os.OpenFile(d.log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	defer func() { _ = log.Close() }()
	if err := lock.Truncate(0); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	if _, err := lock.WriteAt([]byte(strconv.Itoa(command.Process.Pid)), 0); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", d.name, err), command.Process.Kill())
	}
	return command.Process.Release()
}

// running says whether the daemon, or anything that it has started, lives.
func (d daemon) running() (bool, error) {
	lock, err := os.Open(d.lock)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", d.name, err)
	}
	defer func() { _ = lock.Close() }() // which gives the lock back
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", d.name, err)
	}
	return false, nil
}

// stop asks the daemon and all that it has started to end, kills what has not ended after the
// grace period, and returns when nothing is left. It reports whether there was anything to stop.
func (d daemon) stop(ctx context.Context, grace time.Duration) (bool, error) {
	if running, err := d.running(); err != nil || !running {
		return false, err
	}
	if err := d.signal(syscall.SIGTERM); err != nil {
		return false, err
	}
	err := d.gone(ctx, grace)
	if err == nil {
		return true, nil
	}
	if err := d.signal(syscall.SIGKILL); err != nil {
		return false, err
	}
	return true, d.gone(ctx, time.Minute)
}

// signal reaches the daemon's process group. To be called only while the daemon runs.
func (d daemon) signal(signal syscall.Signal) error {
	data, err := os.ReadFile(d.lock)
	if err != nil {
		return fmt.Errorf("stop %s: %w", d.name, err)
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil || pid <= 1 {
		return fmt.Errorf("stop %s: %q holds no process id", d.name, d.lock)
	}
	if err := syscall.Kill(-pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop %s: signal process group %d: %w", d.name, pid, err)
	}
	return nil
}

func (d daemon) gone(ctx context.Context, timeout time.Duration) error {
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, timeout, true,
		func(context.Context) (bool, error) {
			running, err := d.running()
			return !running, err
		})
	if err != nil {
		return fmt.Errorf("stop %s: it still runs: %w", d.name, err)
	}
	return nil
}

// await polls until check succeeds, and fails at once, with the end of the daemon's log, where the
// daemon ends before.
func (d daemon) await(ctx context.Context, timeout time.Duration, check func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, timeout, true,
		func(ctx context.Context) (bool, error) {
			if last = check(ctx); last == nil {
				return true, nil
			}
			running, err := d.running()
			if err == nil && !running {
				err = errors.New("it has ended")
			}
			return false, err
		})
	if err == nil {
		return nil
	}
	return fmt.Errorf("wait for %s: %w; %s ends:\n%s", d.name, errors.Join(err, last), d.log, d.tail())
}

// tail returns the last lines of the daemon's log.
func (d daemon) tail() string {
	const most = 20
	data, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
