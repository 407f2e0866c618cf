package oauth

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

func TestEveryReasonHasItsWord(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		refusal *issuing.Refusal
		want    problem
	}{
		"a client that did not prove itself": {
			&issuing.Refusal{Reason: issuing.InvalidClient, Description: "d"},
			problem{status: 401, code: "invalid_client", description: "d"},
		},
		"a client without the grant type": {
			&issuing.Refusal{Reason: issuing.UnauthorizedClient, Description: "d"},
			problem{status: 400, code: "unauthorized_client", description: "d"},
		},
		"a wrong password or refresh token": {
			&issuing.Refusal{Reason: issuing.InvalidGrant, Description: "d"},
			problem{status: 400, code: "invalid_grant", description: "d"},
		},
		"a scope that is not granted": {
			&issuing.Refusal{Reason: issuing.InvalidScope, Description: "d"},
			problem{status: 400, code: "invalid_scope", description: "d"},
		},
		"an audience that is not granted": {
			&issuing.Refusal{Reason: issuing.InvalidTarget, Description: "d"},
			problem{status: 400, code: "invalid_target", description: "d"},
		},
		"too many sessions": {
			&issuing.Refusal{Reason: issuing.TooManySessions, Description: "d"},
			problem{status: 429, code: "temporarily_unavailable", description: "d"},
		},
		"too many sessions in the tenant": {
			&issuing.Refusal{Reason: issuing.TooManyTenantSessions, Description: "d"},
			problem{status: 429, code: "temporarily_unavailable", description: "d"},
		},
		"too many grants": {
			&issuing.Refusal{Reason: issuing.TooManyGrants, Description: "d"},
			problem{status: 429, code: "temporarily_unavailable", description: "d"},
		},
		"a lockout": {
			&issuing.Refusal{Reason: issuing.LockedOut, Description: "d", RetryAfter: time.Minute},
			problem{status: 429, code: "invalid_grant", description: "d", retryAfter: time.Minute},
		},
		"no such tenant": {
			&issuing.Refusal{Reason: issuing.UnknownTenant, Description: "d"},
			problem{status: 404, code: "invalid_request", description: "d"},
		},
		"an outage": {
			&issuing.Refusal{Reason: issuing.Unavailable},
			problem{status: 503, code: "temporarily_unavailable", description: "the server cannot answer this now"},
		},
		"an error that is no refusal": {
			issuing.AsRefusal(errors.New("unforeseen")),
			problem{status: 503, code: "temporarily_unavailable", description: "the server cannot answer this now"},
		},
		"a reason that no token request has": {
			&issuing.Refusal{Reason: issuing.UnknownToken, Description: "d"},
			problem{status: 500, code: "server_error"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(&tc.want, problemOf(tc.refusal), cmp.AllowUnexported(problem{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsOnTheWire(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		problem    problem
		wantBody   string
		wantHeader http.Header // beyond those of every answer
	}{
		"a code alone": {
			problem{status: 400, code: "unsupported_grant_type"},
			`{"error":"unsupported_grant_type"}`, http.Header{},
		},
		"a code and a description": {
			problem{status: 400, code: "invalid_request", description: "a parameter is missing: scope"},
			`{"error":"invalid_request","error_description":"a parameter is missing: scope"}`, http.Header{},
		},
		"401 brings a challenge": {
			problem{status: 401, code: "invalid_client"},
			`{"error":"invalid_client"}`, http.Header{"Www-Authenticate": {`Basic realm="Grantkeeper token endpoint"`}},
		},
		"a wait is told in whole seconds, rounded up": {
			problem{status: 429, code: "invalid_grant", retryAfter: 1001 * time.Millisecond},
			`{"error":"invalid_grant"}`, http.Header{"Retry-After": {"2"}},
		},
		"a whole second is one": {
			problem{status: 429, code: "invalid_grant", retryAfter: time.Second},
			`{"error":"invalid_grant"}`, http.Header{"Retry-After": {"1"}},
		},
		"a description keeps to the characters of the RFC": {
			problem{status: 400, code: "invalid_scope", description: "not granted: [\"a\\\"\" é\x00\n~ ]"},
			`{"error":"invalid_scope","error_description":"not granted: ['a?'' ????~ ]"}`, http.Header{},
		},
		"a description has an end": {
			problem{status: 400, code: "invalid_scope", description: strings.Repeat("a", 300)},
			`{"error":"invalid_scope","error_description":"` + strings.Repeat("a", 256) + `"}`, http.Header{},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			tc.problem.write(recorder)
			if got := strings.TrimSuffix(recorder.Body.String(), "\n"); got != tc.wantBody || recorder.Code != tc.problem.status {
				t.Errorf("got %d %s\nwant %d %s", recorder.Code, got, tc.problem.status, tc.wantBody)
			}
			maps.Copy(tc.wantHeader, http.Header{
				"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"},
				"Content-Length": {strconv.Itoa(recorder.Body.Len())},
			})
			if diff := cmp.Diff(tc.wantHeader, recorder.Header()); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheServersOwnErrorsSpeakAlike(t *testing.T) {
	t.Parallel()
	tests := map[int]string{
		http.StatusNotFound:              `{"error":"invalid_request","error_description":"not found"}`,
		http.StatusMethodNotAllowed:      `{"error":"invalid_request","error_description":"method not allowed"}`,
		http.StatusRequestEntityTooLarge: `{"error":"invalid_request","error_description":"request entity too large"}`,
		http.StatusInternalServerError:   `{"error":"server_error","error_description":"internal server error"}`,
	}
	for status, want := range tests {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			Refuse(recorder, httptest.NewRequest(http.MethodGet, "/token", nil), status)
			if got := strings.TrimSuffix(recorder.Body.String(), "\n"); got != want || recorder.Code != status {
				t.Errorf("got %d %s\nwant %d %s", recorder.Code, got, status, want)
			}
		})
	}
}

// FuzzDescription: whatever a description quotes, the answer is JSON, and the description is in the
// characters of RFC 6749 §5.2.
func FuzzDescription(f *testing.F) {
	f.Add(`"`)
	f.Add("\\u0000\xff\x7f")
	f.Fuzz(func(t *testing.T, description string) {
		p := problem{code: codeInvalidScope, description: description}
		var read struct {
			Error            string `json:"error"`
			ErrorDescription string `json:"error_description"`
		}
		if err := json.Unmarshal(p.append(nil), &read); err != nil || read.Error != codeInvalidScope {
			t.Fatalf("%q is written as %q: %v", description, p.append(nil), err)
		}
		for _, c := range read.ErrorDescription {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Errorf("%q holds %q", read.ErrorDescription, c)
			}
		}
	})
}
