package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// leaseName is the lease that the leader holds in the operator's namespace.
const leaseName = "grantkeeper"

// The lease's times. A leader that is killed is followed when the lease has run out; one that cannot
// renew it stops leading before that. The others look after one to 2.2 retry periods: so soon after a
// leader has given the lease back, and at most twice as long after it ran out, one of them leads.
const (
	leaseDuration = 13 * time.Second
	renewDeadline = 9 * time.Second
	retryPeriod   = time.Second
)

// leading runs what only one replica may do, for as long as this one holds the lease. A lease that is
// lost ends that work and nothing else: while the API server is away the endpoint serves on, and the
// replica stands for election again. (The manager's own election would end the process.)
type leading struct {
	config    *rest.Config
	namespace string
	elect     bool
	log       logr.Logger
	// tasks return when their context ends, or an error that ends this replica.
	tasks []func(context.Context) error
}

// NeedLeaderElection tells the manager that every replica stands for election.
func (l *leading) NeedLeaderElection() bool { return false }

// Start leads, again and again, until the context ends or a task fails.
func (l *leading) Start(ctx context.Context) error {
	if !l.elect {
		return l.lead(ctx)
	}
	lock, err := l.lock()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := l.term(ctx, lock); err != nil {
			return err
		}
	}
	return nil
}

// term waits for the lease, leads while it lasts, and gives it back once all work has stopped.
func (l *leading) term(ctx context.Context, lock resourcelock.Interface) error {
	election, resign := context.WithCancel(context.WithoutCancel(ctx))
	defer resign()
	worked := make(chan error, 1)
	var started, gaveUp atomic.Bool
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		Name:            leaseName,
		LeaseDuration:   leaseDuration,
		RenewDeadline:   renewDeadline,
		RetryPeriod:     retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(held context.Context) {
				started.Store(true)
				held, end := context.WithCancel(held)
				defer end()
				stop := context.AfterFunc(ctx, end)
				defer stop()
				worked <- l.lead(held)
				resign()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("stand for election: %w", err)
	}
	stop := context.AfterFunc(ctx, func() {
		if !started.Load() { // whoever leads finishes its work before it resigns
			gaveUp.Store(true)
			resign()
		}
	})
	defer stop()
	elector.Run(election)
	if gaveUp.Load() {
		return nil
	}
	return <-worked
}

// lock is the lease, reached by a client of its own: a busy one must not cost the lease.
func (l *leading) lock() (resourcelock.Interface, error) {
	config := rest.CopyConfig(l.config)
	config.Timeout = renewDeadline / 2
	client, err := coordinationv1.NewForConfig(rest.AddUserAgent(config, "leader-election"))
	if err != nil {
		return nil, fmt.Errorf("make the client of the lease: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find this replica's name: %w", err)
	}
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: l.namespace, Name: leaseName},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + uuid.NewString()},
	}, nil
}

// lead runs all tasks until the context ends or one of them fails.
func (l *leading) lead(ctx context.Context) error {
	l.log.Info("This replica leads")
	group, ctx := errgroup.WithContext(ctx)
	for _, task := range l.tasks {
		group.Go(func() error {
			if err := task(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		})
	}
	err := group.Wait()
	l.log.Info("This replica has stopped leading")
	return err
}
