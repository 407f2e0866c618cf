package endpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// JWKSRoutes publish the tenants' verification keys (RFC 7517) at /jwks. keySet returns a tenant's
// set, which is not modified, or why there is none, which fail answers in the words of a dialect.
// maxAge is how long a copy of the set is good, in whole seconds. A standby key has to be published for
// much longer than that before it signs, so that nobody ever meets a signature whose key is not in
// the copy they hold.
func JWKSRoutes(keySet func(tenant string) ([]byte, error), maxAge time.Duration, fail Failure) []Route {
	cacheControl := []string{"public, max-age=" + strconv.FormatInt(int64(maxAge/time.Second), 10)}
	handle := func(w http.ResponseWriter, r *http.Request, call Call) {
		set, err := keySet(call.Tenant)
		if err != nil {
			fail(w, r, call, err)
			return
		}
		serveJWKS(w, r, set, cacheControl)
	}
	return []Route{
		{Method: http.MethodGet, Pattern: "/jwks", Handle: handle},
		{Method: http.MethodHead, Pattern: "/jwks", Handle: handle},
	}
}

func serveJWKS(w http.ResponseWriter, r *http.Request, set []byte, cacheControl []string) {
	// The tag is a digest and no counter, so that all replicas give the same.
	digest := sha256.Sum256(set)
	tag := `"` + base64.RawURLEncoding.EncodeToString(digest[:15]) + `"`
	header := w.Header()
	header["Cache-Control"] = cacheControl
	// This is the one answer that caches keep. A copy that was got without an Origin does not say that the
	// page of another one may read it.
	header["Vary"] = headerVaryOrigin
	header.Set("ETag", tag)
	if matchesTag(r.Header["If-None-Match"], tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", "application/jwk-set+json")
	header.Set("Content-Length", strconv.Itoa(len(set)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		// A client that is gone is no matter of ours.
		_, _ = w.Write(set)
	}
}

// matchesTag compares as RFC 9110 section 13.1.2 has it: any entry of the list, weak or not.
func matchesTag(lines []string, tag string) bool {
	for _, line := range lines {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}
