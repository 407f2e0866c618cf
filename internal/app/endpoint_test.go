package app

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
)

// Whatever knows a cookie or a client's secret stays closed to the pages of other origins, even where every
// origin is allowed.
func TestOtherOriginsReachEverythingButPagesAndIntrospection(t *testing.T) {
	t.Parallel()
	options, err := parse(t, "--default-tenant=team-a", "--cors-allowed-origins=*")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := endpoint.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	dialects := (&app{options: options}).dialects(logr.Discard())
	mux, err := endpoint.NewMux(endpoint.MuxOptions{
		DefaultTenant: options.DefaultTenant, AllowedOrigins: options.CORSAllowedOrigins, Health: endpoint.NewHealth(logr.Discard()),
		Metrics: metrics, Log: logr.Discard(), Clock: clock.RealClock{}, Rand: strings.NewReader("the ids of requests"),
	}, dialects...)
	if err != nil {
		t.Fatal(err)
	}
	var closed []string
	for _, dialect := range dialects {
		for _, route := range dialect.Routes {
			question := httptest.NewRequest(http.MethodOptions, route.Pattern, nil)
			question.Header.Set("Origin", "https://app.example.com")
			question.Header.Set("Access-Control-Request-Method", route.Method)
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, question)
			if answer.Header().Get("Access-Control-Allow-Origin") == "" {
				closed = append(closed, route.Method+" "+route.Pattern)
			}
			if answer.Header()["Access-Control-Allow-Credentials"] != nil {
				t.Errorf("%s lets pages of other origins use credentials", route.Pattern)
			}
		}
	}
	slices.Sort(closed)
	want := []string{"GET /authorize", "GET /login", "POST /consent", "POST /introspect", "POST /login"}
	if diff := cmp.Diff(want, closed); diff != "" {
		t.Errorf("closed to other origins (-want +got):\n%s", diff)
	}
}
