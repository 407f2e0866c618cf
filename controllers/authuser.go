package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/rotation"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// AuthUsers gives users their subject, keeps their generated passwords, and writes their status.
type AuthUsers struct {
	Common
	own ownWrites
}

// Requests maps a change to the users that it concerns.
func (r *AuthUsers) Requests(change directory.Change) []reconcile.Request {
	t, ok := r.Directory.Tenant(change.Namespace)
	if !ok {
		return nil
	}
	switch change.Kind {
	case directory.Users:
		return requests(change.Namespace, change.Name)
	case directory.Secrets:
		return requests(change.Namespace, t.UsersWithSecret(change.Name)...)
	case directory.Keyrings:
		return requests(change.Namespace, t.UserNames()...)
	}
	return nil
}

// Reconcile brings one user to what its spec asks for.
func (r *AuthUsers) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(request.Namespace)
	if !ok {
		return reconcile.Result{}, nil
	}
	user, ok := t.User(request.Name)
	if !ok || user.DeletionTimestamp != nil {
		r.own.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	now := r.Clock.Now()
	if r.own.awaited(user.AuthUser, now) {
		return reconcile.Result{RequeueAfter: ownWritePoll}, nil
	}
	if user.Subject() == "" {
		return reconcile.Result{}, r.writeSubject(ctx, user)
	}
	status, err := r.status(ctx, t, user, now)
	version, statusErr := applyStatus(ctx, r.Client, user.AuthUser, user.Status, status)
	r.own.wrote(request.NamespacedName, version, now)
	if version != "" {
		r.tellBroken(user.AuthUser, user.Status.Conditions, status.Conditions)
	}
	if err := errors.Join(err, statusErr); err != nil {
		return reconcile.Result{}, err
	}
	rotates, ends := nextTurns(user.Generated(), status.GeneratedAt, status.PreviousGeneratedAt)
	return reconcile.Result{RequeueAfter: until(now, endOf(user.Spec.ExpiresAt), rotates, ends, nextLook(status.Conditions, now))}, nil
}

// writeSubject sets spec.subject once. The change comes back as an event.
func (r *AuthUsers) writeSubject(ctx context.Context, user *directory.User) error {
	subject, err := uuid.NewRandomFromReader(r.Rand)
	if err != nil {
		return fmt.Errorf("make a subject: %w", err)
	}
	changed := user.AuthUser.DeepCopy()
	changed.Spec.Subject = subject.String()
	return r.patchSpec(ctx, user.AuthUser, changed)
}

// status computes the user's status, and keeps the generated password on the way: what status says
// of it must be in the Secret first.
func (r *AuthUsers) status(ctx context.Context, t *directory.Tenant, user *directory.User, now time.Time) (v1alpha1.AuthUserStatus, error) {
	standing := t.UserStanding(user, now)
	status := v1alpha1.AuthUserStatus{
		ObservedGeneration: user.Generation,
		Username:           user.EffectiveUsername(),
		Subject:            user.Subject(),
	}
	if isDuplicate(standing) {
		status.Username, status.Subject = "", ""
	} else {
		status.Emails = addresses(user.AuthUser)
	}
	if standing.Good() {
		_, standing = t.RingStanding() // without it the endpoint serves nobody of this tenant
	}
	generation := directory.GenerationOf(user.Status.GeneratedAt, user.Status.PreviousGeneratedAt)
	var err error
	if standing.Good() {
		if generation, standing, err = r.password(ctx, t, user, now); err != nil {
			standing = backOff
		}
	}
	status.GeneratedAt, status.PreviousGeneratedAt = timeOf(generation.Current), timeOf(generation.Previous)
	if made := user.Generated(); made != nil {
		status.RotationTime = timeOf(made.Policy.RotationTime(generation))
	}
	good := directory.Standing{Reason: v1alpha1.ReasonAvailable, Message: "The user can log in."}
	if user.Spec.Password == nil {
		good.Message = "The user has no password; grants may act for it."
	}
	status.Conditions = conditions(user.Status.Conditions, user, metav1.NewTime(now), ready(standing, good))
	return status, err
}

// password keeps a generated password, or looks for the one that was given. One that was given over HTTP
// is the user's own.
func (r *AuthUsers) password(ctx context.Context, t *directory.Tenant, user *directory.User, now time.Time) (rotation.Generation, directory.Standing, error) {
	made := user.Generated()
	if made == nil {
		_, standing := t.Passwords(user, now)
		if user.Spec.Password == nil || user.Spec.Password.HashSecretRef == nil {
			return rotation.Generation{}, standing, nil
		}
		observed, _ := t.Secret(user.Spec.Password.HashSecretRef.Name)
		return rotation.Generation{}, standing, r.keepOwner(ctx, user.AuthUser, observed)
	}
	return r.keepGenerated(ctx, t, &generated{
		Generated: *made,
		owner:     user,
		live: func(ctx context.Context) (rotation.Generation, error) {
			live := &v1alpha1.AuthUser{}
			err := r.Live.Get(ctx, client.ObjectKeyFromObject(user.AuthUser), live)
			return directory.GenerationOf(live.Status.GeneratedAt, live.Status.PreviousGeneratedAt), err
		},
		beside: map[string]string{v1alpha1.KeyUsername: user.EffectiveUsername()},
	}, now)
}

// keepOwner makes a user the owner of the Secret that its password over HTTP is in, so that the one goes
// with the other. A restore brings both back without that. It changes nothing else, and no other Secret;
// what somebody else changes meanwhile comes back as an event.
func (r *AuthUsers) keepOwner(ctx context.Context, user *v1alpha1.AuthUser, observed *corev1.Secret) error {
	if observed == nil || user.Spec.Subject == "" || observed.Annotations[v1alpha1.AnnotationPasswordOf] != user.Spec.Subject {
		return nil
	}
	target, content := secretwriter.PasswordTarget(user, observed.Name), secretwriter.PasswordContent(observed.Data)
	_, err := r.Secrets.Write(ctx, target, content, secretwriter.Observed{Secret: observed})
	return err
}

func isDuplicate(standing directory.Standing) bool {
	switch standing.Reason {
	case v1alpha1.ReasonDuplicateLogin, v1alpha1.ReasonDuplicateSubject, v1alpha1.ReasonDuplicateClientID:
		return true
	}
	return false
}

func addresses(user *v1alpha1.AuthUser) []string {
	var all []string
	for _, email := range user.Spec.Emails {
		all = append(all, email.Address)
	}
	return all
}
