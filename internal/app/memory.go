package app

import (
	"maps"
	"unique"

	"k8s.io/apimachinery/pkg/types"

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
	spec := &session.Spec
	for _, shared := range []*string{&session.Namespace, &spec.Subject, &spec.Username, &spec.ClientID, &spec.GrantID, &spec.GrantNamespace} {
		*shared = unique.Make(*shared).Value()
	}
	joined := session.Name + string(session.UID) + session.ResourceVersion + spec.ID // takes less than four texts
	cut := func(length int) (part string) {
		part, joined = joined[:length], joined[length:]
		return part
	}
	session.Name = cut(len(session.Name))
	session.UID = types.UID(cut(len(session.UID)))
	session.ResourceVersion = cut(len(session.ResourceVersion))
	spec.ID = cut(len(spec.ID))
	return session, nil
}
