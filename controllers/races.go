package controllers

import "errors"

// maxRaces is how often one reconcile decides anew after it lost a race for a Secret. A writer who
// keeps winning is met with the work queue's back-off.
const maxRaces = 3

var errRaced = errors.New("another writer keeps changing the Secret")
