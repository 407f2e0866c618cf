package chart_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// What the operator may do, as "resource.group [name]" and its verbs, all of them.
var (
	inTenant = map[string]string{
		"authtenants.auth.grantkeeper.dev":               "get list watch",
		"authtenants/status.auth.grantkeeper.dev":        "patch",
		"authusers.auth.grantkeeper.dev":                 "get list patch watch",
		"authusers/status.auth.grantkeeper.dev":          "patch",
		"authclients.auth.grantkeeper.dev":               "get list patch watch",
		"authclients/status.auth.grantkeeper.dev":        "patch",
		"refreshtokengrants.auth.grantkeeper.dev":        "create delete get list patch watch",
		"refreshtokengrants/status.auth.grantkeeper.dev": "patch",
		"authsessions.auth.grantkeeper.dev":              "create delete get list watch",
		"tokenrevocations.auth.grantkeeper.dev":          "create delete get list watch",
		"secrets":                                        "create get list update watch",
		"events.events.k8s.io":                           "create patch",
		"namespaces " + tenant:                           "get list watch",
	}
	inOperator = map[string]string{
		"secrets":                                "create get list update watch",
		"leases.coordination.k8s.io":             "create",
		"leases.coordination.k8s.io grantkeeper": "get update",
		"events":                                 "create patch",
		"events.events.k8s.io":                   "create patch",
	}
	// To tell who wants the metrics.
	everywhere = map[string]string{
		"tokenreviews.authentication.k8s.io":        "create",
		"subjectaccessreviews.authorization.k8s.io": "create",
	}
	// To follow the labels of its tenants' namespaces. To list one is to ask the whole cluster, so that it
	// counts everywhere, for these names alone.
	ofTenants = map[string]string{
		"namespaces " + tenant: "list watch",
		"namespaces " + second: "list watch",
	}
)

func TestTheOperatorMayDoExactlyWhatIsListedHere(t *testing.T) {
	t.Parallel()
	installed(t)
	tests := map[string]struct {
		namespace string
		want      []map[string]string
	}{
		"in a tenant's namespace":               {tenant, []map[string]string{everywhere, ofTenants, inTenant}},
		"in its own namespace":                  {operator, []map[string]string{everywhere, ofTenants, inOperator}},
		"no more than that among strangers":     {stranger, []map[string]string{everywhere, ofTenants}},
		"no more than that among the cluster's": {"kube-system", []map[string]string{everywhere, ofTenants}},
	}
	config := asOperator(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := map[string]string{}
			for _, rules := range tc.want {
				maps.Copy(want, rules)
			}
			wantRules(t, config, tc.namespace, want)
		})
	}
}

// Beside the shared release, under a name of its own: two may serve one cluster.
func TestInClusterModeTheOperatorMayDoTheSameEverywhereAndNoMore(t *testing.T) {
	t.Parallel()
	installed(t)
	const name, namespace = "everywhere-grantkeeper", "everywhere-system"
	mustHelm(t, "install", name, chartDir(t), "--namespace", namespace, "--create-namespace",
		"--set", "clusterMode=true,crds.enabled=false,admissionPolicy.enabled=false")
	t.Cleanup(func() { mustHelm(t, "uninstall", name, "--namespace", namespace) })

	config, err := cp.ServiceAccountConfig(t.Context(), namespace, name)
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(everywhere)
	maps.Copy(want, inTenant)
	delete(want, "namespaces "+tenant)
	want["namespaces"] = "get list watch"
	wantRules(t, config, stranger, want)
}

// wantRules compares what somebody may do in a namespace, beyond what Kubernetes lets every
// ServiceAccount do.
func wantRules(t *testing.T, config *rest.Config, namespace string, want map[string]string) {
	t.Helper()
	somebody, anybody := mustConnect(t, config), mustConnect(t, asAnybody(t))
	// The authorizer learns of a binding a moment after it was made.
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		got, err := rulesOf(ctx, somebody, namespace)
		if err != nil {
			return err
		}
		given, err := rulesOf(ctx, anybody, namespace)
		if err != nil {
			return err
		}
		maps.DeleteFunc(got, func(resource, verbs string) bool { return given[resource] == verbs })
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("rules (-want +got):\n%s", diff)
		}
		return nil
	})
}

// asAnybody is a connection as a ServiceAccount to which nobody has given anything.
func asAnybody(t *testing.T) *rest.Config {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: stranger, GenerateName: "anybody-"}}
	if err := mustConnect(t, cp.Config).Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	config, err := cp.ServiceAccountConfig(t.Context(), account.Namespace, account.Name)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// rulesOf asks the API server for all that the client may do in a namespace.
func rulesOf(ctx context.Context, c client.Client, namespace string) (map[string]string, error) {
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := c.Create(ctx, review); err != nil {
		return nil, err
	}
	if review.Status.Incomplete {
		return nil, fmt.Errorf("incomplete rules: %s", review.Status.EvaluationError)
	}
	verbs := map[string][]string{}
	for _, rule := range review.Status.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range append(rule.ResourceNames, "")[:max(1, len(rule.ResourceNames))] {
					key := strings.TrimSpace(strings.TrimSuffix(resource+"."+group, ".") + " " + name)
					verbs[key] = append(verbs[key], rule.Verbs...)
				}
			}
		}
	}
	rules := map[string]string{}
	for key, each := range verbs {
		slices.Sort(each)
		rules[key] = strings.Join(slices.Compact(each), " ")
	}
	return rules, nil
}

func TestTheOperatorIsAskedAndAnswersForEachOfItsActs(t *testing.T) {
	t.Parallel()
	installed(t)
	const group = "auth.grantkeeper.dev"
	tests := map[string]struct {
		attributes authorizationv1.ResourceAttributes
		want       bool
	}{
		"it writes the subject of a user":           {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Group: group, Resource: "authusers"}, true},
		"it applies the status of a user":           {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Group: group, Resource: "authusers", Subresource: "status"}, true},
		"it applies the status of a grant":          {authorizationv1.ResourceAttributes{Namespace: second, Verb: "patch", Group: group, Resource: "refreshtokengrants", Subresource: "status"}, true},
		"it applies the status of a tenant":         {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Group: group, Resource: "authtenants", Subresource: "status"}, true},
		"it changes no tenant":                      {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Group: group, Resource: "authtenants"}, false},
		"it creates no user":                        {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "create", Group: group, Resource: "authusers"}, false},
		"it deletes no user":                        {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "delete", Group: group, Resource: "authusers"}, false},
		"it replaces no grant":                      {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "update", Group: group, Resource: "refreshtokengrants"}, false},
		"it makes a grant after a login":            {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "create", Group: group, Resource: "refreshtokengrants"}, true},
		"it sweeps a grant":                         {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "delete", Group: group, Resource: "refreshtokengrants"}, true},
		"it sweeps no namespace at a stroke":        {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "deletecollection", Group: group, Resource: "refreshtokengrants"}, false},
		"it makes a session":                        {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "create", Group: group, Resource: "authsessions"}, true},
		"it changes no session":                     {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Group: group, Resource: "authsessions"}, false},
		"it sweeps a revocation":                    {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "delete", Group: group, Resource: "tokenrevocations"}, true},
		"it writes a tenant's Secret":               {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "update", Resource: "secrets"}, true},
		"it deletes no Secret of a tenant":          {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "delete", Resource: "secrets"}, false},
		"it patches no Secret of a tenant":          {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Resource: "secrets"}, false},
		"it deletes no keyring":                     {authorizationv1.ResourceAttributes{Namespace: operator, Verb: "delete", Resource: "secrets"}, false},
		"it reads no Secret of strangers":           {authorizationv1.ResourceAttributes{Namespace: stranger, Verb: "get", Resource: "secrets"}, false},
		"it lists no Secrets of the cluster":        {authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"}, false},
		"it lists no users of the cluster":          {authorizationv1.ResourceAttributes{Verb: "list", Group: group, Resource: "authusers"}, false},
		"it reads the namespace of a tenant":        {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "get", Resource: "namespaces", Name: tenant}, true},
		"it reads no namespace of strangers":        {authorizationv1.ResourceAttributes{Namespace: stranger, Verb: "get", Resource: "namespaces", Name: stranger}, false},
		"it lists no namespaces":                    {authorizationv1.ResourceAttributes{Verb: "list", Resource: "namespaces"}, false},
		"it watches the namespace of a tenant":      {authorizationv1.ResourceAttributes{Verb: "watch", Resource: "namespaces", Name: tenant}, true},
		"it watches no namespace of strangers":      {authorizationv1.ResourceAttributes{Verb: "watch", Resource: "namespaces", Name: stranger}, false},
		"it labels no namespace":                    {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "patch", Resource: "namespaces", Name: tenant}, false},
		"it holds its lease":                        {authorizationv1.ResourceAttributes{Namespace: operator, Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Name: "grantkeeper"}, true},
		"it takes nobody else's lease":              {authorizationv1.ResourceAttributes{Namespace: operator, Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Name: "other"}, false},
		"it tells of a grant in an Event":           {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "create", Group: "events.k8s.io", Resource: "events"}, true},
		"it asks who wants the metrics":             {authorizationv1.ResourceAttributes{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"}, true},
		"it gives itself no rights":                 {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings"}, false},
		"it impersonates nobody":                    {authorizationv1.ResourceAttributes{Verb: "impersonate", Resource: "users", Name: "admin"}, false},
		"it requests no tokens of others' accounts": {authorizationv1.ResourceAttributes{Namespace: tenant, Verb: "create", Resource: "serviceaccounts", Subresource: "token"}, false},
	}
	c := mustConnect(t, asOperator(t))
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			controlplane.Eventually(t, convergence, func(ctx context.Context) error {
				review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &tc.attributes}}
				if err := c.Create(ctx, review); err != nil {
					return err
				}
				if review.Status.Allowed != tc.want {
					return fmt.Errorf("allowed is %t, want %t: %s", review.Status.Allowed, tc.want, review.Status.Reason)
				}
				return nil
			})
		})
	}
}

// A Role can allow to read the very namespace that it lies in: not an access review says so, but
// the read itself.
func TestTheOperatorReadsTheNamespaceOfATenantAndNoOther(t *testing.T) {
	t.Parallel()
	installed(t)
	c := mustConnect(t, asOperator(t))
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		return c.Get(ctx, client.ObjectKey{Name: tenant}, &corev1.Namespace{})
	})
	list := func(ctx context.Context, name string) (int, error) {
		namespaces := &corev1.NamespaceList{}
		err := c.List(ctx, namespaces, client.MatchingFields{"metadata.name": name})
		return len(namespaces.Items), err
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		found, err := list(ctx, tenant)
		if err == nil && found != 1 {
			err = fmt.Errorf("%d namespaces, want 1", found)
		}
		return err
	})
	if err := c.Get(t.Context(), client.ObjectKey{Name: stranger}, &corev1.Namespace{}); err == nil {
		t.Error("read the namespace of strangers")
	}
	if _, err := list(t.Context(), stranger); err == nil {
		t.Error("listed the namespace of strangers")
	}
}

func TestEachUserRoleHoldsTheOneBelowIt(t *testing.T) {
	t.Parallel()
	installed(t)
	admin := mustConnect(t, cp.Config)
	held := map[string]bool{}
	for _, role := range []string{"view", "edit", "admin"} {
		object := &rbacv1.ClusterRole{}
		if err := admin.Get(t.Context(), client.ObjectKey{Name: release + "-" + role}, object); err != nil {
			t.Fatal(err)
		}
		rights := flatten(object.Rules)
		for right := range held {
			if !rights[right] {
				t.Errorf("%s may not %s, though the role below may", role, right)
			}
		}
		if len(rights) == len(held) {
			t.Errorf("%s adds nothing to the role below", role)
		}
		held = rights
	}
	for right := range held {
		if verb, resource, _ := strings.Cut(right, " "); strings.Contains(resource, "/") ||
			verb == "create" && (resource == "authsessions" || resource == "tokenrevocations") {
			t.Errorf("people may %s, which is the operator's", right)
		}
	}
}

func flatten(rules []rbacv1.PolicyRule) map[string]bool {
	rights := map[string]bool{}
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights[verb+" "+resource] = true
			}
		}
	}
	return rights
}

// The pod that the chart describes runs where the restricted Pod Security Standard is enforced.
func TestThePodIsAdmittedWhereTheRestrictedStandardIsEnforced(t *testing.T) {
	t.Parallel()
	installed(t)
	admin := mustConnect(t, cp.Config)
	template := deployment(t, sharedValues(t)...).Spec.Template
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: operator, Name: "as-rendered", Labels: template.Labels},
		Spec:       template.Spec,
	}
	if err := admin.Create(t.Context(), pod, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
		t.Errorf("refused: %v", err)
	}
	privileged := pod.DeepCopy()
	privileged.ResourceVersion = ""
	privileged.Spec.Containers[0].SecurityContext = nil
	if err := admin.Create(t.Context(), privileged, client.DryRunAll); err == nil {
		t.Error("a pod without its security context was admitted: the standard is not enforced here")
	}
}

func TestWhoeverIsBoundToTheMetricsReaderMayScrape(t *testing.T) {
	t.Parallel()
	installed(t)
	const scraper = "scraper"
	mayScrape := func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
		}}
		err := mustConnect(t, as(scraper)).Create(ctx, review)
		return review.Status.Allowed, err
	}
	if allowed, err := mayScrape(t.Context()); err != nil || allowed {
		t.Errorf("before it is bound: %t, %v", allowed, err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: scraper},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: release + "-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: scraper}},
	}
	if err := mustConnect(t, cp.Config).Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		allowed, err := mayScrape(ctx)
		if err == nil && !allowed {
			err = errors.New("not allowed")
		}
		return err
	})
}
