package directory

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// namespaceRow is what is asked of a namespace itself.
type namespaceRow struct {
	uid    types.UID
	labels map[string]string
}

// NamespaceUID gives the uid that a namespace was last seen with; false where it is gone or has not been
// seen. A namespace that was deleted and made again is another one, whatever it holds.
func (d *Directory) NamespaceUID(name string) (types.UID, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	row, ok := d.namespaces[name]
	return row.uid, ok
}

func (d *Directory) putNamespace(namespace *corev1.Namespace) {
	row := namespaceRow{namespace.UID, namespace.Labels}
	d.mu.Lock()
	before, known := d.namespaces[namespace.Name]
	d.namespaces[namespace.Name] = row
	d.mu.Unlock()
	if !known || before.uid != row.uid || !maps.Equal(before.labels, row.labels) {
		d.notify(Change{Namespaces, namespace.Name, namespace.Name})
	}
}

func (d *Directory) removeNamespace(name string) {
	d.mu.Lock()
	delete(d.namespaces, name)
	d.mu.Unlock()
	d.notify(Change{Namespaces, name, name})
}
