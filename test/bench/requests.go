package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/process"
)

// The figures of requests.
const (
	tokenRatio    = 1.5
	checkRatio    = 1.3
	passwordRatio = 2.0
	p99           = 50 // milliseconds
)

// loads are the requests whose costs are compared.
type loads struct {
	bareToken, refresh, clientCredentials, password *load
	bareSession, session                            *load
	bareJWT, jwt                                    *load
}

func (l *loads) all() []*load {
	return []*load{
		l.bareToken, l.refresh, l.clientCredentials, l.password,
		l.bareSession, l.session, l.bareJWT, l.jwt,
	}
}

// measureRequests lets every kind of request have its turn, round by round, and compares what each
// costs the server with what its bare counterpart does in the same round.
func measureRequests(ctx context.Context, w *world, s *settings, t *table) error {
	l, err := newLoads(ctx, w)
	if err != nil {
		return err
	}
	for _, one := range l.all() {
		defer one.close()                             //revive:disable-line:defer // eight of them
		if err := one.turn(ctx, s.turn); err != nil { // warms up; the first password costs a hash
			return err
		}
		one.perTurn, one.latencies = nil, nil
	}
	before, err := w.writes(ctx)
	if err != nil {
		return err
	}
	for range s.rounds {
		for _, one := range l.all() {
			if err := one.turn(ctx, s.turn); err != nil {
				return err
			}
		}
	}
	after, err := w.writes(ctx)
	if err != nil {
		return err
	}
	l.report(t, after.since(before))
	return nil
}

func (l *loads) report(t *table, written writes) {
	t.tell("bare token endpoint: server CPU per request", microseconds(l.bareToken))
	t.ratioAtMost("refresh_token: server CPU, times the bare one", ratioOf(l.refresh.perTurn, l.bareToken.perTurn), tokenRatio)
	t.ratioAtMost("client_credentials: server CPU, times the bare one", ratioOf(l.clientCredentials.perTurn, l.bareToken.perTurn), tokenRatio)
	t.ratioAtMost("password, again and again: server CPU, times a refresh", ratioOf(l.password.perTurn, l.refresh.perTurn), passwordRatio)
	t.tell("bare HEAD: server CPU per request", microseconds(l.bareSession))
	t.ratioAtMost("HEAD token, a reference token: server CPU, times the bare one", ratioOf(l.session.perTurn, l.bareSession.perTurn), checkRatio)
	t.ratioAtMost("HEAD token, a JWT: server CPU, times the bare one", ratioOf(l.jwt.perTurn, l.bareJWT.perTurn), checkRatio)
	for _, one := range []struct {
		name string
		load *load
	}{{"refresh_token", l.refresh}, {"client_credentials", l.clientCredentials}, {"password", l.password}, {"HEAD token", l.session}} {
		t.atMost(one.name+": p99 under full load", milliseconds(quantile(one.load.latencies, 0.99)), p99, "ms")
	}
	requests := 0
	for _, one := range []*load{l.refresh, l.clientCredentials, l.password, l.session, l.jwt} {
		requests += len(one.latencies)
	}
	t.countAtMost(fmt.Sprintf("API writes during these %d requests", requests), written.total(), 0)
}

func microseconds(l *load) string {
	return fmt.Sprintf("%.0f µs", quantile(durations(l.perTurn), 0.5).Seconds()*1e6)
}

func durations(microseconds []float64) []time.Duration {
	all := make([]time.Duration, len(microseconds))
	for i, one := range microseconds {
		all[i] = time.Duration(one * float64(time.Microsecond))
	}
	return all
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// newLoads logs in, gets the tokens that the requests need, and connects.
func newLoads(ctx context.Context, w *world) (*loads, error) {
	form := func(values url.Values) request {
		return request{method: http.MethodPost, path: "/token", body: values.Encode(), want: http.StatusOK, header: http.Header{
			"Authorization": {basic(clientID, clientSecret)},
			"Content-Type":  {"application/x-www-form-urlencoded"},
		}}
	}
	login := form(url.Values{"grant_type": {"password"}, "username": {user}, "password": {password}, "scope": {scope}})
	refreshToken, err := w.ask(ctx, login, "refresh_token")
	if err != nil {
		return nil, err
	}
	session, err := w.ask(ctx, request{
		method: http.MethodPost, path: "/api/auth/0.1/token", body: `{"expiration": 7200}`, want: http.StatusOK,
		header: http.Header{"Authorization": {basic(user, password)}, "Content-Type": {"application/json"}},
	}, "data", "token")
	if err != nil {
		return nil, err
	}
	jwt := gen.RefreshTokenGrant("desk", apply, gen.ForWazo("desk"), gen.Target("desk"))
	jwt.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatJWT}
	if _, err := w.bring(ctx, jwt); err != nil {
		return nil, err
	}
	token, err := w.token(ctx, jwt.Name)
	if err != nil {
		return nil, err
	}
	refresh := form(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
	l := &loads{}
	for _, one := range []struct {
		to      **load
		server  *process.Process
		url     string
		request request
	}{
		{&l.bareToken, w.bare, w.bareURL, refresh},
		{&l.refresh, w.operator, w.url, refresh},
		{&l.clientCredentials, w.operator, w.url, form(url.Values{"grant_type": {"client_credentials"}, "scope": {scope}})},
		{&l.password, w.operator, w.url, login},
		{&l.bareSession, w.bare, w.bareURL, check(session)},
		{&l.session, w.operator, w.url, check(session)},
		{&l.bareJWT, w.bare, w.bareURL, check(token)},
		{&l.jwt, w.operator, w.url, check(token)},
	} {
		if *one.to, err = newLoad(one.url, one.server.PID(), one.request); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// check asks whether a token is good for a scope.
func check(token string) request {
	return request{method: http.MethodHead, path: "/api/auth/0.1/token/" + token + "?scope=" + wazoScope, want: http.StatusNoContent, header: http.Header{}}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// ask sends a request to the operator once and gives a member of the answer.
func (w *world) ask(ctx context.Context, r request, path ...string) (string, error) {
	l, err := newLoad(w.url, w.operator.PID(), r)
	if err != nil {
		return "", err
	}
	defer l.close()
	body, err := l.once(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range path[:len(path)-1] {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			return "", fmt.Errorf("read the answer of %s: %w", r.path, err)
		}
		body = members[name]
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return "", fmt.Errorf("read the answer of %s: %w", r.path, err)
	}
	text, ok := members[path[len(path)-1]].(string)
	if !ok {
		return "", fmt.Errorf("the answer of %s has no %q", r.path, path)
	}
	return text, nil
}
