package app

import (
	"errors"
	"fmt"

	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/store/redisstore"
)

// SessionStoreKubernetes keeps sessions as AuthSessions.
const SessionStoreKubernetes = "kubernetes"

// sessionServer is where sessions are kept; nil for Kubernetes.
func (o *Options) sessionServer() (*redisstore.Server, error) {
	if o.SessionStore == SessionStoreKubernetes {
		return nil, nil //nolint:nilnil // there is no server then
	}
	server, err := redisstore.ParseServer(o.SessionStore)
	if err != nil {
		return nil, fmt.Errorf("--session-store is neither %q nor redis://[user@]host[:port][/database] nor rediss://…: %w", SessionStoreKubernetes, err)
	}
	server.PasswordFile, server.CAFile = o.SessionStorePasswordFile, o.SessionStoreCA
	return server, nil
}

func (o *Options) validateSessionStore() error {
	server, err := o.sessionServer()
	switch {
	case err != nil:
		return err
	case server == nil && (o.SessionStorePasswordFile != "" || o.SessionStoreCA != ""):
		return errors.New("--session-store-password-file and --session-store-ca are for a --session-store outside of Kubernetes")
	case server == nil:
		return nil
	case server.Username != "" && server.PasswordFile == "":
		return errors.New("--session-store names a user, and there is no --session-store-password-file")
	case server.CAFile != "" && !server.TLS:
		return errors.New("--session-store-ca is of no use without TLS: --session-store has to be rediss://…")
	}
	return nil
}

// openSessions opens the store of sessions, which a server need not be there for: a replica is ready
// without it, serves what needs no session, and answers the rest with 503.
func (a *app) openSessions(kubernetes *store.Kubernetes, live *store.Live) (issuing.Sessions, error) {
	server, err := a.options.sessionServer()
	if err != nil {
		return nil, err
	}
	if server == nil {
		sessions := store.NewSessions(a.directory, kubernetes, live, a.clock)
		sessions.Seen = a.seenSessions
		return sessions, nil
	}
	sessions, err := server.Open(a.clock)
	if err != nil {
		return nil, fmt.Errorf("open the session store: %w", err)
	}
	if sessions.Metrics, err = metrics.NewSessionStore(ctrlmetrics.Registry); err != nil {
		return nil, err
	}
	a.elsewhere = sessions
	return sessions, nil
}

// closeSessions ends the connections to a server, when nothing is left that asks it.
func (a *app) closeSessions() {
	if a.elsewhere == nil {
		return
	}
	if err := a.elsewhere.Close(); err != nil {
		a.log.Error(err, "The connections to the session store were not closed")
	}
}
