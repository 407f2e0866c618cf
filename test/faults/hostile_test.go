package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// TestASlowAndFailingAPIServerCostsTimeAndNothingElse: every request waits two seconds, and one in
// twenty is answered 500 or 429, half of these after it has been carried out.
func TestASlowAndFailingAPIServerCostsTimeAndNothingElse(t *testing.T) {
	t.Parallel()
	const grants, delay = 50, 2 * time.Second
	s := newSite(t, "hostile")
	s.populate(t, s.tenant())
	weather := &weather{delay: delay, share: 20, random: rand.New(rand.NewPCG(1, 2))}
	proxy := stage.NewProxy(t, cp.Config)
	proxy.Use(weather.rule)
	s.start(t, through(proxy))

	applied := time.Now()
	// Due 43 to 50 seconds after they were issued, and more than a minute before they expire.
	all := s.grants(t, s.tenant(), "grant", grants, each(lifetime(2*time.Minute, 70*time.Second)))
	awaitReady(t, all...)
	ready := since(applied)
	before := secretsOf(t, s.tenant())
	s.awaitRenewal(t, before, all, applied)
	awaitReady(t, all...)

	s.seen.Check(t)
	for id, token := range s.seen.Currents() {
		if !time.Now().Before(token.ExpiresAt) {
			t.Errorf("the token of grant %s has expired", id)
		}
	}
	figure(t, "hostile: grants applied, all Ready after", fmt.Sprintf("%d, %s", grants, ready))
	figure(t, "hostile: requests delayed by 2s, of which were answered 500 or 429", fmt.Sprintf("%d, %d", weather.requests.Load(), weather.failed.Load()))
	figure(t, "hostile: revisions seen", len(s.seen.All()))
	figure(t, "hostile: revisions issued twice, and gaps", len(s.seen.Violations()))
}

// weather is an API server that is slow and fails now and then.
type weather struct {
	delay time.Duration
	share int // one in so many requests fails

	requests, failed atomic.Int64
	mu               sync.Mutex
	random           *rand.Rand
}

func (w *weather) rule(writer http.ResponseWriter, r *http.Request, next http.Handler) {
	w.requests.Add(1)
	if !stage.Wait(r, w.delay) {
		return
	}
	w.mu.Lock()
	fails, tooMany, late := w.random.IntN(w.share) == 0, w.random.IntN(2) == 0, w.random.IntN(2) == 0
	w.mu.Unlock()
	if !fails {
		next.ServeHTTP(writer, r)
		return
	}
	w.failed.Add(1)
	if late && !stage.IsWatch(r) {
		next.ServeHTTP(httptest.NewRecorder(), r) // carried out, and nobody is told
	}
	if tooMany {
		stage.Refuse(writer, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)
	} else {
		stage.Refuse(writer, http.StatusInternalServerError, metav1.StatusReasonInternalError)
	}
}

// TestWhereNoStatusCanBeWrittenOneTokenIsIssued: every write of a status fails, for longer than any
// back-off lasts.
func TestWhereNoStatusCanBeWrittenOneTokenIsIssued(t *testing.T) {
	t.Parallel()
	const grants, lasts = 10, 75 * time.Second
	for name, refuse := range map[string]func(http.ResponseWriter){
		"a conflict": func(w http.ResponseWriter) { stage.Refuse(w, http.StatusConflict, metav1.StatusReasonConflict) },
		"an error": func(w http.ResponseWriter) {
			stage.Refuse(w, http.StatusInternalServerError, metav1.StatusReasonInternalError)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "status")
			proxy := stage.NewProxy(t, cp.Config)
			s.populate(t, s.tenant())
			s.start(t, through(proxy))
			first := grant(s.tenant(), "first")
			s.apply(t, first)
			awaitReady(t, first) // from here on only the grants have something to write

			proxy.Use(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isStatusWrite(r) {
					refuse(w)
					return
				}
				next.ServeHTTP(w, r)
			})
			all := s.grants(t, s.tenant(), "grant", grants, each())
			eventually(t, func(context.Context) error {
				if n := len(s.seen.Currents()); n != grants+1 {
					return fmt.Errorf("%d tokens, want %d", n, grants+1)
				}
				return nil
			})
			before := proxy.Requests()
			started := time.Now()
			stage.AwaitTime(t, started.Add(lasts))
			perMinute := requestsPerMinute(before, proxy.Requests(), time.Since(started)) / grants
			revisions := len(s.seen.All())
			if revisions != grants+1 {
				t.Errorf("%d revisions of %d grants", revisions, grants+1)
			}
			if perMinute > 30 {
				t.Errorf("%.0f requests a minute for each grant, want at most 30", perMinute)
			}

			issued := secretsOf(t, s.tenant())
			proxy.Use(nil)
			healed := time.Now()
			awaitReady(t, all...)
			figure(t, "status ("+name+"): revisions of one grant", float64(revisions-1)/grants)
			figure(t, "status ("+name+"): requests a minute for each grant (at most 30)", fmt.Sprintf("%.1f", perMinute))
			figure(t, "status ("+name+"): until all were Ready once status could be written", since(healed))
			for id, secret := range secretsOf(t, s.tenant()) {
				if string(secret.Data[v1alpha1.KeyAccessToken]) != string(issued[id].Data[v1alpha1.KeyAccessToken]) {
					t.Errorf("the token of %q is another one afterwards", secret.Name)
				}
			}
			s.seen.Check(t)
		})
	}
}

// requestsPerMinute counts all but those of the lease.
func requestsPerMinute(before, after map[string]int, took time.Duration) float64 {
	n := 0
	for what, count := range after {
		if what != "GET leases" && what != "PUT leases" {
			n += count - before[what]
		}
	}
	return float64(n) / took.Minutes()
}
