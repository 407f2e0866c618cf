package gen

import (
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Namespace is where every object is until In moves it.
const Namespace = "team-a"

// In moves an object to another namespace.
func In[T client.Object](namespace string, object T) T {
	object.SetNamespace(namespace)
	return object
}

// Subject is the subject of the AuthUser of a name.
func Subject(user string) string { return id("AuthUser", user) }

// GrantID is the id of the RefreshTokenGrant of a name.
func GrantID(grant string) string { return id("RefreshTokenGrant", grant) }

func id(kind, name string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(kind+"/"+name)).String()
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: Namespace, Name: name}
}

// build applies the modifiers in order: the last one wins.
func build[T any](object *T, mods []func(*T)) *T {
	for _, mod := range mods {
		mod(object)
	}
	return object
}

// Time is a time as fields of objects hold it.
func Time(at time.Time) *metav1.Time { return new(metav1.NewTime(at)) }
