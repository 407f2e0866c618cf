package controllers

import (
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// maxRaces is how often one reconcile decides anew after it lost a race for a Secret. A writer who
// keeps winning is met with the work queue's back-off.
const maxRaces = 3

// foreignPoll is how often a Secret that is in the way is looked at. It may bear no label of ours, so
// nothing tells when it goes.
const foreignPoll = 30 * time.Second

var errRaced = errors.New("another writer keeps changing the Secret")

// targetConflict says why a Secret is not written, and what a person can do about it.
func targetConflict(secret types.NamespacedName, verdict secretwriter.Verdict) directory.Standing {
	why := "exists and was not written by this operator for this object; it is left untouched; if nobody needs it,"
	switch verdict {
	case secretwriter.VerdictImmutable:
		why = "is immutable or of another type;"
	case secretwriter.VerdictOwnedByOther:
		why = "holds the credential of another object; it is left untouched; if that one is gone,"
	}
	return directory.NewStanding(v1alpha1.ReasonTargetConflict, "Secret %q %s delete it to have it written anew: kubectl delete secret -n %s %s",
		secret.Name, why, secret.Namespace, secret.Name)
}

// keyringConflict is targetConflict of a keyring, whose Secret nobody may delete: the next one has other keys.
func keyringConflict(secret string) directory.Standing {
	return directory.NewStanding(v1alpha1.ReasonTargetConflict,
		"Secret %q is immutable or of another type: its keys serve, and cannot rotate; put a copy in its place that is neither, since without its keys every token of the tenant is dead", secret)
}
