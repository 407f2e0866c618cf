package endpoint

import (
	"net"
	"net/netip"
	"sync"
)

// sources counts the open connections of each source: an IPv4 address or a /64 of IPv6, which is
// what one machine can have for the asking.
type sources struct {
	limit  int
	exempt []netip.Prefix

	mu   sync.Mutex
	open map[netip.Prefix]int
}

func newSources(limit int, exempt []netip.Prefix) *sources {
	return &sources{limit: limit, exempt: exempt, open: map[netip.Prefix]int{}}
}

// enter counts a connection, and says false where its source has as many as it may. What it returns
// is for leave: no prefix at all for a source without a limit.
func (s *sources) enter(peer net.Addr) (source netip.Prefix, ok bool) {
	parsed, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return netip.Prefix{}, true // a transport without addresses, which is a test's
	}
	address := parsed.Addr().Unmap().WithZone("")
	if within(s.exempt, address) {
		return netip.Prefix{}, true
	}
	source = sourceOf(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[source] >= s.limit {
		return netip.Prefix{}, false
	}
	s.open[source]++
	return source, true
}

// leave takes a connection back out.
func (s *sources) leave(source netip.Prefix) {
	if !source.IsValid() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[source]--; s.open[source] == 0 {
		delete(s.open, source)
	}
}

func sourceOf(address netip.Addr) netip.Prefix {
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(address, bits).Masked()
}
