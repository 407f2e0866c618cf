package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// shell runs each step of the demo and prints it as the command that a person would type after
// `. .dev/env`. Commands hold $VARIABLES, which the printed line leaves to the person's shell and
// the demo expands itself.
type shell struct {
	out       io.Writer
	kubectl   string // path of the program
	http      *http.Client
	variables []variable // in the order in which they were set
}

type variable struct{ name, value string }

// set gives a variable its value.
func (s *shell) set(name, value string) {
	s.variables = slices.DeleteFunc(s.variables, func(v variable) bool { return v.name == name })
	s.variables = append(s.variables, variable{name, value})
}

// assign sets a variable and prints the line that does the same in a person's shell.
func (s *shell) assign(name, value string) {
	s.set(name, value)
	fmt.Fprintf(s.out, "  $ %s=%s\n", name, quote(value))
}

// get returns a variable's value, "" where it has none.
func (s *shell) get(name string) string {
	for _, v := range s.variables {
		if v.name == name {
			return v.value
		}
	}
	return ""
}

// expand replaces each $VARIABLE by its value.
func (s *shell) expand(text string) string { return os.Expand(text, s.get) }

// title begins a part of the demo.
func (s *shell) title(text string) { fmt.Fprintf(s.out, "\n%s\n", text) }

// run runs kubectl with these arguments, prints what it prints, and returns it.
func (s *shell) run(ctx context.Context, args ...string) (string, error) {
	s.command(append([]string{"kubectl"}, args...))
	output, err := s.quietly(ctx, args...)
	for line := range strings.Lines(output) {
		fmt.Fprintf(s.out, "  %s", line)
	}
	return output, err
}

// quietly is run without a word.
func (s *shell) quietly(ctx context.Context, args ...string) (string, error) {
	expanded := make([]string, len(args))
	for i, arg := range args {
		expanded[i] = s.expand(arg)
	}
	command := exec.CommandContext(ctx, s.kubectl, expanded...)
	command.Env = append(os.Environ(), "KUBECONFIG="+s.get("KUBECONFIG"))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("kubectl %s: %w: %s",
			strings.Join(expanded, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(output), nil
}

func (s *shell) command(words []string) {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	fmt.Fprintf(s.out, "  $ %s\n", strings.Join(quoted, " "))
}

// quote makes one word of a shell command of text in which only $VARIABLES are special.
func quote(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%"
	switch {
	case text != "" && strings.Trim(text, plain) == "":
		return text
	case strings.Contains(text, "$"):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`").Replace(text) + `"`
	default:
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
}
