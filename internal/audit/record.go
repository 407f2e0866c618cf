package audit

import (
	"context"
	"net/netip"
	"time"
)

// Record is one line. Fields that are empty are left out of it. There is no field for anything else:
// what is not listed here cannot be logged.
type Record struct {
	Event Event `json:"event"`
	// Tenant is the namespace. It is one that is served, never what a request made up.
	Tenant string `json:"tenant,omitempty"`
	// Dialect and GrantType say what was asked for.
	Dialect   string `json:"dialect,omitempty"`
	GrantType string `json:"grantType,omitempty"`
	// Subject and Username are the user's who is acted for.
	Subject  string `json:"subject,omitempty"`
	Username string `json:"username,omitempty"`
	// ClientID is that of a registered client or, in the wazo dialect, the one that a user named who
	// proved their password.
	ClientID string `json:"clientID,omitempty"`
	// Claimed is the pseudonym (Log.Pseudonym) of a login or client_id that nobody has.
	Claimed string `json:"claimed,omitempty"`
	// GrantID is the grant's spec.id, Grant the name of the object. GrantNamespace is where it is, where
	// that is not the tenant: whoever has that namespace chooses both, and may choose those of a grant here.
	GrantID        string `json:"grantID,omitempty"`
	Grant          string `json:"grant,omitempty"`
	GrantNamespace string `json:"grantNamespace,omitempty"`
	// TokenID is the id of an access token (`jti`). Session is the name of the AuthSession of a
	// reference token, which is a digest of it.
	TokenID string `json:"tokenID,omitempty"`
	Session string `json:"session,omitempty"`
	// RefreshToken tells that a refresh token was given that the client did not hold before.
	RefreshToken bool `json:"refreshToken,omitempty"`
	// ExpiresAt is the end of the access token.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Revision is the number of the token in the grant's Secret, and Secret that one's name.
	Revision int64  `json:"revision,omitempty"`
	Secret   string `json:"secret,omitempty"`
	// KeyID names a signing key.
	KeyID string `json:"keyID,omitempty"`
	// By is the subject, or the client_id, of the token with which somebody changed a user.
	By string `json:"by,omitempty"`
	// Reason says why: a refusal's, a revision's, or a few words.
	Reason string `json:"reason,omitempty"`
	// Detail says more closely why a login was refused, which the answer to it does not.
	Detail string `json:"detail,omitempty"`
	// Count is how many a line stands for.
	Count uint64 `json:"count,omitempty"`
}

// Origin is the request that something came of.
type Origin struct {
	// Source is the client's address, behind trusted proxies the one that they saw.
	Source netip.Addr
	// RequestID names the request in the other log and in the answer.
	RequestID string
}

type originKey struct{}

// WithOrigin puts the origin of a request into its context, where Log.Record finds it.
func WithOrigin(ctx context.Context, origin Origin) context.Context {
	return context.WithValue(ctx, originKey{}, &origin)
}

func originOf(ctx context.Context) Origin {
	if origin, ok := ctx.Value(originKey{}).(*Origin); ok {
		return *origin
	}
	return Origin{} // the operator acts by itself
}

// line is a Record with what the log adds to it, in the order in which it is written. The first
// member tells the line from those of the other log where both go to one place.
type line struct {
	Log  string    `json:"log"`
	Time time.Time `json:"time"`
	Record
	Source    netip.Addr `json:"source,omitzero"`
	RequestID string     `json:"requestID,omitempty"`
}
