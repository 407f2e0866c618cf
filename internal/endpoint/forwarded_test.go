package endpoint

import (
	"net/http"
	"net/netip"
	"testing"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		peer      string
		forwarded []string
		client    string
		trusted   bool
	}{
		"the peer, where nothing is forwarded":              {"192.0.2.1:1234", nil, "192.0.2.1", false},
		"the peer, where it is no proxy of ours":            {"192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1", false},
		"what a proxy of ours saw":                          {"10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7", true},
		"not what the client says that it is":               {"10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7", true},
		"the rightmost that is no proxy of ours":            {"10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.7, 10.9.9.9,10.8.8.8"}, "198.51.100.7", true},
		"across several lines, of which the last is newest": {"10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.7, 10.9.9.9", "10.8.8.8"}, "198.51.100.7", true},
		"the proxy itself, where it forwards nothing":       {"10.0.0.1:1234", nil, "10.0.0.1", true},
		"the leftmost, where all are proxies of ours":       {"10.0.0.1:1234", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1", true},
		"the last known, where an entry cannot be read":     {"10.0.0.1:1234", []string{"203.0.113.9, unknown, 10.2.2.2"}, "10.2.2.2", true},
		"the last known, where an entry is empty":           {"10.0.0.1:1234", []string{"203.0.113.9, , 10.2.2.2"}, "10.2.2.2", true},
		"the proxy, where the header is empty":              {"10.0.0.1:1234", []string{""}, "10.0.0.1", true},
		"an address with a port":                            {"10.0.0.1:1234", []string{"198.51.100.7:4711"}, "198.51.100.7", true},
		"an IPv6 address":                                   {"[fd00::1]:1234", []string{"2001:db8::7"}, "2001:db8::7", true},
		"an IPv6 address in brackets":                       {"[fd00::1]:1234", []string{"[2001:db8::7]"}, "2001:db8::7", true},
		"an IPv6 address with a port":                       {"[fd00::1]:1234", []string{"[2001:db8::7]:4711"}, "2001:db8::7", true},
		"an IPv6 address without its zone":                  {"[fe80::1%eth0]:1234", nil, "fe80::1", false},
		"a proxy that is an IPv4 address written as IPv6":   {"[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.7"}, "198.51.100.7", true},
		"nothing, where the transport knows none":           {"pipe", []string{"198.51.100.7"}, "invalid IP", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{"X-Forwarded-For": tc.forwarded}}
			client, trusted := clientAddress(r, proxies)
			if client.String() != tc.client || trusted != tc.trusted {
				t.Errorf("clientAddress = %s, trusted %t; want %s, trusted %t", client, trusted, tc.client, tc.trusted)
			}
		})
	}
}

func TestNobodyIsTrustedByDefault(t *testing.T) {
	t.Parallel()
	r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"198.51.100.7"}}}
	if client, trusted := clientAddress(r, nil); trusted || client.String() != "10.0.0.1" {
		t.Errorf("clientAddress = %s, trusted %t", client, trusted)
	}
}

// FuzzClientAddress holds the rule itself: whatever is forwarded, what the client wrote to the left
// of an address that a proxy of ours saw changes nothing.
func FuzzClientAddress(f *testing.F) {
	for _, forged := range []string{"", ",", "10.0.0.1", "203.0.113.9", "[::1", "a,b,c", "10.0.0.1,10.0.0.1:80"} {
		f.Add(forged)
	}
	f.Fuzz(func(t *testing.T, forged string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {forged, forged + ",198.51.100.7", "10.3.3.3"}}}
		if client, _ := clientAddress(r, proxies); client.String() != "198.51.100.7" {
			t.Errorf("%q made the client %s", forged, client)
		}
		r.Header["X-Forwarded-For"] = []string{forged}
		if client, trusted := clientAddress(r, proxies); !client.IsValid() || client.Zone() != "" || !trusted {
			t.Errorf("%q made the client %s", forged, client)
		}
	})
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	stranger := run(t, &running{})
	tests := map[string]struct {
		server *running
		given  string
		kept   bool
	}{
		"a proxy's id is kept":               {server, "Req_1.a-b", true},
		"a stranger's id is not":             {stranger, "Req_1.a-b", false},
		"an empty id is not":                 {server, "", false},
		"an id that would need quoting":      {server, `a"b`, false},
		"an id with a space":                 {server, "a b", false},
		"an id that is too long is not":      {server, longID + "x", false},
		"an id that is just short enough is": {server, longID, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.server.get(t, "/healthz", "X-Request-Id", tc.given).Header.Get("X-Request-Id")
			if (got == tc.given) != tc.kept || got == "" {
				t.Errorf("%q became %q", tc.given, got)
			}
		})
	}
	first, second := server.get(t, "/healthz").Header.Get("X-Request-Id"), server.get(t, "/healthz").Header.Get("X-Request-Id")
	other := stranger.get(t, "/healthz").Header.Get("X-Request-Id")
	if first == second || first[:16] != second[:16] || first[:16] == other[:16] {
		t.Errorf("ids %q and %q of one process, %q of another", first, second, other)
	}
}

const longID = "0123456789012345678901234567890123456789012345678901234567890123"

func TestCallCarriesTheClient(t *testing.T) {
	t.Parallel()
	server := run(t, &running{
		mux: MuxOptions{DefaultTenant: "main", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		dialects: []Dialect{{Routes: []Route{{http.MethodGet, "/who", func(w http.ResponseWriter, _ *http.Request, call Call) {
			writePlain(w, http.StatusOK, call.Client.String()+" "+call.ID)
		}}}}},
	})
	got := server.get(t, "/who", "X-Forwarded-For", "198.51.100.7", "X-Request-Id", "given")
	if got.body != "198.51.100.7 given" {
		t.Errorf("the call says %q", got.body)
	}
}
