package endpoint

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress finds out who is calling: the peer of the connection or, where that is a trusted
// proxy, the rightmost address in X-Forwarded-For that is not one. What stands to the left of it was
// written by the client and means nothing. trusted says that the peer is a proxy of ours.
//
// Where an entry cannot be read, the proxy that wrote it is the last address known.
func clientAddress(r *http.Request, proxies []netip.Prefix) (client netip.Addr, trusted bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	client = peer.Addr().Unmap().WithZone("")
	if !within(proxies, client) {
		return client, false
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for rest, more := line, true; more; {
			var entry string
			rest, entry, more = cutLast(rest)
			hop, ok := parseHop(entry)
			if !ok {
				return client, true
			}
			client = hop
			if !within(proxies, client) {
				return client, true
			}
		}
	}
	return client, true
}

// cutLast takes the last entry off a comma-separated list.
func cutLast(list string) (rest, last string, more bool) {
	comma := strings.LastIndexByte(list, ',')
	if comma < 0 {
		return "", list, false
	}
	return list[:comma], list[comma+1:], true
}

// parseHop reads an address with or without a port; some proxies add one.
func parseHop(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	hop, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(entry)
		if err != nil {
			return netip.Addr{}, false
		}
		hop = withPort.Addr()
	}
	return hop.Unmap().WithZone(""), true
}

func within(networks []netip.Prefix, address netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}
