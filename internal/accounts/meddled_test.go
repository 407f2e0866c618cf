package accounts_test

import (
	"context"
	"errors"
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

var errOutage = errors.New("the API server is away")

// meddled is a store in whose calls a test has a hand: around is called instead of each with the name of
// the method, and makes the call or does not. What it returns is the answer.
type meddled struct {
	accounts.Store
	around func(method string, call func() error) error
}

// meddle is the same replica on a store like that.
func (x *replica) meddle(around func(method string, call func() error) error) *replica {
	return x.with(func(c *accounts.Config) { c.Store = meddled{c.Store, around} })
}

// failing is a replica whose store fails in some methods.
func (x *replica) failing(err error, methods ...string) *replica {
	return x.meddle(func(method string, call func() error) error {
		if slices.Contains(methods, method) {
			return err
		}
		return call()
	})
}

func (m meddled) CreateUser(ctx context.Context, user *v1alpha1.AuthUser) error {
	return m.around("CreateUser", func() error { return m.Store.CreateUser(ctx, user) })
}

func (m meddled) User(ctx context.Context, namespace, name string) (user *v1alpha1.AuthUser, err error) {
	err = m.around("User", func() (err error) {
		user, err = m.Store.User(ctx, namespace, name)
		return err
	})
	return user, err
}

func (m meddled) FinishUser(ctx context.Context, user *v1alpha1.AuthUser) error {
	return m.around("FinishUser", func() error { return m.Store.FinishUser(ctx, user) })
}

func (m meddled) ReplaceUser(ctx context.Context, read, changed *v1alpha1.AuthUser) error {
	return m.around("ReplaceUser", func() error { return m.Store.ReplaceUser(ctx, read, changed) })
}

func (m meddled) DeleteUser(ctx context.Context, user *v1alpha1.AuthUser) error {
	return m.around("DeleteUser", func() error { return m.Store.DeleteUser(ctx, user) })
}

func (m meddled) UsersAsOf(ctx context.Context, namespace, version string) (users []v1alpha1.AuthUser, err error) {
	err = m.around("UsersAsOf", func() (err error) {
		users, err = m.Store.UsersAsOf(ctx, namespace, version)
		return err
	})
	return users, err
}

func (m meddled) HasSecret(ctx context.Context, namespace, name string) (there bool, err error) {
	err = m.around("HasSecret", func() (err error) {
		there, err = m.Store.HasSecret(ctx, namespace, name)
		return err
	})
	return there, err
}

// hashing does something behind the back of whoever hashes a password; an error keeps it from being hashed.
type hashing struct {
	accounts.Hasher
	before func() error
}

func (h hashing) Hash(ctx context.Context, tenant string, password sensitive.String) (sensitive.String, error) {
	if err := h.before(); err != nil {
		return sensitive.String{}, err
	}
	return h.Hasher.Hash(ctx, tenant, password)
}

// hash is the same replica, which hashes like that.
func (x *replica) hash(before func() error) *replica {
	return x.with(func(c *accounts.Config) { c.Passwords = hashing{c.Passwords, before} })
}
