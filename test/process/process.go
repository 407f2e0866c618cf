package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// pollInterval is how often a starting process is asked whether it is ready.
const pollInterval = 50 * time.Millisecond

// logTail is how many of a failed process's last log lines go into the error.
const logTail = 15

// Process is one running child.
type Process struct {
	name   string
	log    string // path of the file that takes its output
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has been waited for
	err    error         // how it ended; set before exited is closed
}

// Start runs a command that has not been started, with its output appended to the file log.
//
// The kernel is asked to kill the child when the thread that forked it ends (where it can be
// asked: see dieWithParent), so a thread is kept for as long as the child lives.
func Start(command *exec.Cmd, log string) (*Process, error) {
	p := &Process{name: filepath.Base(command.Path), log: log, cmd: command, exited: make(chan struct{})}
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = dieWithParent()

	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		defer func() { _ = output.Close() }()
		err := command.Start()
		started <- err
		if err == nil {
			p.err = command.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	return p, nil
}

// AwaitReady polls until probe succeeds. It fails at once, with the end of the log, when the
// process ends before.
func (p *Process) AwaitReady(ctx context.Context, probe func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		select {
		case <-p.exited:
			return false, errors.New("it ended before it was ready")
		default:
			last = probe(ctx)
			return last == nil, nil
		}
	})
	if err != nil {
		return fmt.Errorf("start %s: %w; its log ends:\n%s", p.name, errors.Join(err, last), p.tail())
	}
	return nil
}

// Kill ends the process at once, as a crash would, and returns when it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails only where it has already been waited for
	<-p.exited
}

// Stop asks the process to end, waits until it has, and returns how it ended: nil for exit code 0.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	<-p.exited
	if p.err != nil {
		return fmt.Errorf("stop %s: %w; its log ends:\n%s", p.name, p.err, p.tail())
	}
	return nil
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// tail returns the end of the process's log.
func (p *Process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}
