package oauth

import (
	"net/http"
	"strconv"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// Header values that all answers share. Nobody writes into them.
var (
	headerJSON    = []string{"application/json"}
	headerNoStore = []string{"no-store"}
	headerNoCache = []string{"no-cache"}
)

// answer writes a token (RFC 6749 §5.1).
func answer(w http.ResponseWriter, issued *issuing.Issued) {
	buffer := endpoint.NewBuffer()
	defer buffer.Release()
	buffer.B = appendIssued(buffer.B, issued)
	send(w, http.StatusOK, buffer.B)
}

// appendIssued writes the answer as JSON. There is nothing to escape: tokens are base64url, UUIDs,
// digits and dots, and a scope that is granted holds neither quotes nor backslashes nor anything
// beyond ASCII (scopes.Concrete). Both scope and refresh_token are left out where there is none.
func appendIssued(to []byte, issued *issuing.Issued) []byte {
	a := issued.Access
	to = append(append(to, `{"access_token":"`...), issued.AccessToken.Reveal()...)
	to = append(to, `","token_type":"Bearer","expires_in":`...)
	to = strconv.AppendInt(to, int64(a.ExpiresAt.Sub(a.IssuedAt)/time.Second), 10)
	if !issued.RefreshToken.IsZero() {
		to = append(append(to, `,"refresh_token":"`...), issued.RefreshToken.Reveal()...)
		to = append(to, '"')
	}
	if len(a.Scopes) > 0 {
		to = append(to, `,"scope":"`...)
		for i, scope := range a.Scopes {
			if i > 0 {
				to = append(to, ' ')
			}
			to = append(to, scope...)
		}
		to = append(to, '"')
	}
	return append(to, "}\n"...)
}

// send writes a JSON body that no cache may keep (RFC 6749 §5.1).
func send(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = headerJSON
	header["Cache-Control"] = headerNoStore
	header["Pragma"] = headerNoCache
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A client that is gone is no matter of ours.
	_, _ = w.Write(body)
}
