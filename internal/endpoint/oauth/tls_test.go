package oauth_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// listen runs the operator's own server over a handler until the test ends. It returns the base
// URL and what a client has to trust.
func listen(t testing.TB, handler http.Handler) (base string, roots *x509.CertPool) {
	t.Helper()
	want := certificates.Wanted{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Hold: time.Hour}
	bundle, _, err := certificates.Settle(rand.Reader, nil, want, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	data, err := certificates.Encode(bundle)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(data["tls.crt"], data["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data[certificates.DataTrusted]) {
		t.Fatal("there is no authority to trust")
	}
	certificate := &endpoint.Certificate{}
	certificate.Set(&pair)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := endpoint.NewServer(listener, handler, certificate, endpoint.NewHealth(logr.Discard()), endpoint.ServerOptions{Clock: clock.RealClock{}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return "https://" + listener.Addr().String(), roots
}

// tokenAnswer is what a client reads of RFC 6749 §5.1.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
}

// TestWSO2 makes the two calls of WSO2's token API to the letter: the consumer key and secret joined
// by a colon in the header, and the payloads in the order in which they are documented.
func TestWSO2(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	const key, secret = "wgT5CmBZjAjVeVAhIfNHWYWJiWsa", "oJCE1Snt5Q_lmsUYCyZfL4UWuXsa"
	x.Create(t,
		gen.AuthUser("alice", gen.Password(), gen.UserScopes("PRODUCTION")), gen.PasswordSecret("alice", "opensesame"),
		gen.AuthClient("app", gen.ClientID(key), gen.EveryGrantType(), gen.ClientScopes("PRODUCTION")), gen.ClientSecret("app", secret))
	base, roots := listen(t, serve(t, x.Tenant))
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: protocol == "HTTP/2.0"}
		t.Cleanup(transport.CloseIdleConnections)
		call := func(payload string) tokenAnswer {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/token", strings.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(key+":"+secret)))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("User-Agent", "curl/7.88.1")
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK || response.Proto != protocol {
				t.Fatalf("got %s %s", response.Proto, response.Status)
			}
			var answer tokenAnswer
			if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
				t.Fatal(err)
			}
			return answer
		}
		first := call("grant_type=password&username=alice&password=opensesame&scope=PRODUCTION")
		again := call("grant_type=refresh_token&refresh_token=" + first.RefreshToken + "&scope=PRODUCTION")
		for what, answer := range map[string]tokenAnswer{"password": first, "refresh": again} {
			if answer.TokenType != "Bearer" || answer.ExpiresIn != 3600 || answer.Scope != "PRODUCTION" || answer.RefreshToken != first.RefreshToken {
				t.Errorf("%s: the %s answer is of type %q, for %d s, scope %q", protocol, what, answer.TokenType, answer.ExpiresIn, answer.Scope)
			}
			checked, err := x.Service.Check(t.Context(), x.Namespace, answer.AccessToken)
			if err != nil || checked.User.Name != "alice" {
				t.Errorf("%s: the %s answer's token is refused: %v", protocol, what, err)
			}
		}
		if first.AccessToken == again.AccessToken {
			t.Errorf("%s: the refresh gave the same access token", protocol)
		}
	}
	if grants := x.Grants(t); len(grants) != 1 || grants[0].Spec.Login.UserAgent != "curl/7.88.1" {
		t.Errorf("there are %d grants, or another program is named in it", len(grants))
	}
	if writes := x.Writes.Load(); writes != 1 {
		t.Errorf("two logins and two refreshes made %d writes, want 1", writes)
	}
}
