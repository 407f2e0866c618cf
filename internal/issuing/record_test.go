package issuing_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// observed is a tenant whose audit log and counters a test reads.
type observed struct {
	log      *audit.Log
	text     bytes.Buffer
	registry *prometheus.Registry
}

func observe(t testing.TB, x *tenant.Tenant) *observed {
	t.Helper()
	o := &observed{registry: prometheus.NewRegistry()}
	var err error
	if o.log, err = audit.New(&o.text, clock.RealClock{}, rand.Reader); err != nil {
		t.Fatal(err)
	}
	x.Service.Audit = o.log
	if x.Service.Metrics, err = metrics.NewTokens(o.registry, issuing.Reasons()); err != nil {
		t.Fatal(err)
	}
	return o
}

// lines ends the log and gives what is in it, without what differs from run to run.
func (o *observed) lines(t *testing.T) (all []map[string]any) {
	t.Helper()
	if err := o.log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(o.text.String()) {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		for _, each := range []string{"log", "time", "expiresAt"} {
			delete(line, each)
		}
		all = append(all, line)
	}
	return all
}

// sole is the only line, as it is but for members that are there and differ from run to run.
func (o *observed) sole(t *testing.T, varying ...string) map[string]any {
	t.Helper()
	all := o.lines(t)
	if len(all) != 1 {
		t.Fatalf("%d lines, want 1: %v", len(all), all)
	}
	for _, member := range varying {
		if all[0][member] == nil {
			t.Errorf("there is no %s", member)
		}
		delete(all[0], member)
	}
	return all[0]
}

// counted are the counters that have moved.
func (o *observed) counted(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := o.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	moved := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			if value := metric.GetCounter().GetValue(); value > 0 {
				moved[strings.Join(labels, " ")] = value
			}
		}
	}
	return moved
}

// request is the context of a request as a dialect passes it on.
func request(t *testing.T) context.Context {
	t.Helper()
	return audit.WithOrigin(t.Context(), audit.Origin{Source: netip.MustParseAddr("192.0.2.7"), RequestID: "r-1"})
}

func authenticate(t *testing.T, x *tenant.Tenant, clientID, secret string) error {
	t.Helper()
	_, err := x.Service.AuthenticateClient(request(t), x.Namespace, issuing.ClientAuthentication{
		ClientID: clientID, Secret: sensitive.New(secret), Method: v1alpha1.ClientAuthenticationSecretBasic,
	})
	return err
}

// stage is where an outcome is brought about.
type stage struct {
	t *testing.T
	x *tenant.Tenant
}

func TestEveryOutcomeOfARequestIsOneLineAndOneCount(t *testing.T) {
	t.Parallel()
	nightly := gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken(), gen.GrantScopes("orders:read"))
	logIn := func(login, presented string) func(stage) error {
		return func(on stage) error {
			user := issuing.Credentials{Login: login, Password: sensitive.New(presented), Source: "192.0.2.7"}
			_, err := on.x.Service.PasswordGrant(request(on.t), authenticated(on.t, on.x, "shop"), user, "", issuing.Wish{})
			return err
		}
	}
	refreshWith := func(mod func(*v1alpha1.RefreshTokenGrant)) func(stage) error {
		return func(on stage) error {
			token := delivered(on.t, on.x, "nightly")
			changed := nightly.DeepCopy()
			mod(changed)
			on.x.Put(changed)
			_, err := on.x.Service.RefreshGrant(request(on.t), authenticated(on.t, on.x, "billing"), token.Reveal(), issuing.Wish{})
			return err
		}
	}
	for name, tc := range map[string]struct {
		do      func(stage) error
		want    map[string]any
		varying []string
		counted string
	}{
		"a client acts for itself": {
			do: func(on stage) error {
				_, err := on.x.Service.ClientCredentialsGrant(request(on.t), authenticated(on.t, on.x, "billing"), issuing.Wish{})
				return err
			},
			want:    map[string]any{"event": "token.issued", "grantType": "client_credentials", "subject": "billing", "clientID": "billing"},
			varying: []string{"tokenID"}, counted: "OAuth2 client_credentials JWT",
		},
		"a user logs in": {
			do:      logIn("ALICE", password),
			want:    map[string]any{"event": "token.issued", "grantType": "password", "subject": gen.Subject("alice"), "username": "alice", "clientID": "shop"},
			varying: []string{"tokenID"}, counted: "OAuth2 password JWT",
		},
		"a refresh token is used": {
			do: refreshWith(func(*v1alpha1.RefreshTokenGrant) {}),
			want: map[string]any{
				"event": "token.issued", "grantType": "refresh_token", "subject": gen.Subject("alice"), "username": "alice", "clientID": "billing",
				"grantID": nightly.Spec.ID,
			},
			varying: []string{"tokenID"}, counted: "OAuth2 refresh_token JWT",
		},
		"a password is wrong": {
			do: logIn("Alice@Example.com", "canary-wrong"),
			want: map[string]any{
				"event": "token.refused", "grantType": "password", "subject": gen.Subject("alice"), "username": "alice", "clientID": "shop", "reason": "InvalidGrant",
				"detail": "PasswordWrong",
			},
			counted: "OAuth2 InvalidGrant",
		},
		"a login is nobody's": {
			do:      logIn("canary-unknown", "canary-wrong"),
			want:    map[string]any{"event": "token.refused", "grantType": "password", "clientID": "shop", "reason": "InvalidGrant", "detail": "UserUnknown"},
			varying: []string{"claimed"}, counted: "OAuth2 InvalidGrant",
		},
		"a refresh token is of an earlier epoch": {
			do: refreshWith(gen.Epoch(2)),
			want: map[string]any{
				"event": "token.refused", "grantType": "refresh_token", "subject": gen.Subject("alice"), "username": "alice", "clientID": "billing",
				"grantID": nightly.Spec.ID, "reason": "InvalidGrant",
			},
			counted: "OAuth2 InvalidGrant",
		},
		"a refresh token is forged": {
			do: func(on stage) error {
				_, err := on.x.Service.RefreshGrant(request(on.t), authenticated(on.t, on.x, "billing"), "canary-forged", issuing.Wish{})
				return err
			},
			want:    map[string]any{"event": "token.refused", "grantType": "refresh_token", "clientID": "billing", "reason": "InvalidGrant"},
			counted: "OAuth2 InvalidGrant",
		},
		"a client does not know its secret": {
			do:      func(on stage) error { return authenticate(on.t, on.x, "billing", "canary-wrong") },
			want:    map[string]any{"event": "client.refused", "clientID": "billing", "reason": "InvalidClient"},
			counted: "OAuth2 InvalidClient",
		},
		"a client is nobody's": {
			do:      func(on stage) error { return authenticate(on.t, on.x, "canary-unknown", clientSecret) },
			want:    map[string]any{"event": "client.refused", "reason": "InvalidClient"},
			varying: []string{"claimed"}, counted: "OAuth2 InvalidClient",
		},
		"a wazo login is wrong": {
			do: func(on stage) error {
				_, err := on.x.Service.Login(request(on.t), on.x.Namespace, issuing.Login{
					Credentials: issuing.Credentials{Login: "alice", Password: sensitive.New("canary-wrong")}, ClientID: "canary-claimed",
				})
				return err
			},
			want: map[string]any{
				"event": "token.refused", "dialect": "Wazo", "grantType": "password", "subject": gen.Subject("alice"), "username": "alice", "reason": "InvalidGrant",
				"detail": "PasswordWrong",
			},
			counted: "Wazo InvalidGrant",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, nightly.DeepCopy(), gen.AuthClient("shop", gen.GrantTypes(v1alpha1.GrantTypePassword), gen.ClientScopes("orders:*")),
				gen.ClientSecret("shop", clientSecret))
			o := observe(t, x)
			refusal := tc.do(stage{t, x})
			if (refusal != nil) != (tc.want["reason"] != nil) {
				t.Fatalf("got %v", refusal)
			}
			got := o.sole(t, tc.varying...)
			want := map[string]any{"tenant": x.Namespace, "dialect": "OAuth2", "source": "192.0.2.7", "requestID": "r-1"}
			maps.Copy(want, tc.want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the line (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]float64{tc.counted: 1}, o.counted(t)); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
			if strings.Contains(o.text.String(), "canary") {
				t.Error("the log tells what was presented")
			}
		})
	}
}

func TestATenantThatIsNoneHasNoLine(t *testing.T) {
	t.Parallel()
	x := team(t)
	o := observe(t, x)
	_, err := x.Service.AuthenticateClient(request(t), "canary-tenant", issuing.ClientAuthentication{ClientID: "billing"})
	wantRefusal(t, err, issuing.UnknownTenant)
	_, err = x.Service.Login(request(t), "canary-tenant", issuing.Login{Credentials: asAlice()})
	wantRefusal(t, err, issuing.UnknownTenant)
	if all := o.lines(t); len(all) != 0 {
		t.Errorf("lines %v", all)
	}
	if diff := cmp.Diff(map[string]float64{"OAuth2 UnknownTenant": 1, "Wazo UnknownTenant": 1}, o.counted(t)); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestWhatIsEndedIsALineEach(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	o := observe(t, x.Tenant)
	mobile := func(clientID string) *issuing.Issued {
		t.Helper()
		issued, err := x.Service.Login(request(t), x.Namespace, issuing.Login{
			Credentials: asAlice(), Lifetime: time.Hour, ClientID: clientID, Offline: true, Mobile: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		x.Await(t, "the grant is known", func() bool { _, ok := x.Rows(t).GrantByID(issued.Access.GrantID); return ok })
		return issued
	}
	first := mobile("phone")
	again := mobile("phone")   // moves the epoch
	tablet := mobile("tablet") // removes the phone's grant
	if err := x.Service.Revoke(request(t), x.Namespace, tablet.AccessToken.Reveal(), tokens.Wazo); err != nil {
		t.Fatal(err)
	}
	if err := x.Service.Revoke(request(t), x.Namespace, "canary-unknown", tokens.Wazo); err != nil {
		t.Fatal(err)
	}
	oauth := login(t, x.Tenant, issuing.Wish{})
	x.Await(t, "the grant is known", func() bool { _, ok := x.Rows(t).GrantByID(oauth.Access.GrantID); return ok })
	for _, token := range []sensitive.String{oauth.AccessToken, oauth.AccessToken, oauth.RefreshToken} { // of the second time nothing comes
		if err := x.Service.RevokeOwn(request(t), authenticated(t, x.Tenant, "billing"), token.Reveal()); err != nil {
			t.Fatal(err)
		}
	}

	type told struct{ event, client, grant, session, username string }
	session := func(of *issuing.Issued) string { return tokens.SessionName(of.AccessToken.Reveal()) }
	want := []told{
		{"token.issued", "phone", first.Access.GrantID, session(first), "alice"},
		{"grant.revoked", "phone", first.Access.GrantID, "", "alice"},
		{"token.issued", "phone", again.Access.GrantID, session(again), "alice"},
		{"grant.deleted", "phone", first.Access.GrantID, "", "alice"},
		{"token.issued", "tablet", tablet.Access.GrantID, session(tablet), "alice"},
		{"token.revoked", "tablet", tablet.Access.GrantID, session(tablet), "alice"},
		{"token.issued", "billing", oauth.Access.GrantID, "", "alice"},
		{"token.revoked", "billing", oauth.Access.GrantID, "", "alice"},
		{"grant.revoked", "billing", oauth.Access.GrantID, "", "alice"},
	}
	var got []told
	text := func(of any) string { s, _ := of.(string); return s }
	for _, line := range o.lines(t) {
		got = append(got, told{text(line["event"]), text(line["clientID"]), text(line["grantID"]), text(line["session"]), text(line["username"])})
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(told{})); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	for what, secret := range map[string]sensitive.String{
		"an access token": first.AccessToken, "a refresh token": first.RefreshToken, "a JWT": oauth.AccessToken, "the password": sensitive.New(password),
	} {
		if strings.Contains(o.text.String(), secret.Reveal()) {
			t.Errorf("the log holds %s", what)
		}
	}
	if refreshed := o.counted(t)["Wazo password Refresh"]; refreshed != 3 {
		t.Errorf("%v refresh tokens were counted, want 3", refreshed)
	}
}

func TestADeliveredTokenIsOneLineAndOneCount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		format  v1alpha1.TokenFormat
		wazo    bool
		counted string
	}{
		"a JWT":                  {format: v1alpha1.TokenFormatJWT, counted: "OAuth2 delivery JWT"},
		"a reference token":      {format: v1alpha1.TokenFormatReference, counted: "OAuth2 delivery Reference"},
		"a wazo reference token": {format: v1alpha1.TokenFormatReference, wazo: true, counted: "Wazo delivery Reference"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gen.RefreshTokenGrant("nightly", gen.Target("mounted"), gen.GrantScopes("orders:read"))
			g.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: tc.format}
			if tc.wazo {
				gen.ForWazo("billing")(g)
			}
			x := team(t, g)
			o := observe(t, x)
			row, _ := x.Rows(t).Grant("nightly")
			terms, standing := issuing.GrantTerms(x.Rows(t), row, tenant.Start)
			if !standing.Good() {
				t.Fatal(standing)
			}
			r := revision.Token{Revision: 3, ID: "j", KeyID: "k", IssuedAt: tenant.Start, ExpiresAt: tenant.Start.Add(time.Hour)}
			x.Service.Delivered(t.Context(), x.Ring, row, &terms, r, revision.ReasonDue)
			line := o.sole(t)
			if _, isReference := line["session"]; isReference != (tc.format == v1alpha1.TokenFormatReference) {
				t.Errorf("the session is %v", line["session"])
			}
			delete(line, "session")
			want := map[string]any{
				"event": "revision.delivered", "tenant": x.Namespace, "dialect": strings.Fields(tc.counted)[0], "grantType": "delivery",
				"subject": gen.Subject("alice"), "username": "alice", "clientID": "billing", "grantID": g.Spec.ID, "grant": "nightly",
				"tokenID": "j", "keyID": "k", "revision": 3.0, "secret": "mounted", "reason": "Due",
			}
			if diff := cmp.Diff(want, line); diff != "" {
				t.Errorf("the line (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]float64{tc.counted: 1}, o.counted(t)); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACopiedRefreshTokenLeavesATrail(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	o := observe(t, x.Tenant)
	stolen := login(t, x.Tenant, issuing.Wish{})
	refresh(t, x.Tenant, stolen.RefreshToken)
	x.Clock.Step(time.Minute)
	refuseRefresh(t, x.Tenant, stolen.RefreshToken, issuing.RefreshTokenReused)

	var got []string
	for _, line := range o.lines(t) {
		if line["grantID"] != stolen.Access.GrantID || line["username"] != "alice" || line["clientID"] != "billing" {
			t.Errorf("the line names somebody else: %v", line)
		}
		reason, _ := line["reason"].(string)
		got = append(got, strings.TrimSpace(line["event"].(string)+" "+reason))
	}
	want := []string{
		"token.issued", "token.issued", "grant.revoked a refresh token that had been replaced was used again", "token.refused RefreshTokenReused",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	counted := map[string]float64{
		"OAuth2 password JWT": 1, "OAuth2 password Refresh": 1, "OAuth2 refresh_token JWT": 1, "OAuth2 refresh_token Refresh": 1, "OAuth2 RefreshTokenReused": 1,
	}
	if diff := cmp.Diff(counted, o.counted(t)); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestEveryReasonIsCounted: a reason that is not announced would be counted nowhere.
func TestEveryReasonIsCounted(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, match := range regexp.MustCompile(`(?m)^\t\w+ Reason = "(\w+)"$`).FindAllStringSubmatch(string(source), -1) {
		declared = append(declared, match[1])
	}
	if diff := cmp.Diff(declared, issuing.Reasons()); diff != "" {
		t.Errorf("reasons (-declared +listed):\n%s", diff)
	}
}

// TestTheLogTellsAGrantElsewhereFromOneHere: whoever has the other namespace may give a grant the id and
// the name of one of the tenant's own.
func TestTheLogTellsAGrantElsewhereFromOneHere(t *testing.T) {
	t.Parallel()
	x := neighbours(t, crossing(away, gen.Namespace, gen.Target("mounted")))
	x.Put(nightly())
	refreshToken := deliveredIn(t, x, away)
	o := observe(t, x)
	there, _ := x.Directory.Tenant(away)
	g, _ := there.Grant("nightly")
	terms, standing := issuing.GrantTerms(x.Rows(t), g, tenant.Start)
	if !standing.Good() {
		t.Fatal(standing)
	}
	r := revision.Token{Revision: 1, ID: "j", KeyID: "k", IssuedAt: tenant.Start, ExpiresAt: tenant.Start.Add(time.Hour)}
	x.Service.Delivered(t.Context(), x.Ring, g, &terms, r, revision.ReasonDue)
	refresh(t, x, refreshToken)
	x.Directory.Remove(g.RefreshTokenGrant)
	x.Directory.MarkLost(away)
	_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), refreshToken.Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.Unavailable)

	got := map[any]any{}
	for _, line := range o.lines(t) {
		if line["grantID"] != g.Spec.ID {
			t.Errorf("%v names the grant %v", line["event"], line["grantID"])
		}
		got[line["event"]] = line["grantNamespace"]
	}
	want := map[any]any{"revision.delivered": away, "token.issued": away, "token.refused": away}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("where the grant is (-want +got):\n%s", diff)
	}
}
