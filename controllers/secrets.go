package controllers

import (
	"errors"
	"fmt"
	"time"

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

// targetConflict says why a Secret is not written.
func targetConflict(secret string, verdict secretwriter.Verdict) directory.Standing {
	message := fmt.Sprintf("Secret %q exists and was not written by this operator for this object; it is left untouched", secret)
	switch verdict {
	case secretwriter.VerdictImmutable:
		message = fmt.Sprintf("Secret %q is immutable or of another type; delete it to have it written anew", secret)
	case secretwriter.VerdictOwnedByOther:
		message = fmt.Sprintf("Secret %q holds the credential of another object; it is left untouched", secret)
	}
	return directory.Standing{Reason: v1alpha1.ReasonTargetConflict, Message: message}
}
