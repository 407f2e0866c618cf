package endpoint

import (
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxRequestID bounds an id that a proxy gives, in bytes.
const maxRequestID = 64

// requestIDs names requests. An id has to be unique and nothing more, so one random prefix for the
// process and a counter do.
type requestIDs struct {
	prefix string
	count  atomic.Uint64
}

func newRequestIDs(random io.Reader) (*requestIDs, error) {
	var seed [10]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("read randomness for request ids: %w", err)
	}
	return &requestIDs{prefix: strings.ToLower(base32.HexEncoding.EncodeToString(seed[:])) + "-"}, nil
}

// of keeps the id that a trusted proxy has given, so that its log and ours can be read together.
func (s *requestIDs) of(r *http.Request, trusted bool) string {
	if trusted {
		if id := r.Header.Get("X-Request-Id"); isRequestID(id) {
			return id
		}
	}
	var id [40]byte
	return string(strconv.AppendUint(append(id[:0], s.prefix...), s.count.Add(1), 10))
}

// isRequestID admits what can stand in a log line and a header without any quoting.
func isRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !plain && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
