package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// gathered are the values of a registry that are not zero, by name and labels.
func gathered(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			key := strings.TrimPrefix(family.GetName(), "grantkeeper_")
			for _, label := range metric.GetLabel() {
				key += " " + label.GetName() + "=" + label.GetValue()
			}
			if value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue(); value != 0 {
				values[key] = value
			}
		}
	}
	return values
}

func same(t *testing.T, from prometheus.Gatherer, want map[string]float64) {
	t.Helper()
	if diff := cmp.Diff(want, gathered(t, from)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestTokensAreCountedByKindAndWay(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	tokens, err := NewTokens(registry, []string{"InvalidGrant"})
	if err != nil {
		t.Fatal(err)
	}
	tokens.Issued(OAuth2Password, JWT)
	tokens.Issued(OAuth2Password, Refresh)
	tokens.Issued(WazoRefreshToken, Reference)
	tokens.Issued(WazoRefreshToken, Reference)
	tokens.Refused("Wazo", "InvalidGrant")
	tokens.Refused("Wazo", "alice's password")
	tokens.ForeignSession()
	tokens.Refused("made up", "InvalidGrant")
	same(t, registry, map[string]float64{
		"tokens_issued_total dialect=OAuth2 grant_type=password kind=JWT":          1,
		"tokens_issued_total dialect=OAuth2 grant_type=password kind=Refresh":      1,
		"tokens_issued_total dialect=Wazo grant_type=refresh_token kind=Reference": 2,
		"token_refusals_total dialect=Wazo reason=InvalidGrant":                    1,
		"foreign_sessions_total": 1,
	})
	if _, err := NewTokens(registry, nil); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestWhatBecomesOfSecretsIsCounted(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	delivery, err := NewDelivery(registry)
	if err != nil {
		t.Fatal(err)
	}
	delivery.Written("Due")
	delivery.Repaired()
	secrets := schema.GroupResource{Resource: "secrets"}
	delivery.Failed(errors.Join(fmt.Errorf("write: %w", apierrors.NewForbidden(secrets, "alice", nil))))
	delivery.Failed(errors.New("canary"))
	delivery.Failed(apierrors.NewAlreadyExists(secrets, "alice"))
	same(t, registry, map[string]float64{
		"revisions_written_total reason=Due":       1,
		"secrets_repaired_total":                   1,
		"delivery_failures_total reason=Forbidden": 1,
		"delivery_failures_total reason=Other":     2,
	})
}

func TestLookupsAreCountedByKind(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	live, err := NewLive(registry)
	if err != nil {
		t.Fatal(err)
	}
	live.Sessions.Count(LiveCoalesced)
	live.Grants.Count(LiveThrottled)
	live.Users.Count(LiveFound)
	same(t, registry, map[string]float64{
		"live_reads_total kind=AuthSession result=Coalesced":       1,
		"live_reads_total kind=RefreshTokenGrant result=Throttled": 1,
		"live_reads_total kind=AuthUser result=Found":              1,
	})
}

func TestNobodyNeedsToCount(t *testing.T) {
	t.Parallel()
	(*Tokens)(nil).Issued(OAuth2Password, JWT)
	(*Tokens)(nil).Refused("OAuth2", "InvalidGrant")
	(*Delivery)(nil).Written("Due")
	(*Delivery)(nil).Repaired()
	(*Delivery)(nil).Failed(errors.New("x"))
	Live{}.Grants.Count(LiveFound)
}

func TestCountingARequestAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	registry := prometheus.NewRegistry()
	tokens, err := NewTokens(registry, []string{"InvalidGrant"})
	if err != nil {
		t.Fatal(err)
	}
	live, err := NewLive(registry)
	if err != nil {
		t.Fatal(err)
	}
	if allocations := testing.AllocsPerRun(100, func() {
		tokens.Issued(OAuth2RefreshToken, JWT)
		tokens.Refused("OAuth2", "InvalidGrant")
		live.Grants.Count(LiveAbsent)
	}); allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// server answers every request the same.
type server struct{}

func (server) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody}, nil
}

func TestWritesAreCountedByResourceAndVerb(t *testing.T) {
	t.Parallel()
	const ours = "/apis/auth.grantkeeper.dev/v1alpha1/namespaces/team-a"
	for name, tc := range map[string]struct{ request, want string }{
		"a Secret is made":              {"POST /api/v1/namespaces/team-a/secrets", "resource=secrets verb=create"},
		"a Secret is changed":           {"PUT /api/v1/namespaces/team-a/secrets/alice", "resource=secrets verb=update"},
		"a status is applied":           {"PATCH " + ours + "/refreshtokengrants/nightly/status", "resource=refreshtokengrants/status verb=patch"},
		"a session is ended":            {"DELETE " + ours + "/authsessions/x", "resource=authsessions verb=delete"},
		"an Event is told":              {"POST /apis/events.k8s.io/v1/namespaces/team-a/events", "resource=events verb=create"},
		"the lease is kept":             {"PUT /apis/coordination.k8s.io/v1/namespaces/system/leases/grantkeeper", "resource=leases verb=update"},
		"an API server behind a prefix": {"PUT /k8s/clusters/c-1/api/v1/namespaces/team-a/secrets/alice", "resource=secrets verb=update"},
		"what nobody foresaw":           {"POST /apis/canary/v1/canaries", "resource=other verb=create"},
		"a path that is none":           {"POST /", "resource=other verb=create"},
		"a group and nothing more":      {"POST /apis", "resource=other verb=create"},
		"a read":                        {"GET /api/v1/namespaces/team-a/secrets", ""},
		"a question who that is":        {"POST /apis/authentication.k8s.io/v1/tokenreviews", ""},
		"a question who may":            {"POST /apis/authorization.k8s.io/v1/subjectaccessreviews", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := prometheus.NewRegistry()
			writes, err := NewWrites(registry)
			if err != nil {
				t.Fatal(err)
			}
			method, path, _ := strings.Cut(tc.request, " ")
			request, err := http.NewRequestWithContext(context.Background(), method, "https://127.0.0.1"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := writes.Wrap(server{}).RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusTeapot {
				t.Errorf("the answer is another one: %s", response.Status)
			}
			got := strings.Join(slices.Collect(maps.Keys(gathered(t, registry))), "; ")
			if want := strings.TrimSpace("api_writes_total " + tc.want); tc.want != "" && got != want || tc.want == "" && got != "" {
				t.Errorf("counted %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhatOthersKeepIsRead(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	value := func() float64 { return 3 }
	if err := RegisterReadings(registry, Reading{&PasswordHashes, value}, Reading{&PasswordHashesRunning, value}); err != nil {
		t.Fatal(err)
	}
	if err := RegisterCaches(registry, map[string]func() int{"OpenedTokens": func() int { return 4 }}); err != nil {
		t.Fatal(err)
	}
	same(t, registry, map[string]float64{"password_hashes_total": 3, "password_hashes_running": 3, "cache_entries cache=OpenedTokens": 4})
	if err := RegisterReadings(registry, Reading{&PasswordHashes, value}); err == nil {
		t.Error("the same metric was registered twice")
	}
}
