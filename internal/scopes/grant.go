package scopes

import (
	"errors"
	"fmt"
	"strings"
)

// ownPrefix begins the scopes of Grantkeeper's own API: they manage users,
// tokens and sessions.
const ownPrefix = "auth."

// Concrete reports, as an error that names the scope, that a text cannot be
// requested: it is not a scope-token of RFC 6749 §3.3, it is longer than
// MaxLength, or it holds one of '*', '#' and '!', which mean something in
// patterns and would make a granted scope look like one. OAuth answers
// invalid_scope.
func Concrete(scope string) error {
	switch {
	case scope == "":
		return errors.New("a scope is empty")
	case len(scope) > MaxLength:
		return fmt.Errorf("a scope is %d bytes long, at most %d are allowed", len(scope), MaxLength)
	case strings.ContainsAny(scope, "*#!"):
		return fmt.Errorf("scope %q holds one of the characters * # ! of a pattern", scope)
	}
	for i := range len(scope) {
		if c := scope[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return fmt.Errorf("scope %q holds a character that RFC 6749 section 3.3 does not allow", scope)
		}
	}
	return nil
}

// Grant divides the requested scopes into those that a client gets and those
// that it does not, each in the order asked for and without repetition.
//
// A scope is granted when it is concrete, the client's list allows it, and so
// does every other list: the user's, the grant's. A scope that begins with
// "auth." has to stand in the client's list literally, so that a client with a
// broad pattern does not become a manager of users by accident.
func Grant(requested []string, client Patterns, others ...Patterns) (granted, refused []string) {
	seen := make(map[string]struct{}, len(requested))
	for _, scope := range requested {
		if _, repeated := seen[scope]; repeated {
			continue
		}
		seen[scope] = struct{}{}
		if grantable(scope, client, others) {
			granted = append(granted, scope)
		} else {
			refused = append(refused, scope)
		}
	}
	return granted, refused
}

func grantable(scope string, client Patterns, others []Patterns) bool {
	if Concrete(scope) != nil || !client.Allows(scope) {
		return false
	}
	if strings.HasPrefix(scope, ownPrefix) && !client.HasLiteral(scope) {
		return false
	}
	for _, list := range others {
		if !list.Allows(scope) {
			return false
		}
	}
	return true
}
