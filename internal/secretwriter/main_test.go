package secretwriter_test

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{}))
}

// room is a Writer, and a client to look behind it, in a namespace of its own.
type room struct {
	*testing.T
	client    client.WithWatch
	writer    *secretwriter.Writer
	namespace string
}

func newRoom(t *testing.T) *room {
	t.Helper()
	c, err := client.NewWithWatch(cp.Config, client.Options{})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return &room{T: t, client: c, writer: secretwriter.New(c, c), namespace: cp.Namespace(t)}
}

// given is a Secret that exists already.
func (r *room) given(mods ...func(*corev1.Secret)) *corev1.Secret {
	r.Helper()
	s := secret(r.namespace, mods...)
	if err := r.client.Create(r.Context(), s); err != nil {
		r.Fatalf("create the given Secret: %v", err)
	}
	return s
}

func (r *room) update(s *corev1.Secret) {
	r.Helper()
	if err := r.client.Update(r.Context(), s); err != nil {
		r.Fatalf("update the given Secret: %v", err)
	}
}

func (r *room) delete(s *corev1.Secret) {
	r.Helper()
	if err := r.client.Delete(r.Context(), s); err != nil {
		r.Fatalf("delete the given Secret: %v", err)
	}
}

// live is the Secret as the API server has it.
func (r *room) live() *corev1.Secret {
	r.Helper()
	s := &corev1.Secret{}
	key := client.ObjectKey{Namespace: r.namespace, Name: "billing-token"}
	if err := r.client.Get(r.Context(), key, s); err != nil {
		r.Fatalf("read the Secret: %v", err)
	}
	return s
}

// write writes to the room's target and wants the outcome.
func (r *room) write(content secretwriter.Content, observed secretwriter.Observed, want secretwriter.Outcome) secretwriter.Result {
	r.Helper()
	result, err := r.writer.Write(r.Context(), target(r.namespace), content, observed)
	if err != nil {
		r.Fatalf("Write: %v", err)
	}
	if result.Outcome != want {
		r.Fatalf("Write = %s (%s), want %s", result.Outcome, result.Verdict, want)
	}
	return result
}

// token is a content that holds one key.
func token(value string) secretwriter.Content {
	return secretwriter.Content{Data: map[string][]byte{"token": []byte(value)}}
}

func seen(s *corev1.Secret) secretwriter.Observed { return secretwriter.Observed{Secret: s} }
