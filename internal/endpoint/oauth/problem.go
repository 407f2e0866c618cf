package oauth

import (
	"net/http"
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// The error codes of RFC 6749 §5.2 and, the last three, of RFC 8707 §2 and RFC 6749 §4.1.2.1.
const (
	codeInvalidRequest       = "invalid_request"
	codeInvalidClient        = "invalid_client"
	codeInvalidGrant         = "invalid_grant"
	codeUnauthorizedClient   = "unauthorized_client"
	codeUnsupportedGrantType = "unsupported_grant_type"
	codeInvalidScope         = "invalid_scope"
	codeInvalidTarget        = "invalid_target"
	codeServerError          = "server_error"
	codeUnavailable          = "temporarily_unavailable"
)

// problem is an error as the client gets it.
type problem struct {
	status int
	code   string
	// description is for the client's developer. It need not be in the character set of RFC 6749.
	description string
	// retryAfter becomes the header of that name; zero: none.
	retryAfter time.Duration
}

func (p *problem) Error() string { return p.code + ": " + p.description }

func invalidRequest(description string) *problem {
	return &problem{status: http.StatusBadRequest, code: codeInvalidRequest, description: description}
}

// errNoClient is the answer where no client has authenticated in a way that is known here.
var errNoClient = &problem{status: http.StatusUnauthorized, code: codeInvalidClient, description: "client authentication is missing or malformed"}

// problems are the reasons of package issuing in the words of the RFCs.
var problems = map[issuing.Reason]struct {
	status int
	code   string
}{
	issuing.InvalidClient:         {http.StatusUnauthorized, codeInvalidClient},
	issuing.UnauthorizedClient:    {http.StatusBadRequest, codeUnauthorizedClient},
	issuing.InvalidGrant:          {http.StatusBadRequest, codeInvalidGrant},
	issuing.RefreshTokenReused:    {http.StatusBadRequest, codeInvalidGrant},
	issuing.CodeReused:            {http.StatusBadRequest, codeInvalidGrant},
	issuing.InvalidScope:          {http.StatusBadRequest, codeInvalidScope},
	issuing.InvalidTarget:         {http.StatusBadRequest, codeInvalidTarget},
	issuing.TooManySessions:       {http.StatusTooManyRequests, codeUnavailable},
	issuing.TooManyTenantSessions: {http.StatusTooManyRequests, codeUnavailable},
	issuing.TooManyGrants:         {http.StatusTooManyRequests, codeUnavailable},
	issuing.LockedOut:             {http.StatusTooManyRequests, codeInvalidGrant},
	issuing.UnknownTenant:         {http.StatusNotFound, codeInvalidRequest},
	issuing.Unavailable:           {http.StatusServiceUnavailable, codeUnavailable},
}

// problemOf translates the service's refusal. One that no token request can get is a bug of ours.
func problemOf(refusal *issuing.Refusal) *problem {
	known, ok := problems[refusal.Reason]
	if !ok {
		return &problem{status: http.StatusInternalServerError, code: codeServerError}
	}
	p := &problem{status: known.status, code: known.code, description: refusal.Description, retryAfter: refusal.RetryAfter}
	if refusal.Reason == issuing.Unavailable {
		p.description = "the server cannot answer this now"
	}
	return p
}

// Refuse writes an error of the server itself, such as 405 for a GET of /token, as this dialect
// does. It has the type of endpoint.Refusal.
func Refuse(w http.ResponseWriter, _ *http.Request, status int) {
	p := &problem{status: status, code: codeInvalidRequest, description: strings.ToLower(http.StatusText(status))}
	if status >= http.StatusInternalServerError {
		p.code = codeServerError
	}
	p.write(w)
}

// challenge is what a 401 has to carry. The realm tells a person which credentials are asked for.
var challenge = []string{`Basic realm="Grantkeeper token endpoint"`}

func (p *problem) write(w http.ResponseWriter) {
	header := w.Header()
	if p.status == http.StatusUnauthorized {
		header["Www-Authenticate"] = challenge
	}
	endpoint.SetRetryAfter(header, p.retryAfter)
	buffer := endpoint.NewBuffer()
	defer buffer.Release()
	buffer.B = p.append(buffer.B)
	send(w, p.status, buffer.B)
}

// append writes the error as JSON. Neither a code nor a description has anything to escape.
func (p *problem) append(to []byte) []byte {
	to = append(append(to, `{"error":"`...), p.code...)
	if p.description != "" {
		to = dialect.AppendDescription(append(to, `","error_description":"`...), p.description)
	}
	return append(to, `"}`+"\n"...)
}
