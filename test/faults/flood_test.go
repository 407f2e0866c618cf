package faults_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grantkeeper/grantkeeper/test/operator"
)

// TestClientsThatTakeConnectionsAndMemoryGetLittle: thousands of connections that say nothing, clients that send a
// byte at a time, and bodies of 10 MiB, one kind after the other.
func TestClientsThatTakeConnectionsAndMemoryGetLittle(t *testing.T) {
	t.Parallel()
	heavy.Lock()
	defer heavy.Unlock()
	const connections, sources, slow, bodies, mostMiB = 10_000, 40, 200, 200, 100
	s := newSite(t, "flood")
	s.populate(t, s.tenant())
	o := s.start(t)
	all := s.grants(t, s.tenant(), "grant", 1, each())
	awaitReady(t, all...)
	address := addressOf(t, o)
	before := steadyMemory(t, o)

	idle := openIdle(t, address, connections, sources)
	served := time.Now()
	eventually(t, newCaller(t, secretOf(t, all[0]), o, "").clientCredentials)
	waited := since(served)
	beside := residentMemory(t, o)
	for _, connection := range idle {
		_ = connection.Close()
	}

	trickle(t, address, slow)
	slowly := residentMemory(t, o)
	refused := sendBodies(t, o, bodies)
	afterwards := residentMemory(t, o)

	figure(t, "flood: connections of 10,000 that were opened and say nothing", len(idle))
	figure(t, "flood: a token beside them after", waited)
	figure(t, "flood: MiB more beside them (at most 100)", fmt.Sprintf("%.1f", beside-before))
	figure(t, "flood: MiB more after 200 clients that sent a byte at a time (at most 100)", fmt.Sprintf("%.1f", slowly-before))
	figure(t, "flood: MiB more after 200 bodies of 10 MiB, all refused (at most 100)", fmt.Sprintf("%.1f", afterwards-before))
	if refused != bodies {
		t.Errorf("%d of %d large bodies were refused", refused, bodies)
	}
	if most := max(beside, slowly, afterwards) - before; most > mostMiB {
		t.Errorf("%.1f MiB more than the %.1f before", most, before)
	}
	if err := newCaller(t, secretOf(t, all[0]), o, "").clientCredentials(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func addressOf(t *testing.T, o *operator.Operator) string {
	t.Helper()
	parsed, err := url.Parse(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Host
}

// openIdle opens connections from several addresses, of which one alone has only its share, and says
// nothing on them. Those that the kernel's queue has no room for are not opened.
func openIdle(t *testing.T, address string, connections, sources int) (open []net.Conn) {
	t.Helper()
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(256)
	for i := range connections {
		group.Go(func() error {
			from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%sources))}
			dialer := net.Dialer{LocalAddr: from, Timeout: time.Second}
			connection, err := dialer.DialContext(t.Context(), "tcp4", address)
			if err != nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			open = append(open, connection)
			return nil
		})
	}
	_ = group.Wait()
	t.Cleanup(func() {
		for _, connection := range open {
			_ = connection.Close()
		}
	})
	return open
}

// trickle lets clients send the header of a request a byte at a time, and waits until all of them are cut off.
func trickle(t *testing.T, address string, clients int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var group errgroup.Group
	for range clients {
		group.Go(func() error { return trickleOne(ctx, address) })
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func trickleOne(ctx context.Context, address string) error {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil
	}
	defer func() { _ = connection.Close() }()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for endless := "GET /jwks HTTP/1.1\r\nX-Slow: "; ; endless = "a" {
		if _, err := io.WriteString(connection, endless); err != nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("a client that sends a byte at a time is still connected after a minute")
		}
	}
}

// sendBodies sends large bodies, half of which announce their length, and counts those that are refused.
func sendBodies(t *testing.T, o *operator.Operator, bodies int) (refused int) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(32)
	for i := range bodies {
		group.Go(func() error {
			var body io.Reader = strings.NewReader(strings.Repeat("a", 10<<20))
			if i%2 == 0 {
				body = io.MultiReader(body) // of which nobody knows how long it is
			}
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL+"/api/auth/0.1/token", body)
			if err != nil {
				return err
			}
			response, err := transport.RoundTrip(request)
			if err != nil { // the connection was closed before all of it was sent
				mu.Lock()
				defer mu.Unlock()
				refused++
				return nil
			}
			defer func() { _ = response.Body.Close() }()
			if response.StatusCode == http.StatusRequestEntityTooLarge {
				mu.Lock()
				defer mu.Unlock()
				refused++
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	return refused
}
