package faults_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// fuzzed is how many specs there are of each kind.
var fuzzed = []struct {
	kind, plural string
	n            int
}{
	{"AuthUser", "authusers", 250},
	{"AuthClient", "authclients", 250},
	{"AuthTenant", "authtenants", 50},
	{"RefreshTokenGrant", "refreshtokengrants", 400},
	{"AuthSession", "authsessions", 25},
	{"TokenRevocation", "tokenrevocations", 25},
}

// seed gives the same specs every time. Another one is as good.
const seed = 20261121

// TestWhateverASpecSaysItGetsAReason: a thousand specs that nobody thought of. What is refused is
// refused with the field named, what is taken ends with a documented reason, and all of it together
// neither ends the operator nor keeps it busy.
func TestWhateverASpecSaysItGetsAReason(t *testing.T) {
	t.Parallel()
	s := newSite(t, "fuzz", "team", "canary")
	proxy := stage.NewProxy(t, cp.Config)
	s.start(t, through(proxy))
	s.populate(t, s.release.Tenants[1])
	canary := s.rotating(t, s.release.Tenants[1])

	heavy.Lock()
	defer heavy.Unlock()
	f := &fuzz{site: s, speller: speller{rand.New(rand.NewPCG(seed, 0))}}
	f.secrets(t)
	f.applyAll(t)
	reasons := f.awaitReasons(t)

	before, started := proxy.Requests(), time.Now()
	stage.AwaitTime(t, started.Add(30*time.Second))
	busy := requestsPerMinute(before, proxy.Requests(), time.Since(started))
	s.awaitRotation(t, canary)
	figure(t, "fuzz: specs, accepted, refused with a field named", fmt.Sprintf("%d, %d, %d", f.accepted+f.refused, f.accepted, f.refused))
	figure(t, "fuzz: reasons of Ready", strings.Join(slices.Sorted(maps.Keys(reasons)), " "))
	figure(t, "fuzz: requests a minute once all had a reason (at most 300)", fmt.Sprintf("%.0f", busy))
	if f.accepted < 300 || f.refused < 100 {
		t.Errorf("%d accepted, %d refused: the specs are not plausible any more", f.accepted, f.refused)
	}
	if busy > 300 {
		t.Errorf("%.0f requests a minute when there is nothing to do", busy)
		for what, n := range proxy.Requests() {
			t.Logf("%d × %s", n-before[what], what)
		}
	}
}

// fuzz applies what the speller writes.
type fuzz struct {
	*site
	speller
	accepted, refused int
}

// secrets are some that specs may refer to.
func (f *fuzz) secrets(t *testing.T) {
	t.Helper()
	for i := range 10 {
		password := gen.InputSecret(fmt.Sprintf("password-%d", i), v1alpha1.KeyPassword, "open sesame")
		password.Data[v1alpha1.KeyClientSecret] = []byte("open sesame")
		hash := gen.InputSecret(fmt.Sprintf("hash-%d", i), "hash", f.pick("not a hash", "$2b$10$", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$aGFzaA", "\xff\xfe"))
		f.apply(t, gen.In(f.tenant(), password), gen.In(f.tenant(), hash))
	}
}

func (f *fuzz) applyAll(t *testing.T) {
	t.Helper()
	account, err := cp.ServiceAccountConfig(t.Context(), f.release.Namespace, f.release.Name)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := stage.Connect(account)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range fuzzed {
		spec := specShape(t, of.plural)
		for i := range of.n {
			object := &unstructured.Unstructured{Object: map[string]any{"spec": f.value(spec, of.kind)}}
			object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(of.kind))
			object.SetNamespace(f.tenant())
			object.SetName(fmt.Sprintf("%s-%d", strings.ToLower(of.kind), i))
			as := client.Client(admin)
			switch of.kind {
			case "AuthTenant":
				object.SetName("tenant")
			case "AuthSession":
				object.SetName(tokens.SessionName(object.GetName()))
				as = endpoint
			case "TokenRevocation":
				object.SetName(uuid.NewSHA1(uuid.Nil, []byte(object.GetName())).String())
				as = endpoint
			}
			f.count(t, object, put(t.Context(), as, object))
		}
	}
}

// put creates an object, or replaces the spec of the one that is there.
func put(ctx context.Context, as client.Client, object *unstructured.Unstructured) error {
	wanted := object.DeepCopy()
	err := as.Create(ctx, object)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error { // the operator writes its status meanwhile
		if err := as.Get(ctx, client.ObjectKeyFromObject(wanted), object); err != nil {
			return err
		}
		object.Object["spec"] = wanted.Object["spec"]
		return as.Update(ctx, object)
	})
}

// count holds a refusal to naming the field.
func (f *fuzz) count(t *testing.T, object *unstructured.Unstructured, err error) {
	t.Helper()
	if err == nil {
		f.accepted++
		return
	}
	f.refused++
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		t.Errorf("%s: no answer of the API server: %v", object.GetKind(), err)
		return
	}
	if apierrors.IsForbidden(err) { // by the admission policy, which says what to do
		return
	}
	details := status.Status().Details
	named := apierrors.IsInvalid(err) && details != nil && slices.ContainsFunc(details.Causes, func(c metav1.StatusCause) bool {
		return strings.HasPrefix(c.Field, "spec")
	})
	if !named {
		t.Errorf("%s is refused without a field: %v\n%v", object.GetKind(), err, object.Object["spec"])
	}
}

// awaitReasons waits until everything says whether it is Ready and why.
func (f *fuzz) awaitReasons(t *testing.T) map[string]bool {
	t.Helper()
	reasons := map[string]bool{}
	poll(t, func(ctx context.Context) error {
		for _, of := range fuzzed[:4] {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(of.kind + "List"))
			if err := admin.List(ctx, list, client.InNamespace(f.tenant())); err != nil {
				return err
			}
			for i := range list.Items {
				reason, err := readyReason(&list.Items[i])
				if err != nil {
					return err
				}
				reasons[of.kind+"/"+reason] = true
			}
		}
		return nil
	})
	for reason := range reasons {
		wantDocumented(t, reason)
	}
	return reasons
}

func readyReason(object *unstructured.Unstructured) (string, error) {
	all, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return "", err
	}
	for _, raw := range all {
		condition, _ := raw.(map[string]any)
		if condition["type"] == v1alpha1.ConditionReady && condition["observedGeneration"] == object.GetGeneration() {
			return fmt.Sprint(condition["reason"]), nil
		}
	}
	return "", fmt.Errorf("%s %q does not say whether it is Ready; its spec is %v, its conditions are %v",
		object.GetKind(), object.GetName(), object.Object["spec"], all)
}

// wantDocumented looks a reason up on the page of its kind.
func wantDocumented(t *testing.T, of string) {
	t.Helper()
	kind, reason, _ := strings.Cut(of, "/")
	root, err := controlplane.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "spec", "v1alpha1", strings.ToLower(kind)+".md"))
	if err != nil {
		t.Error(err)
		return
	}
	if !strings.Contains(string(page), "`"+reason+"`") {
		t.Errorf("the page of %s does not document the reason %q", kind, reason)
	}
}
