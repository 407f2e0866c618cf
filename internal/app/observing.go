package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
)

// auditCloseTimeout bounds how long the end of the audit log is waited for, when all else has ended.
const auditCloseTimeout = 5 * time.Second

// observing is what tells of the operator from outside of the log.
type observing struct {
	audit    *audit.Log
	tokens   *metrics.Tokens
	live     metrics.Live
	delivery *metrics.Delivery
	leads    prometheus.Gauge
}

// addObserving opens the audit log and makes the counters, before anything is there to be counted.
func (a *app) addObserving(context.Context) error {
	var err error
	if sink := a.options.auditSink(); sink != nil {
		if a.observing.audit, err = audit.New(sink, a.clock, rand.Reader); err != nil {
			return fmt.Errorf("open the audit log: %w", err)
		}
	}
	registry := ctrlmetrics.Registry
	if a.observing.tokens, err = metrics.NewTokens(registry, issuing.Reasons()); err != nil {
		return err
	}
	if a.observing.live, err = metrics.NewLive(registry); err != nil {
		return err
	}
	if a.observing.delivery, err = metrics.NewDelivery(registry); err != nil {
		return err
	}
	writes, err := metrics.NewWrites(registry)
	if err != nil {
		return err
	}
	a.config.Wrap(writes.Wrap)
	a.observing.leads = metrics.Leader.Gauge()
	if err := registry.Register(a.observing.leads); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return metrics.RegisterDirectory(registry, a.directory, a.options.watched(), a.clock)
}

// addReadings registers what the rooms below keep themselves.
func (a *app) addReadings(verifier *passwords.Verifier) error {
	log := a.observing.audit
	err := metrics.RegisterReadings(ctrlmetrics.Registry,
		metrics.Reading{Of: &metrics.PasswordHashesRunning, Value: func() float64 { return float64(verifier.Load().Running) }},
		metrics.Reading{Of: &metrics.PasswordAttemptsWaiting, Value: func() float64 { return float64(verifier.Load().Waiting) }},
		metrics.Reading{Of: &metrics.PasswordHashes, Value: func() float64 { return float64(verifier.Load().Hashed) }},
		metrics.Reading{Of: &metrics.PasswordWait, Value: func() float64 { return verifier.Load().Waited.Seconds() }},
		metrics.Reading{Of: &metrics.AuditLinesDropped, Value: func() float64 { return float64(log.Dropped()) }},
		metrics.Reading{Of: &metrics.AuditRefusalsSuppressed, Value: func() float64 { return float64(log.Suppressed()) }},
	)
	if err != nil {
		return err
	}
	return metrics.RegisterCaches(ctrlmetrics.Registry, map[string]func() int{
		"VerifiedPasswords": func() int { return verifier.Load().Verified },
		"OpenedTokens":      a.issuing.Remembered,
	})
}

// tellLeading shows for as long as this replica leads that it does.
func (a *app) tellLeading(ctx context.Context) error {
	a.observing.leads.Set(1)
	defer a.observing.leads.Set(0)
	<-ctx.Done()
	return nil
}

// closeAudit writes the end of the audit log, when nothing is left that records.
func (a *app) closeAudit() {
	ctx, cancel := context.WithTimeout(context.Background(), auditCloseTimeout)
	defer cancel()
	if err := a.observing.audit.Close(ctx); err != nil {
		a.log.Error(err, "The end of the audit log is lost")
	}
}

// auditSink is where the audit log goes; nil where there is none.
func (o *Options) auditSink() io.Writer {
	switch o.AuditLog {
	case AuditLogStdout:
		return os.Stdout
	case AuditLogStderr:
		return os.Stderr
	}
	return nil
}

// watched are the namespaces that are read, or the empty one for all of them.
func (o *Options) watched() []string {
	if o.ClusterMode {
		return []string{""}
	}
	return o.Namespaces
}
