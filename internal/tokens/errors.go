package tokens

import "errors"

// Why a token is refused. To whoever presented it all are the same "invalid
// token"; the difference is for metrics, and for asking whether the keyring is
// up to date. None ever holds a part of the token.
var (
	// ErrMalformed: not a token that this program writes, whatever its
	// signature.
	ErrMalformed = errors.New("malformed token")
	// ErrUnknownKey: well formed, but made with a key that this keyring does
	// not hold or no longer believes.
	ErrUnknownKey = errors.New("token made with an unknown key")
	// ErrSignature: the signature, MAC or seal does not fit.
	ErrSignature = errors.New("token with a wrong signature")
	// ErrIssuer: genuine, but of another issuer than the keyring's.
	ErrIssuer = errors.New("token of another issuer")
	// ErrTooLarge: Sign would make a token longer than MaxTokenLength.
	ErrTooLarge = errors.New("token too large")
)
