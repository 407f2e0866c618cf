package app

import (
	"flag"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// parse reads a command line that is right but for the flags that follow.
func parse(t *testing.T, more ...string) (*Options, error) {
	t.Helper()
	var options Options
	flags := flag.NewFlagSet("grantkeeper", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	options.AddFlags(flags)
	right := []string{"--namespaces=team-a,team-b", "--operator-namespace=grantkeeper-system", "--base-url=https://auth.example.com"}
	if err := flags.Parse(append(right, more...)); err != nil {
		return nil, err
	}
	return &options, options.Validate()
}

func TestBadFlagsAreRefusedByName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags []string
		want  []string // parts of the message
	}{
		"neither namespaces nor cluster mode":  {flags: []string{"--namespaces="}, want: []string{"--namespaces or --cluster-mode"}},
		"both namespaces and cluster mode":     {flags: []string{"--cluster-mode"}, want: []string{"--namespaces and --cluster-mode"}},
		"no namespace of its own":              {flags: []string{"--operator-namespace="}, want: []string{"--operator-namespace"}},
		"its own namespace as a tenant":        {flags: []string{"--operator-namespace=team-a"}, want: []string{"--operator-namespace", `"team-a"`}},
		"its own namespace as default tenant":  {flags: []string{"--namespaces=", "--cluster-mode", "--default-tenant=grantkeeper-system"}, want: []string{"--operator-namespace", `"grantkeeper-system"`}},
		"a default tenant that is not watched": {flags: []string{"--default-tenant=team-c"}, want: []string{"--default-tenant", `"team-c"`, "--namespaces"}},
		"a namespace that cannot be one":       {flags: []string{"--namespaces=team-a,Team_B"}, want: []string{"--namespaces", `"Team_B"`}},
		"no base URL":                          {flags: []string{"--base-url="}, want: []string{"--base-url"}},
		"a base URL in the clear":              {flags: []string{"--base-url=http://auth.example.com"}, want: []string{"--base-url", "https"}},
		"a base URL without a host":            {flags: []string{"--base-url=https://:8443"}, want: []string{"--base-url"}},
		"a base URL that is none":              {flags: []string{"--base-url=https://%zz"}, want: []string{"--base-url"}},
		"a base URL with a user":               {flags: []string{"--base-url=https://me@auth.example.com"}, want: []string{"--base-url", "user"}},
		"a base URL with a query":              {flags: []string{"--base-url=https://auth.example.com?x=1"}, want: []string{"--base-url", "query"}},
		"a base URL with an empty query":       {flags: []string{"--base-url=https://auth.example.com?"}, want: []string{"--base-url", "query"}},
		"a base URL with a fragment":           {flags: []string{"--base-url=https://auth.example.com#x"}, want: []string{"--base-url", "fragment"}},
		"a base URL that ends in a slash":      {flags: []string{"--base-url=https://auth.example.com/"}, want: []string{"--base-url", "slash"}},
		"a negative floor":                     {flags: []string{"--min-ttl=-1s"}, want: []string{"--min-ttl"}},
		"a negative floor of renewal":          {flags: []string{"--min-renew-before=-1s"}, want: []string{"--min-renew-before"}},
		"a negative delay":                     {flags: []string{"--drain-delay=-1s"}, want: []string{"--drain-delay"}},
		"a ceiling below the floor":            {flags: []string{"--max-jwt-ttl=5m"}, want: []string{"--max-jwt-ttl 5m0s", "--min-ttl 10m0s"}},
		"no ceiling":                           {flags: []string{"--max-jwt-ttl=0", "--min-ttl=0"}, want: []string{"--max-jwt-ttl"}},
		"a view that is out of date at once":   {flags: []string{"--max-staleness=1m59s"}, want: []string{"--max-staleness 1m59s", "2m0s"}},
		"a view that is never too old":         {flags: []string{"--max-staleness=0"}, want: []string{"--max-staleness"}},
		"key sets that nobody may keep":        {flags: []string{"--jwks-max-age=500ms"}, want: []string{"--jwks-max-age 500ms"}},
		"keys that sign before they are known": {flags: []string{"--min-standby=9m"}, want: []string{"--min-standby 9m0s", "--jwks-max-age 5m0s"}},
		"a proxy that is an address":           {flags: []string{"--trusted-proxies=10.0.0.1"}, want: []string{"trusted-proxies", `"10.0.0.1"`}},
		"an origin with a path":                {flags: []string{`--cors-allowed-origins=https://app.example.com/`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin in capitals":                {flags: []string{`--cors-allowed-origins=https://App.example.com`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin with its scheme's own port": {flags: []string{`--cors-allowed-origins=https://app.example.com:443`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin with a port that is none":   {flags: []string{`--cors-allowed-origins=https://app.example.com:0443`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin with a user":                {flags: []string{`--cors-allowed-origins=https://me@app.example.com`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin with a wildcard":            {flags: []string{`--cors-allowed-origins=https://*.example.com`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin that is a pattern":          {flags: []string{`--cors-allowed-origins=^https://app\.example\.com$`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin without a scheme":           {flags: []string{`--cors-allowed-origins=app.example.com`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin without a host":             {flags: []string{`--cors-allowed-origins=https://`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"an origin that says that it is none":  {flags: []string{`--cors-allowed-origins=null`}, want: []string{"cors-allowed-origins", "is not an origin as browsers send it"}},
		"every origin, and one more":           {flags: []string{"--cors-allowed-origins=*,https://app.example.com"}, want: []string{"cors-allowed-origins", `"*" allows every origin`}},
		"a duration without a unit":            {flags: []string{"--min-ttl=10"}, want: []string{"min-ttl"}},
		"an audit log that goes nowhere known": {flags: []string{"--audit-log=/var/log/audit"}, want: []string{"--audit-log", `"/var/log/audit"`, "stdout"}},
		"a session store of an unknown kind":   {flags: []string{"--session-store=etcd"}, want: []string{"--session-store", "kubernetes", "rediss"}},
		"a session store with a password":      {flags: []string{"--session-store=redis://:x@redis"}, want: []string{"--session-store", "may not hold a password"}},
		"a user without a password":            {flags: []string{"--session-store=redis://me@redis"}, want: []string{"--session-store", "--session-store-password-file"}},
		"authorities without TLS":              {flags: []string{"--session-store=redis://redis", "--session-store-ca=ca.crt"}, want: []string{"--session-store-ca", "rediss"}},
		"a password for Kubernetes":            {flags: []string{"--session-store-password-file=x"}, want: []string{"--session-store-password-file", "--session-store "}},
		"several at once, which are told at once": {
			flags: []string{"--namespaces=", "--base-url=", "--min-ttl=-1s"}, want: []string{"--namespaces", "--base-url", "--min-ttl"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tc.flags...)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
		})
	}
}

func TestGoodFlagsAreRead(t *testing.T) {
	t.Parallel()
	defaults := Options{
		Namespaces: []string{"team-a", "team-b"}, OperatorNamespace: "grantkeeper-system", BaseURL: "https://auth.example.com",
		Listen: ":8443", HealthBindAddress: ":8081", MetricsBindAddress: ":8080",
		MinTTL: 10 * time.Minute, MinRenewBefore: 3 * time.Minute, MaxJWTTTL: 24 * time.Hour, MaxStaleness: time.Hour,
		JWKSMaxAge: 5 * time.Minute, MinStandby: 2 * time.Hour,
		LeaderElect: true, DrainDelay: 5 * time.Second, AuditLog: AuditLogStdout,
		SessionStore: SessionStoreKubernetes,
	}
	for name, tc := range map[string]struct {
		flags []string
		want  func(*Options)
	}{
		"no more than the needed ones": {want: func(*Options) {}},
		"spaces and empty items in lists": {
			flags: []string{"--namespaces= team-a, ,team-c,", "--serving-names=a, 10.0.0.1"},
			want: func(o *Options) {
				o.Namespaces, o.ServingNames = []string{"team-a", "team-c"}, []string{"a", "10.0.0.1"}
			},
		},
		"proxies, of whose addresses the network counts": {
			flags: []string{"--trusted-proxies=10.1.2.3/8,fd00::/8"},
			want: func(o *Options) {
				o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
			},
		},
		"origins of every kind": {
			flags: []string{"--cors-allowed-origins=https://app.example.com, http://localhost:3000,https://[2001:db8::1]:8443,capacitor://localhost,http://10.0.0.1,"},
			want: func(o *Options) {
				o.CORSAllowedOrigins = []string{"https://app.example.com", "http://localhost:3000", "https://[2001:db8::1]:8443", "capacitor://localhost", "http://10.0.0.1"}
			},
		},
		"every origin": {
			flags: []string{"--cors-allowed-origins=*"},
			want:  func(o *Options) { o.CORSAllowedOrigins = []string{"*"} },
		},
		"no origin": {
			flags: []string{"--cors-allowed-origins="},
			want:  func(*Options) {},
		},
		"cluster mode with a default tenant": {
			flags: []string{"--namespaces=", "--cluster-mode", "--default-tenant=anything"},
			want:  func(o *Options) { o.Namespaces, o.ClusterMode, o.DefaultTenant = nil, true, "anything" },
		},
		"a base URL with a port and a path": {
			flags: []string{"--base-url=https://auth.example.com:8443/keeper"},
			want:  func(o *Options) { o.BaseURL = "https://auth.example.com:8443/keeper" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, tc.flags...)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults
			tc.want(&want)
			if diff := cmp.Diff(&want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheIssuerOfATenantFollowsFromTheBaseURL(t *testing.T) {
	t.Parallel()
	options, err := parse(t, "--default-tenant=team-a")
	if err != nil {
		t.Fatal(err)
	}
	for namespace, want := range map[string]string{
		"team-a": "https://auth.example.com",
		"team-b": "https://auth.example.com/t/team-b",
	} {
		if got := options.Issuer(namespace); got != want {
			t.Errorf("issuer of %q: %q, want %q", namespace, got, want)
		}
	}
}

func TestTheOperatorsOwnNamespaceIsNeverATenant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		flags []string
		want  map[string]bool
	}{
		"with a list":     {want: map[string]bool{"team-a": true, "team-c": false, "grantkeeper-system": false}},
		"in cluster mode": {flags: []string{"--namespaces=", "--cluster-mode"}, want: map[string]bool{"team-c": true, "grantkeeper-system": false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options, err := parse(t, tc.flags...)
			if err != nil {
				t.Fatal(err)
			}
			for namespace, want := range tc.want {
				if got := options.isTenant(namespace); got != want {
					t.Errorf("%q is a tenant: %t, want %t", namespace, got, want)
				}
			}
		})
	}
}

func TestTheOwnCertificateIsForTheBaseURLAndTheServingNames(t *testing.T) {
	t.Parallel()
	options, err := parse(t, "--base-url=https://[fd00::1]:8443", "--serving-names=auth.example.com,10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	wanted := options.wanted()
	if diff := cmp.Diff([]string{"auth.example.com"}, wanted.DNSNames); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	addresses := []netip.Addr{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.1")}
	if diff := cmp.Diff(addresses, wanted.Addresses, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if wanted.Hold != options.MaxJWTTTL {
		t.Errorf("a new CA is held back for %s, want the longest life of a token", wanted.Hold)
	}
}

func TestTheAuditLogGoesWhereItIsToldTo(t *testing.T) {
	t.Parallel()
	for place, want := range map[string]io.Writer{AuditLogStdout: os.Stdout, AuditLogStderr: os.Stderr, AuditLogOff: nil} {
		options, err := parse(t, "--audit-log="+place)
		if err != nil {
			t.Fatal(err)
		}
		if options.auditSink() != want {
			t.Errorf("%q is another place", place)
		}
	}
}
