package app

import (
	"maps"
	"unique"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// endpointLabels are those of all objects that the endpoint makes. They must not be changed.
var endpointLabels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}

// trimSession keeps small in memory what there are most of. What sessions have alike is held once.
func trimSession(object any) (any, error) {
	session, ok := object.(*v1alpha1.AuthSession)
	if !ok {
		return object, nil // what is left of one that was deleted unseen
	}
	session.ManagedFields = nil
	if maps.Equal(session.Labels, endpointLabels) {
		session.Labels = endpointLabels
	}
	for _, shared := range []*string{&session.Namespace, &session.Spec.Subject, &session.Spec.Username, &session.Spec.ClientID} {
		*shared = unique.Make(*shared).Value()
	}
	return session, nil
}
