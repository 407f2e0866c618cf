package endpoint

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// Follow keeps the certificate equal to tls.crt and tls.key of one Secret, as an informer sees it:
// the operator's own, or one that somebody else renews. A Secret that goes away or cannot be read
// changes nothing but the log: an old certificate serves better than none. It returns once the
// handler is registered, which may be before the informers are started, and the handler lasts as
// long as they do.
func (c *Certificate) Follow(ctx context.Context, informers cache.Informers, secret types.NamespacedName) error {
	informer, err := informers.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("get the informer of Secrets: %w", err)
	}
	log := logr.FromContextOrDiscard(ctx).WithValues("secret", secret.String())
	_, err = informer.AddEventHandler(toolscache.FilteringResourceEventHandler{
		FilterFunc: func(object any) bool {
			found, ok := object.(*corev1.Secret)
			return ok && found.Namespace == secret.Namespace && found.Name == secret.Name
		},
		Handler: toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { c.observe(log, object.(*corev1.Secret)) },
			UpdateFunc: func(_, object any) { c.observe(log, object.(*corev1.Secret)) },
		},
	})
	if err != nil {
		return fmt.Errorf("watch Secret %q: %w", secret, err)
	}
	return nil
}

func (c *Certificate) observe(log logr.Logger, secret *corev1.Secret) {
	changed, err := c.load(secret)
	if err != nil {
		log.Error(err, "Serving certificate cannot be read, keeping the one before")
		return
	}
	if changed {
		leaf := c.current.Load().Leaf
		log.Info("Serving certificate loaded", "serial", leaf.SerialNumber.Text(16), "notAfter", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
}
