package app

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

// Options are what the command line sets.
type Options struct {
	// Namespaces are the tenants that are watched; ClusterMode watches all but the operator's own.
	Namespaces  []string
	ClusterMode bool
	// OperatorNamespace holds keyrings, the serving certificate and the lease. It is no tenant.
	OperatorNamespace string
	// DefaultTenant is the namespace that the routes at the root are for; empty for none.
	DefaultTenant string
	// BaseURL is where clients reach the endpoint, and the issuer of the default tenant.
	BaseURL string
	// Listen, HealthBindAddress and MetricsBindAddress are TCP addresses; "0" turns the latter two off.
	// Probes have a listener of their own, so that a flood on the public one does not fail them.
	Listen             string
	HealthBindAddress  string
	MetricsBindAddress string
	// TLSSecret names a kubernetes.io/tls Secret in the operator's namespace to serve with. Empty:
	// the operator's own CA issues the certificate, for the host of BaseURL and for ServingNames.
	TLSSecret    string
	ServingNames []string
	// MinTTL and MinRenewBefore are the floors of what a grant with a Secret may ask for.
	MinTTL         time.Duration
	MinRenewBefore time.Duration
	// MaxJWTTTL is the longest life of a self-contained token.
	MaxJWTTTL time.Duration
	// MaxStaleness is how old a replica's view of a tenant may be, at least freshness.MinLimit. Past it
	// the replica neither signs nor checks anything there.
	MaxStaleness time.Duration
	// JWKSMaxAge is how long validators may go on with a copy of a tenant's key set.
	JWKSMaxAge time.Duration
	// MinStandby is how long a signing key is published before it signs. It is to exceed MaxStaleness
	// and JWKSMaxAge together: the copy that a validator holds may come from a replica that was late.
	MinStandby time.Duration
	// TrustedProxies are the networks whose forwarded headers count.
	TrustedProxies []netip.Prefix
	// CORSAllowedOrigins are the origins, as browsers send them, whose pages may call the endpoint, or
	// endpoint.AnyOrigin alone. The pages of a login are never among what they may call.
	CORSAllowedOrigins []string
	LeaderElect        bool
	// SessionStore is SessionStoreKubernetes, or the URL of a Redis or Valkey server without a password,
	// which is in SessionStorePasswordFile. SessionStoreCA is a PEM bundle of the authorities that the
	// server's certificate may be from; empty for the system's.
	SessionStore             string
	SessionStorePasswordFile string
	SessionStoreCA           string
	// DrainDelay is how long a replica that was told to stop goes on serving, unready.
	DrainDelay time.Duration
	// AuditLog is where the audit log goes; the other log goes to stderr.
	AuditLog string
	// Verbose logs every request and more of what the libraries do.
	Verbose bool
}

// Where the audit log can go.
const (
	AuditLogStdout = "stdout"
	AuditLogStderr = "stderr"
	AuditLogOff    = "off"
)

// AddFlags registers the options' flags with their defaults.
func (o *Options) AddFlags(flags *flag.FlagSet) {
	flags.Func("namespaces", "comma-separated namespaces to watch, each a tenant", func(text string) error {
		o.Namespaces = splitList(text)
		return nil
	})
	flags.BoolVar(&o.ClusterMode, "cluster-mode", false, "watch every namespace but the operator's own")
	flags.StringVar(&o.OperatorNamespace, "operator-namespace", os.Getenv("POD_NAMESPACE"), "namespace of keyrings, serving certificate and lease; default: $POD_NAMESPACE")
	flags.StringVar(&o.DefaultTenant, "default-tenant", "", "namespace that the routes at the root are for; without it these answer 404")
	flags.StringVar(&o.BaseURL, "base-url", "", "https URL at which clients reach the endpoint; it is the issuer of the default tenant")
	flags.StringVar(&o.Listen, "listen", ":8443", "address to serve HTTPS on")
	flags.StringVar(&o.HealthBindAddress, "health-probe-bind-address", ":8081", "address of the probes /healthz and /readyz, plain HTTP; 0 turns them off")
	flags.StringVar(&o.MetricsBindAddress, "metrics-bind-address", ":8080", "address of the metrics, for callers that the API server authorizes; 0 turns them off")
	flags.StringVar(&o.TLSSecret, "tls-secret", "", "kubernetes.io/tls Secret in the operator's namespace to serve with, instead of the operator's own CA")
	flags.Func("serving-names", "comma-separated further DNS names and IP addresses for the operator's own certificate", func(text string) error {
		o.ServingNames = splitList(text)
		return nil
	})
	flags.DurationVar(&o.MinTTL, "min-ttl", 10*time.Minute, "shortest ttl of a token that is delivered in a Secret")
	flags.DurationVar(&o.MinRenewBefore, "min-renew-before", 3*time.Minute, "shortest renewBefore: a changed Secret reaches a pod up to 90 seconds late")
	flags.DurationVar(&o.MaxJWTTTL, "max-jwt-ttl", 24*time.Hour, "longest ttl of a self-contained token")
	flags.DurationVar(&o.MaxStaleness, "max-staleness", time.Hour, "how old a replica's view of a tenant may be before it answers 503 there, at least "+freshness.MinLimit.String())
	flags.DurationVar(&o.JWKSMaxAge, "jwks-max-age", 5*time.Minute, "how long validators may go on with a copy of a tenant's key set, in whole seconds")
	flags.DurationVar(&o.MinStandby, "min-standby", 2*time.Hour, "how long a signing key is published before it signs; at least twice --jwks-max-age")
	flags.Func("trusted-proxies", "comma-separated networks whose X-Forwarded-For counts", o.setTrustedProxies)
	flags.Func("cors-allowed-origins", "comma-separated origins, such as https://app.example.com, whose pages may call the endpoint, or * for every origin; no regular expressions; without it none may", o.setAllowedOrigins)
	flags.StringVar(&o.SessionStore, "session-store", SessionStoreKubernetes, "where reference tokens are kept: kubernetes, or redis://[user@]host[:port][/database] or rediss:// for a Redis or Valkey server")
	flags.StringVar(&o.SessionStorePasswordFile, "session-store-password-file", "", "file with the password of that server; read for each connection")
	flags.StringVar(&o.SessionStoreCA, "session-store-ca", "", "PEM file of the authorities that the server's certificate may be from, instead of the system's")
	flags.BoolVar(&o.LeaderElect, "leader-elect", true, "elect a leader among the replicas")
	flags.DurationVar(&o.DrainDelay, "drain-delay", 5*time.Second, "how long to go on serving, unready, after being told to stop")
	flags.StringVar(&o.AuditLog, "audit-log", AuditLogStdout, "where the audit log goes: stdout, stderr or off")
	flags.BoolVar(&o.Verbose, "verbose", false, "log every request, by its route and never by its path")
}

// Validate reports what cannot work, naming the flags.
func (o *Options) Validate() error {
	return errors.Join(o.validateTenants(), o.validateBaseURL(), o.validateDurations(), o.validateAuditLog(), o.validateSessionStore())
}

func (o *Options) validateTenants() error {
	switch {
	case len(o.Namespaces) == 0 && !o.ClusterMode:
		return errors.New("--namespaces or --cluster-mode is required")
	case len(o.Namespaces) > 0 && o.ClusterMode:
		return errors.New("--namespaces and --cluster-mode exclude each other")
	case o.OperatorNamespace == "":
		return errors.New("--operator-namespace is required outside a pod")
	case slices.Contains(o.Namespaces, o.OperatorNamespace) || o.DefaultTenant == o.OperatorNamespace:
		return fmt.Errorf("--operator-namespace %q holds the keys of all tenants and cannot be one", o.OperatorNamespace)
	case o.DefaultTenant != "" && !o.ClusterMode && !slices.Contains(o.Namespaces, o.DefaultTenant):
		return fmt.Errorf("--default-tenant %q is not one of --namespaces", o.DefaultTenant)
	}
	for _, namespace := range o.Namespaces {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Errorf("--namespaces: %q is not a namespace: %s", namespace, problems[0])
		}
	}
	return nil
}

// validateBaseURL asks for what OpenID Connect asks of an issuer.
func (o *Options) validateBaseURL() error {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Scheme != "https" || base.Hostname() == "":
		return fmt.Errorf("--base-url %q is not an https URL", o.BaseURL)
	case base.User != nil || base.RawQuery != "" || base.ForceQuery || strings.Contains(o.BaseURL, "#"):
		return fmt.Errorf("--base-url %q must have no user, query or fragment", o.BaseURL)
	case strings.HasSuffix(o.BaseURL, "/"):
		return fmt.Errorf("--base-url %q must not end in a slash: issuers are compared byte for byte", o.BaseURL)
	}
	return nil
}

func (o *Options) validateDurations() error {
	if o.MinTTL < 0 || o.MinRenewBefore < 0 || o.DrainDelay < 0 {
		return errors.New("--min-ttl, --min-renew-before and --drain-delay cannot be negative")
	}
	if o.MaxJWTTTL < o.MinTTL || o.MaxJWTTTL <= 0 {
		return fmt.Errorf("--max-jwt-ttl %s is shorter than --min-ttl %s", o.MaxJWTTTL, o.MinTTL)
	}
	if o.MaxStaleness < freshness.MinLimit {
		return fmt.Errorf("--max-staleness %s is shorter than %s: the API server tells once a minute how far a watch has come", o.MaxStaleness, freshness.MinLimit)
	}
	if o.JWKSMaxAge < time.Second {
		return fmt.Errorf("--jwks-max-age %s is shorter than a second", o.JWKSMaxAge)
	}
	if o.MinStandby < 2*o.JWKSMaxAge {
		return fmt.Errorf("--min-standby %s is shorter than twice --jwks-max-age %s: a key would sign before validators know it", o.MinStandby, o.JWKSMaxAge)
	}
	return nil
}

func (o *Options) validateAuditLog() error {
	if places := []string{AuditLogStdout, AuditLogStderr, AuditLogOff}; !slices.Contains(places, o.AuditLog) {
		return fmt.Errorf("--audit-log %q is not one of %s", o.AuditLog, strings.Join(places, ", "))
	}
	return nil
}

// Issuer is the `iss` of a new tenant's tokens.
func (o *Options) Issuer(namespace string) string {
	if namespace == o.DefaultTenant {
		return o.BaseURL
	}
	return o.BaseURL + "/t/" + namespace
}

// isTenant tells whether objects in a namespace are served.
func (o *Options) isTenant(namespace string) bool {
	if o.ClusterMode {
		return namespace != o.OperatorNamespace
	}
	return slices.Contains(o.Namespaces, namespace)
}

func (o *Options) setTrustedProxies(text string) error {
	o.TrustedProxies = nil
	for _, item := range splitList(text) {
		network, err := netip.ParsePrefix(item)
		if err != nil {
			return fmt.Errorf("%q is not a network such as 10.0.0.0/8", item)
		}
		o.TrustedProxies = append(o.TrustedProxies, network.Masked())
	}
	return nil
}

func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// wanted is what the operator's own certificate has to say.
func (o *Options) wanted() certificates.Wanted {
	wanted := certificates.Wanted{Hold: o.MaxJWTTTL}
	for _, name := range append([]string{o.host()}, o.ServingNames...) {
		if address, err := netip.ParseAddr(name); err == nil {
			wanted.Addresses = append(wanted.Addresses, address)
		} else {
			wanted.DNSNames = append(wanted.DNSNames, name)
		}
	}
	return wanted
}

// host is what the base URL calls the endpoint.
func (o *Options) host() string {
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return ""
	}
	return base.Hostname()
}
