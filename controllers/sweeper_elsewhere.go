package controllers

import (
	"context"
	"fmt"
	"iter"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// SessionsElsewhere is a store of sessions outside of Kubernetes. What has expired goes there by itself.
type SessionsElsewhere interface {
	OfSubject(ctx context.Context, tenant keys.Tenant, subject string) iter.Seq2[*v1alpha1.AuthSession, error]
	Delete(ctx context.Context, tenant keys.Tenant, name string) error
}

// endElsewhere ends the sessions of a user who is disabled, as sessionDue has it for those in Kubernetes.
func (r *Sweeper) endElsewhere(ctx context.Context, t *directory.Tenant, name string) error {
	user, ok := t.User(name)
	if !ok || user.Subject() == "" || !isDisabled(user) {
		return nil
	}
	ring, err := t.Ring()
	if err != nil {
		return nil // the keyring comes, and all rows with it
	}
	for session, err := range r.Elsewhere.OfSubject(ctx, ring.Tenant(), user.Subject()) {
		if err != nil {
			return fmt.Errorf("sweep the sessions of a disabled user: %w", err)
		}
		if err := r.Elsewhere.Delete(ctx, ring.Tenant(), session.Name); err != nil {
			return fmt.Errorf("sweep the sessions of a disabled user: %w", err)
		}
	}
	return nil
}
