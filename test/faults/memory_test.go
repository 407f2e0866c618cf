package faults_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// TestUnrelatedSecretsCostNoMemory: hundreds of large Secrets come into a tenant's namespace, before
// an operator starts and while one runs.
func TestUnrelatedSecretsCostNoMemory(t *testing.T) {
	t.Parallel()
	heavy.Lock()
	defer heavy.Unlock()
	const secrets, grants, mostMiB = 300, 20, 20
	s := newSite(t, "memory")
	s.populate(t, s.tenant())
	o := s.start(t)
	all := s.grants(t, s.tenant(), "grant", grants, each(lifetime(70*time.Second, time.Minute)))
	awaitReady(t, all...)
	without := steadyMemory(t, o)

	unrelated := map[string]string{"unrelated": "true"}
	content := make([]byte, 1<<20-200)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(4)
	for i := range secrets {
		group.Go(func() error {
			return admin.Create(ctx, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: s.tenant(), Name: fmt.Sprintf("large-%d", i), Labels: unrelated},
				Data:       map[string][]byte{"large": content},
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = admin.DeleteAllOf(context.Background(), &corev1.Secret{}, client.InNamespace(s.tenant()), client.MatchingLabels(unrelated))
	})
	while := steadyMemory(t, o)
	if err := o.Stop(); err != nil {
		t.Error(err)
	}
	o = s.start(t)
	awaitReady(t, all...)
	afterwards := steadyMemory(t, o)

	figure(t, "memory: MiB resident without the Secrets", fmt.Sprintf("%.1f", without))
	figure(t, "memory: MiB more after 300 Secrets of 1 MiB were made (at most 20)", fmt.Sprintf("%.1f", while-without))
	figure(t, "memory: MiB more in an operator that starts beside them (at most 20)", fmt.Sprintf("%.1f", afterwards-without))
	if while-without > mostMiB || afterwards-without > mostMiB {
		t.Errorf("from %.1f MiB to %.1f MiB, and %.1f MiB after a restart", without, while, afterwards)
	}
	s.seen.Check(t)
}

// steadyMemory is the operator's resident memory, in MiB, after it has rotated for a while.
func steadyMemory(t *testing.T, o *operator.Operator) float64 {
	t.Helper()
	stage.AwaitTime(t, time.Now().Add(15*time.Second))
	return residentMemory(t, o)
}

// residentMemory is the operator's, in MiB.
func residentMemory(t *testing.T, o *operator.Operator) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmRSS:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		t.Fatal("the process has no VmRSS")
	}
	kibibytes, err := strconv.ParseFloat(string(fields[0]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return kibibytes / 1024
}
