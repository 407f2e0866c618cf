package directory

import (
	"math/bits"
	"slices"

	"github.com/grantkeeper/grantkeeper/internal/passwords"
)

// shapes knows what checking the password of each user costs, and how many users share a cost. It
// has no lock of its own.
type shapes struct {
	of     map[string]passwords.Shape // by the user's object name; only users that have a password
	counts []shapeCount               // ordered by shape, so that all replicas choose alike
}

type shapeCount struct {
	shape passwords.Shape
	users int
}

func newShapes() *shapes { return &shapes{of: map[string]passwords.Shape{}} }

// set notes what a user's password costs; has is false for a user without one.
func (s *shapes) set(user string, shape passwords.Shape, has bool) {
	old, had := s.of[user]
	if has == had && old == shape {
		return
	}
	if had {
		delete(s.of, user)
		s.count(old, -1)
	}
	if has {
		s.of[user] = shape
		s.count(shape, 1)
	}
}

func (s *shapes) count(shape passwords.Shape, change int) {
	at, found := slices.BinarySearchFunc(s.counts, shape, func(c shapeCount, shape passwords.Shape) int {
		return c.shape.Compare(shape)
	})
	if !found {
		s.counts = slices.Insert(s.counts, at, shapeCount{shape: shape})
	}
	s.counts[at].users += change
	if s.counts[at].users == 0 {
		s.counts = slices.Delete(s.counts, at, at+1)
	}
}

// choose gives one of the shapes to a login that nobody has, as often as users have it. A user more
// or less moves the bounds between them by as much as one user is of all, so hardly a login changes
// its shape with it.
func (s *shapes) choose(digest uint64) passwords.Shape {
	place, _ := bits.Mul64(digest, uint64(len(s.of))) // from 0 to the number of users
	for _, c := range s.counts {
		if place < uint64(c.users) {
			return c.shape
		}
		place -= uint64(c.users)
	}
	return passwords.Shape{}
}

// PasswordShape is the work of an attempt to log in that has nothing to compare with: that of the
// user's password where there is one, whatever else stands against the user, and otherwise that of
// some user's, which is the same one each time. So the work tells nothing about whether the login
// exists. Without a keyring, with which nobody can log in, it is that of a password in clear text.
func (t *Tenant) PasswordShape(login string) passwords.Shape {
	ring, err := t.Ring()
	if err != nil {
		return passwords.Shape{}
	}
	login = FoldLogin(login)
	digest := ring.LoginDigest(login)
	t.mu.RLock()
	defer t.mu.RUnlock()
	chosen := t.shapes.choose(digest)
	if u, ok := holderOf(t.users.byLogin, login, (*User).claim); ok {
		if own, has := t.shapes.of[u.Name]; has {
			return own
		}
	}
	return chosen
}

// reshape notes what the password of a user costs now. The tenant is locked.
func (t *Tenant) reshape(user string) {
	u, ok := t.users.get(user)
	if !ok || u.Spec.Password == nil {
		t.shapes.set(user, passwords.Shape{}, false)
		return
	}
	if u.Spec.Password.HashSecretRef == nil {
		t.shapes.set(user, passwords.Shape{}, true)
		return
	}
	secret, _ := t.secrets.get(u.Spec.Password.HashSecretRef.Name)
	_, material, standing := importedHash(u.AuthUser, secret)
	t.shapes.set(user, material.Shape(), standing.Good())
}

// reshapeAfter notes what the passwords cost that a change concerns. The tenant is locked.
func (t *Tenant) reshapeAfter(change Change) {
	switch change.Kind {
	case Users:
		t.reshape(change.Name)
	case Secrets:
		for _, user := range otherNames(t.users.bySecret, change.Name, "") {
			t.reshape(user)
		}
	}
}
