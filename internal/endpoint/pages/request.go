package pages

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// The parameters of an authorization request that mean something here.
const (
	paramClientID        = "client_id"
	paramRedirectURI     = "redirect_uri"
	paramResponseType    = "response_type"
	paramResponseMode    = "response_mode"
	paramScope           = "scope"
	paramResource        = "resource"
	paramState           = "state"
	paramChallenge       = "code_challenge"
	paramChallengeMethod = "code_challenge_method"
	paramPrompt          = "prompt"
	paramMaxAge          = "max_age"
	paramRequest         = "request"
	paramRequestURI      = "request_uri"
)

var parameters = []string{
	paramClientID, paramRedirectURI, paramResponseType, paramResponseMode, paramScope, paramResource, paramState,
	paramChallenge, paramChallengeMethod, paramPrompt, paramMaxAge, paramRequest, paramRequestURI,
}

// request is an authorization request as it was read off a query.
type request struct {
	issuing.AuthorizationRequest
	state string
	// values are the parameters that mean something, to be carried on.
	values url.Values
	// problem is what is wrong with the rest of it, for the client to know.
	problem error
}

// parseRequest reads a query. It fails where the client or the redirect URI cannot be read, so that there
// is nobody to tell. A parameter without a value is absent (RFC 6749 §3.1).
func parseRequest(query string) (*request, error) {
	all, err := url.ParseQuery(query)
	if err != nil {
		return nil, errUnreadable
	}
	r := &request{values: url.Values{}}
	for _, name := range parameters {
		values := slices.DeleteFunc(all[name], func(value string) bool { return value == "" })
		if slices.ContainsFunc(values, func(value string) bool { return !utf8.ValidString(value) }) {
			return nil, errUnreadable
		}
		if len(values) > 1 && name != paramResource {
			if name == paramClientID || name == paramRedirectURI {
				return nil, errUnreadable
			}
			r.problem = invalid("a parameter is repeated: " + name)
			continue
		}
		if len(values) > 0 {
			r.values[name] = values
		}
	}
	r.read()
	return r, nil
}

// errUnreadable is that of a query from which nobody can be told anything.
var errUnreadable = invalid("the request cannot be read")

func invalid(description string) error {
	return &issuing.Refusal{Reason: issuing.InvalidRequest, Description: description}
}

// maxState is the longest state in bytes: it stands in the address of every page and of the answer.
const maxState = 2 << 10

// read takes the values apart. The first problem found stays.
func (r *request) read() {
	get := r.values.Get
	r.ClientID, r.RedirectURI, r.ResponseType = get(paramClientID), get(paramRedirectURI), get(paramResponseType)
	r.CodeChallenge, r.CodeChallengeMethod = get(paramChallenge), get(paramChallengeMethod)
	if r.state = get(paramState); len(r.state) > maxState {
		r.state = "" // it is not sent back cut
		r.values.Del(paramState)
		if r.problem == nil {
			r.problem = invalid("state has more than 2048 bytes")
		}
	}
	wish, err := dialect.Wish(get(paramScope), r.values[paramResource])
	r.Wish = wish
	for _, err := range []error{r.unsupported(), err, r.readPrompt(get(paramPrompt)), r.readMaxAge(get(paramMaxAge))} {
		if r.problem == nil {
			r.problem = err
		}
	}
}

// unsupported refuses what would change the meaning of a request if it were not read.
func (r *request) unsupported() error {
	switch {
	case r.values.Has(paramRequest):
		return errRequest
	case r.values.Has(paramRequestURI):
		return errRequestURI
	case r.values.Has(paramResponseMode) && r.values.Get(paramResponseMode) != "query":
		return invalid("response_mode has to be query")
	}
	return nil
}

func (r *request) readPrompt(text string) error {
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "none":
			r.Prompt.None = true
		case "login", "select_account":
			r.Prompt.Login = true
		case "consent":
			r.Prompt.Consent = true
		default:
			return invalid("prompt may be none, login, consent or select_account")
		}
	}
	return nil
}

// maxMaxAge is the longest max_age that says something: no browser is known for longer.
const maxMaxAge = 1 << 30

func (r *request) readMaxAge(text string) error {
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return invalid("max_age has to be a number of seconds")
	}
	age := time.Duration(min(seconds, maxMaxAge)) * time.Second
	r.Prompt.MaxAge = &age
	return nil
}

// text is the request as a query, in one way of several.
func (r *request) text() string { return r.values.Encode() }

// afterLogin is the request of somebody who has just given the password that it asked for.
func (r *request) afterLogin() string {
	values := r.without(paramMaxAge)
	if r.Prompt.Consent {
		values.Set(paramPrompt, "consent")
	} else {
		values.Del(paramPrompt)
	}
	return values.Encode()
}

// asAnother is the request of somebody who wants to log in anew.
func (r *request) asAnother() string {
	values := r.without(paramPrompt)
	values.Set(paramPrompt, "login")
	return values.Encode()
}

func (r *request) without(name string) url.Values {
	values := url.Values{}
	for other, value := range r.values {
		if other != name {
			values[other] = value
		}
	}
	return values
}
