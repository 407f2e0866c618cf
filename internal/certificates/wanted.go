package certificates

import (
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Wanted is what the operator's options ask of its certificates.
type Wanted struct {
	// DNSNames and Addresses are what clients call the endpoint by, in any order.
	DNSNames  []string
	Addresses []netip.Addr
	// Hold is how long an authority has to be in the distributed bundle before it signs: the longest
	// life of a token, after which every Secret that holds one has been written again.
	Hold time.Duration
}

// dnsNames returns the names as they stand in a certificate: lower case, sorted, each once.
func (w Wanted) dnsNames() []string {
	names := make([]string, 0, len(w.DNSNames))
	for _, name := range w.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// addresses returns the addresses as they stand in a certificate.
func (w Wanted) addresses() []netip.Addr {
	addresses := make([]netip.Addr, 0, len(w.Addresses))
	for _, address := range w.Addresses {
		addresses = append(addresses, address.Unmap())
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return slices.Compact(addresses)
}

// isEmpty says that there is nothing to certify.
func (w Wanted) isEmpty() bool {
	return len(w.DNSNames) == 0 && len(w.Addresses) == 0
}

// namedBy says whether a certificate is for exactly the wanted names.
func (w Wanted) namedBy(certificate *x509.Certificate) bool {
	held := Wanted{DNSNames: certificate.DNSNames}
	for _, ip := range certificate.IPAddresses {
		// x509 parses addresses of 4 and 16 bytes only.
		address, _ := netip.AddrFromSlice(ip)
		held.Addresses = append(held.Addresses, address)
	}
	return slices.Equal(w.dnsNames(), held.dnsNames()) && slices.Equal(w.addresses(), held.addresses())
}
