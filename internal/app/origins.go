package app

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
)

// setAllowedOrigins takes whole origins, which are compared byte for byte, and no patterns: one that says more
// than was meant lets strangers in, and nobody sees it.
func (o *Options) setAllowedOrigins(text string) error {
	origins := splitList(text)
	if len(origins) > 1 && slices.Contains(origins, endpoint.AnyOrigin) {
		return fmt.Errorf("%q allows every origin, so no other can stand beside it", endpoint.AnyOrigin)
	}
	for _, origin := range origins {
		if origin != endpoint.AnyOrigin && !isOrigin(origin) {
			return fmt.Errorf("%q is not an origin as browsers send it, such as https://app.example.com or http://localhost:3000: in lower case, without a path, and without the port that is the scheme's own", origin)
		}
	}
	o.CORSAllowedOrigins = origins
	return nil
}

// isOrigin tells whether a browser could send a text as its Origin (RFC 6454 §6.2): the text has to be what
// comes of its parts. Applications that show pages of their own have schemes of their own, such as capacitor.
func isOrigin(text string) bool {
	origin, err := url.Parse(text)
	if err != nil || !isHost(origin.Hostname()) || !isPort(origin.Scheme, origin.Port()) {
		return false
	}
	host := origin.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := origin.Port(); port != "" {
		host += ":" + port
	}
	return text == origin.Scheme+"://"+host
}

func isHost(name string) bool {
	if address, err := netip.ParseAddr(name); err == nil {
		return address.String() == name
	}
	return len(validation.IsDNS1123Subdomain(name)) == 0
}

// isPort knows that browsers leave a scheme's own port out.
func isPort(scheme, text string) bool {
	if text == "" {
		return true
	}
	port, err := strconv.ParseUint(text, 10, 16)
	own := map[string]string{"https": "443", "http": "80"}
	return err == nil && port > 0 && text == strconv.FormatUint(port, 10) && text != own[scheme]
}
