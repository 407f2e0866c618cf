package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// demo is one walk through the main job.
type demo struct {
	out   io.Writer
	place *place
	shell *shell

	number int // of the step that is being shown
	title  string
}

// up shows the demo from its start and leaves it running. An earlier one is stopped first.
func up(ctx context.Context, out io.Writer, p *place) (err error) {
	if err := p.lock(ctx, out); err != nil {
		return err
	}
	stopped, err := p.stopDaemons(ctx)
	if err != nil {
		return err
	}
	if len(stopped) > 0 {
		fmt.Fprintln(out, "An earlier demo was running; it was stopped, and its cluster is gone.")
	}
	if err := p.clear(); err != nil {
		return err
	}
	record, err := os.OpenFile(p.file("commands.sh"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("record the commands: %w", err)
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	fmt.Fprintf(record, "#!/bin/sh\n# What the demo has typed. To type it again, where the demo was started: sh -eu .dev/commands.sh\n")
	d := &demo{out: out, place: p, shell: &shell{out: out, record: record, dir: p.root, env: ".dev/env"}}
	if err := d.show(ctx); err != nil {
		fmt.Fprintf(out, "\nFAILED in step %d, %s.\n"+
			"What runs was left running, until `make down`. The logs: %s, %s and %s.\n",
			d.number, d.title, p.operator.log, p.controlPlane.log, p.file("control-plane", "*.log"))
		return err
	}
	return d.close()
}

func (d *demo) show(ctx context.Context) error {
	address, err := endpointAddress()
	if err != nil {
		return err
	}
	if address != usualAddress {
		fmt.Fprintf(d.out, "%s is taken; the endpoint gets %s.\n", usualAddress, address)
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	server := d.place.server("https://" + address)
	if err := d.place.setEnv(server); err != nil {
		return err
	}
	if err := d.step(ctx, installation); err != nil {
		return err
	}
	if err := d.operate(ctx, address); err != nil {
		return err
	}
	if err := d.step(ctx, application); err != nil {
		return err
	}
	samples, err := d.shell.samples(ctx)
	if err != nil {
		return err
	}
	if err := d.place.setEnv(append(server, samples...)); err != nil {
		return err
	}
	for _, step := range mainJob {
		if err := d.step(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// begin prints the heading of a step.
func (d *demo) begin(title, why string) {
	d.number++
	d.title = title
	fmt.Fprintf(d.out, "\n%d. %s\n   %s\n\n", d.number, title, strings.ReplaceAll(why, "\n", "\n   "))
}

func (d *demo) step(ctx context.Context, s step) error {
	d.begin(s.title, s.why)
	for _, command := range s.commands {
		if err := d.shell.run(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) prepare(ctx context.Context) error {
	d.begin("Start a Kubernetes", "etcd, kube-apiserver and kube-controller-manager on loopback ports, for this demo alone. Whatever this\n"+
		"machine has never built is built first, which takes minutes, once.")
	assets, err := d.place.gather(ctx, d.out)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, "   control plane")
	return d.place.startControlPlane(ctx, assets)
}

func (d *demo) operate(ctx context.Context, address string) error {
	if err := d.step(ctx, operation); err != nil {
		return err
	}
	flags, err := d.place.startOperator(address, d.shell.get("OPERATOR_TOKEN"))
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   in the background: grantkeeper \\\n     %s\n", strings.Join(flags, " \\\n     "))
	if err := d.place.awaitOperator(ctx, address); err != nil {
		return err
	}
	return d.shell.run(ctx, "kubectl auth whoami --kubeconfig .dev/"+operatorKubeconfig)
}

// close says what is there now, and what to do with it.
func (d *demo) close() error {
	env, err := os.ReadFile(d.place.env())
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, `
All of it worked and is left running. A shell joins in with

   . .dev/env

which says

   %s

To go on:

   kubectl get grantkeeper -A                   # all that there is
   kubectl get rtg billing-short -n demo -w     # a renewal every half minute
   kubectl explain rtg.spec                     # what a grant can say
   helm upgrade grantkeeper charts/grantkeeper --hide-notes -n grantkeeper-system \
     --reuse-values --set userManagement.enabled=true   # let wazo clients make and change users
   sh -eu .dev/commands.sh                      # all of the above once more

docs/spec/v1alpha1 has a page for each kind. The operator logs to %s.
make down stops everything.
`, strings.ReplaceAll(strings.TrimSpace(string(env)), "\n", "\n   "), d.place.operator.log)
	return nil
}

// down stops the demo, and only that. Its files stay, for whoever wants to read the logs.
func down(ctx context.Context, out io.Writer, p *place) error {
	stopped, err := p.stopDaemons(ctx)
	if err != nil {
		return err
	}
	if len(stopped) == 0 {
		fmt.Fprintln(out, "Nothing to stop: no demo is running.")
	}
	for _, name := range stopped {
		fmt.Fprintf(out, "Stopped the %s.\n", name)
	}
	// Both would lead to a server that is gone.
	for _, name := range []string{p.kubeconfig(), p.env()} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("clean up after the demo: %w", err)
		}
	}
	return nil
}
