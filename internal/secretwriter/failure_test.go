package secretwriter_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// canary is planted in the data and must not turn up anywhere else.
const canary = "canary-5f3b"

var secrets = schema.GroupResource{Resource: "secrets"}

// failing is a Writer over an API server that answers as the functions say.
func failing(funcs interceptor.Funcs, objects ...client.Object) *secretwriter.Writer {
	c := fake.NewClientBuilder().WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
	return secretwriter.New(c, c)
}

func TestWriteReportsErrorsWithoutData(t *testing.T) {
	t.Parallel()
	unreachable := apierrors.NewServiceUnavailable("etcd is away")
	conflict := apierrors.NewConflict(secrets, "billing-token", nil)
	create := func(err error) interceptor.Funcs {
		return interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return err
		}}
	}
	update := func(err, live error) interceptor.Funcs {
		return interceptor.Funcs{
			Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error { return err },
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return live
			},
		}
	}
	existing := secret("team-a", func(s *corev1.Secret) { s.ResourceVersion = "7" })
	cases := map[string]struct {
		writer   *secretwriter.Writer
		observed *corev1.Secret
		wantVerb string
	}{
		"a Create that fails":             {failing(create(unreachable)), nil, "create"},
		"an Update that fails":            {failing(update(unreachable, nil), existing), existing, "update"},
		"a lost race that cannot be read": {failing(update(conflict, unreachable), existing), existing, "read"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := tc.writer.Write(t.Context(), target("team-a"), token(canary), seen(tc.observed))
			if !apierrors.IsServiceUnavailable(err) || result != (secretwriter.Result{}) {
				t.Fatalf("Write = %v, %v; want the API server's error and no result", result, err)
			}
			if want := tc.wantVerb + ` Secret "team-a/billing-token"`; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("the error %q does not begin with %q", err, want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error %q holds data", err)
			}
		})
	}
}

func TestARefusalOfTheAPIServerHoldsNoData(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	content := secretwriter.Content{Data: map[string][]byte{"not a key": []byte(canary)}}
	_, err := r.writer.Write(t.Context(), target(r.namespace), content, secretwriter.Observed{})
	if !apierrors.IsInvalid(err) {
		t.Fatalf("Write: %v, want Invalid", err)
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error %q holds data", err)
	}
}

func TestWriteRefusesWhatItCouldNotUndo(t *testing.T) {
	t.Parallel()
	unread := interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			panic("a Secret was created")
		},
		Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
			panic("a Secret was updated")
		},
	}
	read := func(s *corev1.Secret) { s.ResourceVersion = "7" }
	cases := map[string]struct {
		target   func(*secretwriter.Target)
		observed *corev1.Secret
	}{
		"a target without a label":      {func(t *secretwriter.Target) { t.Credential = "" }, nil},
		"a target without evidence":     {func(t *secretwriter.Target) { t.Evidence.Annotation = "" }, nil},
		"a holder without a name":       {func(t *secretwriter.Target) { t.Evidence.Value = "" }, nil},
		"a Secret that was never read":  {func(*secretwriter.Target) {}, secret("team-a")},
		"a Secret of another name":      {func(t *secretwriter.Target) { t.Name = "other" }, secret("team-a", read)},
		"a Secret of another namespace": {func(*secretwriter.Target) {}, secret("team-b", read)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := target("team-a")
			tc.target(&target)
			if _, err := failing(unread).Write(t.Context(), target, token(canary), seen(tc.observed)); err == nil {
				t.Error("Write gave no error")
			}
		})
	}
}
