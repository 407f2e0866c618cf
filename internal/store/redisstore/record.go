package redisstore

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// tenantKeys are the names of one tenant's keys. The braces keep them in one slot of a cluster, and the
// uid keeps a namespace that was made again from finding what the one before has left.
type tenantKeys string

func keysOf(tenant keys.Tenant) tenantKeys { return tenantKeys("grantkeeper:{" + tenant.UID + "}:") }

func (k tenantKeys) session(name string) string { return string(k) + "session:" + name }

// What follows are sets. Those of owners and of shares are bounded, the rest find sessions.

func (k tenantKeys) owner(o store.Owner) string {
	return string(k) + "owner:" + o.GrantNamespace + ":" + o.Subject
}
func (k tenantKeys) share(grantNamespace string) string { return string(k) + "share:" + grantNamespace }
func (k tenantKeys) all() string                        { return string(k) + "all" }
func (k tenantKeys) subject(subject string) string      { return string(k) + "subject:" + subject }
func (k tenantKeys) grant(id string) string             { return string(k) + "grant:" + id }
func (k tenantKeys) id(id string) string                { return string(k) + "id:" + id }

// sets lists those that a session is a member of, the bounded ones first.
func (k tenantKeys) sets(session *v1alpha1.AuthSession) []string {
	owner := store.OwnerOf(session)
	sets := []string{k.owner(owner), k.share(owner.GrantNamespace), k.all(), k.subject(owner.Subject)}
	if session.Spec.ID != "" {
		sets = append(sets, k.id(session.Spec.ID))
	}
	if session.Spec.GrantID != "" && session.Spec.GrantNamespace == "" { // an id counts within its namespace
		sets = append(sets, k.grant(session.Spec.GrantID))
	}
	return sets
}

// encode is what is stored of a session: its spec, as Kubernetes has it.
func encode(session *v1alpha1.AuthSession) ([]byte, error) {
	record, err := json.Marshal(session.Spec)
	if err != nil {
		return nil, fmt.Errorf("store the session: %w", err)
	}
	return record, nil
}

// decode reads what encode wrote. Anything else becomes a session that no keyring opens: whoever looks at
// it says so.
func decode(tenant keys.Tenant, name string, record []byte) *v1alpha1.AuthSession {
	session := &v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: name}}
	if err := json.Unmarshal(record, &session.Spec); err != nil {
		session.Spec = v1alpha1.AuthSessionSpec{Sealed: record}
	}
	return session
}
