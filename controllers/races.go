package controllers

import (
	"errors"
	"time"
)

// maxRaces is how often one reconcile decides anew after it lost a race for a Secret. A writer who
// keeps winning is met with the work queue's back-off.
const maxRaces = 3

// foreignPoll is how often a Secret that is in the way is looked at. It may bear no label of ours, so
// nothing tells when it goes.
const foreignPoll = 30 * time.Second

var errRaced = errors.New("another writer keeps changing the Secret")
