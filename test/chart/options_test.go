package chart_test

import (
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/grantkeeper/grantkeeper/internal/app"
)

// parse gives the rendered arguments to the operator's own flags.
func parse(t testing.TB, d *appsv1.Deployment) *app.Options {
	t.Helper()
	options := &app.Options{}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	options.AddFlags(flags)
	var args []string
	for _, arg := range d.Spec.Template.Spec.Containers[0].Args {
		args = append(args, strings.ReplaceAll(arg, "$(POD_NAMESPACE)", d.Namespace))
	}
	if err := flags.Parse(args); err != nil {
		t.Fatalf("the operator does not take %q: %v", args, err)
	}
	if flags.NArg() > 0 {
		t.Fatalf("the operator does not take %q", flags.Args())
	}
	if err := options.Validate(); err != nil {
		t.Fatalf("the operator refuses %q: %v", args, err)
	}
	return options
}

func TestTheOperatorUnderstandsWhatEveryCombinationOfValuesPasses(t *testing.T) {
	t.Parallel()
	for _, values := range ciValues(t) {
		t.Run(filepath.Base(values), func(t *testing.T) {
			t.Parallel()
			parse(t, deployment(t, "--values", values))
		})
	}
}

func TestTheDefaultsAreTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	got := parse(t, deployment(t, sharedValues(t)...))

	want := &app.Options{}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	want.AddFlags(flags)
	want.Namespaces = []string{tenant, second}
	want.OperatorNamespace = operator
	want.BaseURL = "https://grantkeeper.grantkeeper-system.svc"
	want.ServingNames = []string{
		"grantkeeper", "grantkeeper.grantkeeper-system", "grantkeeper.grantkeeper-system.svc",
		"grantkeeper.grantkeeper-system.svc.cluster.local",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestEveryValueOfTheOperatorReachesIt(t *testing.T) {
	t.Parallel()
	d := deployment(t, "--values", filepath.Join(chartDir(t), "ci", "full-values.yaml"), "--set", "extraArgs={--listen=:9443}")
	got := parse(t, d)

	if got.DefaultTenant != tenant || got.BaseURL != "https://auth.example.com" || !got.Verbose || got.Listen != ":9443" {
		t.Errorf("options are %+v", got)
	}
	if got.MinTTL != 2*time.Minute || got.MinRenewBefore != 90*time.Second || got.MaxJWTTTL != 12*time.Hour || got.MaxStaleness != 15*time.Minute || got.DrainDelay != 10*time.Second {
		t.Errorf("durations are %+v", got)
	}
	if got.AuditLog != app.AuditLogStderr {
		t.Errorf("the audit log goes to %q", got.AuditLog)
	}
	const mounted = "/var/run/grantkeeper/session-store"
	if got.SessionStore != "rediss://grantkeeper@redis.sessions.svc:6380/2" || got.SessionStorePasswordFile != mounted+"/password" || got.SessionStoreCA != mounted+"/ca.crt" {
		t.Errorf("the session store is %+v", got)
	}
	if len(got.TrustedProxies) != 2 {
		t.Errorf("trusted proxies are %v", got.TrustedProxies)
	}
	if want := []string{"https://app.example.com", "http://localhost:3000", "https://[2001:db8::1]:8443"}; !slices.Equal(got.CORSAllowedOrigins, want) {
		t.Errorf("allowed origins are %q, want %q", got.CORSAllowedOrigins, want)
	}
	for _, name := range []string{"auth.internal", "192.0.2.10"} {
		if !slices.Contains(got.ServingNames, name) {
			t.Errorf("%q is not among the serving names %q", name, got.ServingNames)
		}
	}
}

func TestEveryOriginIsAllowedByAStar(t *testing.T) {
	t.Parallel()
	got := parse(t, deployment(t, "--set", "namespaces={a},corsAllowedOrigins={*}"))
	if want := []string{"*"}; !slices.Equal(got.CORSAllowedOrigins, want) {
		t.Errorf("allowed origins are %q, want %q", got.CORSAllowedOrigins, want)
	}
}

func TestADefaultBaseURLNamesAnotherPort(t *testing.T) {
	t.Parallel()
	got := parse(t, deployment(t, "--set", "namespaces={a},service.port=8443"))
	if want := "https://grantkeeper.grantkeeper-system.svc:8443"; got.BaseURL != want {
		t.Errorf("base URL is %q, want %q", got.BaseURL, want)
	}
}

func TestAGivenCertificateLeavesNoNamesToTheOperatorsCA(t *testing.T) {
	t.Parallel()
	got := parse(t, deployment(t, "--values", filepath.Join(chartDir(t), "ci", "minimal-values.yaml")))
	if got.TLSSecret != "grantkeeper-tls" || got.ServingNames != nil || got.MetricsBindAddress != "0" {
		t.Errorf("options are %+v", got)
	}
}
