package controlplane

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

// process is one running child. Only this package's own children are ever signalled, and only by
// the handle that started them.
type process struct {
	name   string
	log    string        // path of the file that takes its output
	cmd    *exec.Cmd     // set once it runs
	exited chan struct{} // closed when it has been waited for
}

// startProcess runs a program with its output in <dir>/<name>.log.
//
// The kernel is asked to kill the child when the thread that forked it ends (where it can be
// asked: see dieWithParent), so a thread is kept for as long as the child lives.
func startProcess(dir, program string, args ...string) (*process, error) {
	name := filepath.Base(program)
	p := &process{name: name, log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, output, output
	p.cmd.SysProcAttr = dieWithParent()

	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		defer func() { _ = output.Close() }()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is in its log; that it ended is what matters
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// ready polls until probe succeeds. It fails at once when the process ends before.
func (p *process) ready(ctx context.Context, probe func(context.Context) error) error {
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

// kill ends the process at once and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only where it has already been waited for
	<-p.exited
}

// tail returns the end of the process's log.
func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}
