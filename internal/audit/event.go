package audit

// Event is what a line is about. docs/audit.md describes each.
type Event string

// The events. The list is closed: nothing else can be recorded, and the page lists exactly these.
const (
	// LoginAccepted: a user proved their password on the login page.
	LoginAccepted Event = "login.accepted"
	// CodeIssued: a client was sent an authorization code for a user, who was asked where that is due.
	CodeIssued Event = "code.issued"
	// TokenIssued: a client got an access token at the endpoint, and a refresh token where that is told.
	TokenIssued Event = "token.issued"
	// TokenRefused: a request for a token was refused, for the password or the refresh token that it
	// came with or for what it asked for.
	TokenRefused Event = "token.refused"
	// ClientRefused: a client did not prove who it is.
	ClientRefused Event = "client.refused"
	// TokenRevoked: an access token was ended before its time at the endpoint.
	TokenRevoked Event = "token.revoked"
	// GrantRevoked: every token of a grant was ended, and the grant stands: its epoch moved.
	GrantRevoked Event = "grant.revoked"
	// GrantDeleted: the endpoint removed a grant that it had made, and so ended every token of it.
	GrantDeleted Event = "grant.deleted"
	// RevisionDelivered: the Secret of a grant was given a new token.
	RevisionDelivered Event = "revision.delivered"
	// KeyringChanged: the keys of a tenant were made or changed; the reason says how.
	KeyringChanged Event = "keyring.changed"
	// UserCreated: a user was made over HTTP.
	UserCreated Event = "user.created"
	// UserChanged: a user was replaced over HTTP; not its password.
	UserChanged Event = "user.changed"
	// UserDeleted: a user was deleted over HTTP.
	UserDeleted Event = "user.deleted"
	// PasswordChanged: a user's password was changed over HTTP.
	PasswordChanged Event = "password.changed"
	// PasswordRefused: a user's password was to be changed over HTTP, and the old one was not known.
	PasswordRefused Event = "password.refused"
	// RefusalsSuppressed: so many refusals of a tenant have no line of their own.
	RefusalsSuppressed Event = "refusals.suppressed"
	// LinesDropped: so many lines before this one were lost.
	LinesDropped Event = "lines.dropped"
)

// anybodyCauses tells the events that a stranger can bring about as often as they like.
func (e Event) anybodyCauses() bool {
	return e == TokenRefused || e == ClientRefused || e == PasswordRefused
}
