package issuing

import (
	"errors"
	"fmt"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// Reason says why a request was refused. Each dialect has its own words for it.
type Reason string

// The reasons for a refusal.
const (
	// InvalidClient: the client is unknown, may not be used, or did not prove its secret.
	InvalidClient Reason = "InvalidClient"
	// UnauthorizedClient: the client may not use this grant type.
	UnauthorizedClient Reason = "UnauthorizedClient"
	// InvalidGrant: wrong user or password, or a refresh token that is not, or no longer, good for
	// this client. One reason for all of them: the answer must not tell which it was.
	InvalidGrant Reason = "InvalidGrant"
	// RefreshTokenReused: a refresh token that had been replaced came again. Somebody has a copy of it,
	// and the grant has ended. To the client it is InvalidGrant.
	RefreshTokenReused Reason = "RefreshTokenReused"
	// CodeReused: an authorization code came again after it had been redeemed. What it gave has ended. To
	// the client it is InvalidGrant.
	CodeReused Reason = "CodeReused"
	// InvalidScope: a scope is malformed, not all of them are granted, or no token holds so many.
	InvalidScope Reason = "InvalidScope"
	// InvalidTarget: a requested audience is not the client's (RFC 8707).
	InvalidTarget Reason = "InvalidTarget"
	// TooManySessions: the user has as many live reference tokens as allowed or, where the token would be
	// a JWT, as many revoked ones; then RetryAfter says how long to wait.
	TooManySessions Reason = "TooManySessions"
	// TooManyTenantSessions: the same of all tokens of the tenant.
	TooManyTenantSessions Reason = "TooManyTenantSessions"
	// TooManyGrants: the user has as many grants as allowed.
	TooManyGrants Reason = "TooManyGrants"
	// LockedOut: too many failed attempts; RetryAfter says how long to wait.
	LockedOut Reason = "LockedOut"
	// InvalidRequest: an authorization request lacks something, or says it in a way that is not known here.
	InvalidRequest Reason = "InvalidRequest"
	// UnsupportedResponseType: an authorization request asks for something else than a code.
	UnsupportedResponseType Reason = "UnsupportedResponseType"
	// LoginRequired: nobody may be asked for a password, and nobody has logged in.
	LoginRequired Reason = "LoginRequired"
	// ConsentRequired: nobody may be asked for consent, and none was given.
	ConsentRequired Reason = "ConsentRequired"
	// AccessDenied: the user does not want the client to act for them.
	AccessDenied Reason = "AccessDenied"
	// NotPermitted: the token is good and does not allow what was asked.
	NotPermitted Reason = "NotPermitted"
	// UnknownToken: an access token that is not, or no longer, good.
	UnknownToken Reason = "UnknownToken"
	// UnknownTenant: there is no such tenant.
	UnknownTenant Reason = "UnknownTenant"
	// Unavailable: the answer could not be found out, or not be remembered; the request may be
	// made again. The cause is for the log.
	Unavailable Reason = "Unavailable"
)

// Reasons lists all of them.
func Reasons() []string {
	var all []string
	for _, reason := range []Reason{
		InvalidClient, UnauthorizedClient, InvalidGrant, RefreshTokenReused, CodeReused, InvalidScope, InvalidTarget, TooManySessions, TooManyTenantSessions, TooManyGrants,
		LockedOut, InvalidRequest, UnsupportedResponseType, LoginRequired, ConsentRequired, AccessDenied, NotPermitted, UnknownToken, UnknownTenant, Unavailable,
	} {
		all = append(all, string(reason))
	}
	return all
}

// Refusal is the error of every request that gets no token. Its text and its description hold no
// secret and nothing the caller did not say.
type Refusal struct {
	Reason Reason
	// Description may be shown to the caller. It may be empty.
	Description string
	// RetryAfter is how long to wait before trying again, where that is known; otherwise zero.
	RetryAfter time.Duration

	cause error
	// detail is for the audit log alone: it says what the answer must not.
	detail string
}

// because is the same refusal with what the audit log says beside.
func (r *Refusal) because(detail string) *Refusal {
	more := *r
	more.detail = detail
	return &more
}

func (r *Refusal) Error() string {
	switch {
	case r.cause != nil:
		return fmt.Sprintf("%s: %v", r.Reason, r.cause)
	case r.Description != "":
		return fmt.Sprintf("%s: %s", r.Reason, r.Description)
	}
	return string(r.Reason)
}

// Unwrap gives the cause of Unavailable, for the log.
func (r *Refusal) Unwrap() error { return r.cause }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Description: fmt.Sprintf(format, args...)}
}

func unavailable(cause error) *Refusal { return &Refusal{Reason: Unavailable, cause: cause} }

// IsOverload tells that nothing is broken behind an error: more was asked for at once than is let
// through, which whoever asks can bring about, and so can fill a log with.
func IsOverload(err error) bool {
	return errors.Is(err, passwords.ErrOverloaded) || errors.Is(err, store.ErrThrottled)
}

// IsUnserved tells that the tenant as a whole is not served now, whatever is asked there. The log was told
// why when it began.
func IsUnserved(err error) bool {
	return errors.Is(err, directory.ErrUnread) || errors.Is(err, directory.ErrStale) || errors.Is(err, directory.ErrLost)
}

// AsRefusal gives the refusal behind an error; an error that is none is Unavailable, so that
// nothing unforeseen is ever taken for a yes.
func AsRefusal(err error) *Refusal {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	return unavailable(err)
}
