package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// shell runs each command as it stands, after showing it: what is printed is what is done. Every
// command gets a fresh shell that has sourced .dev/env, as a person's has, and that knows the
// variables which earlier commands have set.
type shell struct {
	out       io.Writer
	record    io.Writer // takes the commands and nothing else
	dir       string    // where the commands are typed
	env       string    // the file that is sourced, below dir
	variables []string  // NAME=value
}

// commandTimeout bounds one command. The longest waits for a renewal.
const commandTimeout = 3 * time.Minute

// assignment is a command that sets a variable to what another one prints.
var assignment = regexp.MustCompile(`(?s)^([A-Z_]+)=\$\((.*)\)$`)

// run shows a command, runs it, and shows what it prints. It fails where the command fails, and
// where it sets a variable to nothing.
func (s *shell) run(ctx context.Context, command string) error {
	if err := s.show(command); err != nil {
		return err
	}
	if parts := assignment.FindStringSubmatch(command); parts != nil {
		return s.assign(ctx, parts[1], parts[2])
	}
	output, err := s.execute(ctx, command)
	s.print(output)
	return err
}

// show prints a command and records it.
func (s *shell) show(command string) error {
	fmt.Fprintf(s.out, "   $ %s\n", strings.ReplaceAll(command, "\n", "\n     "))
	if _, err := fmt.Fprintln(s.record, command); err != nil {
		return fmt.Errorf("record the command: %w", err)
	}
	return nil
}

func (s *shell) print(output string) {
	for _, line := range lay(output) {
		fmt.Fprintf(s.out, "   %s\n", line)
	}
}

func (s *shell) assign(ctx context.Context, name, command string) error {
	output, err := s.execute(ctx, command)
	if err != nil {
		return err
	}
	value := strings.TrimRight(output, "\n") // as a shell does
	if value == "" {
		return fmt.Errorf("%s is empty", name)
	}
	s.variables = append(s.variables, name+"="+value)
	return nil
}

// get returns the last value of a variable that a command has set, "" where none has.
func (s *shell) get(name string) string {
	for _, v := range slices.Backward(s.variables) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// execute returns what the command writes to its standard output; the error holds the rest.
func (s *shell) execute(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	sh := exec.CommandContext(ctx, "/bin/sh", "-eu", "-c", ". "+s.env+"\n"+command)
	sh.Dir = s.dir
	sh.Env = append(os.Environ(), s.variables...)
	// A group of its own, so that what the shell has started ends with it.
	sh.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sh.Cancel = func() error { return syscall.Kill(-sh.Process.Pid, syscall.SIGKILL) }
	var stdout, stderr bytes.Buffer
	sh.Stdout, sh.Stderr = &stdout, &stderr
	if err := sh.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if said := shorten(strings.TrimSpace(stderr.String())); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return stdout.String(), err
	}
	return stdout.String(), nil
}
