package endpoint

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// ServerOptions bound what a client can take from the server. Zero values mean the defaults below.
type ServerOptions struct {
	// ReadHeaderTimeout bounds the handshake and the request's header. Default 5 s.
	ReadHeaderTimeout time.Duration
	// ReadTimeout bounds the whole request, with its body. Default 15 s.
	ReadTimeout time.Duration
	// WriteTimeout bounds the time from the end of the request's header to the end of the answer. It
	// has to leave a password its turn in the queue. Default 30 s.
	WriteTimeout time.Duration
	// IdleTimeout bounds how long a kept connection waits for its next request. Default 90 s.
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds the request line and header; net/http allows some 4 KiB more. Default 16 KiB.
	MaxHeaderBytes int
	// MaxConnections bounds the connections open at once. Default 2048; an idle one takes some 30 KiB.
	// A quarter of them is what one source can have: an address, or a /64 of IPv6.
	MaxConnections int
	// TrustedProxies are the networks whose connections speak for many clients: they are not bounded
	// by their source.
	TrustedProxies []netip.Prefix
	// DrainDelay is how long the server goes on serving, unready, after it was told to stop, so that
	// load balancers notice before the listener closes. Zero: not at all.
	DrainDelay time.Duration
	// ShutdownTimeout bounds the wait for open requests after that. Default 15 s.
	ShutdownTimeout time.Duration
	// Log gets start and stop and, at verbosity 1, what net/http complains of.
	Log logr.Logger
	// Clock counts the DrainDelay. Required.
	Clock clock.Clock
}

// Server is the HTTPS server. It runs on every replica, leader or not, as a manager.Runnable.
type Server struct {
	listener net.Listener
	http     *http.Server
	health   *Health
	options  ServerOptions
}

// NewServer serves handler on a plain TCP listener, which it closes when it stops. Until certificate
// has one, handshakes fail. health learns when the server shuts down.
func NewServer(listener net.Listener, handler http.Handler, certificate *Certificate, health *Health, options ServerOptions) *Server {
	options.setDefaults()
	return &Server{
		listener: newLimitListener(listener, options.MaxConnections, newSources(max(options.MaxConnections/4, 1), options.TrustedProxies)),
		health:   health,
		options:  options,
		http: &http.Server{
			Handler:           handler,
			TLSConfig:         tlsConfig(certificate),
			ReadHeaderTimeout: options.ReadHeaderTimeout,
			ReadTimeout:       options.ReadTimeout,
			WriteTimeout:      options.WriteTimeout,
			IdleTimeout:       options.IdleTimeout,
			MaxHeaderBytes:    options.MaxHeaderBytes,
			ErrorLog:          stdlog.New(complaints{options.Log}, "", 0),
			HTTP2: &http.HTTP2Config{
				MaxConcurrentStreams:          32,
				MaxReceiveBufferPerConnection: 1 << 20,
				MaxReceiveBufferPerStream:     DefaultBodyLimit,
			},
		},
	}
}

func (o *ServerOptions) setDefaults() {
	for _, duration := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.ReadHeaderTimeout, 5 * time.Second},
		{&o.ReadTimeout, 15 * time.Second},
		{&o.WriteTimeout, 30 * time.Second},
		{&o.IdleTimeout, 90 * time.Second},
		{&o.ShutdownTimeout, 15 * time.Second},
	} {
		if *duration.value == 0 {
			*duration.value = duration.fallback
		}
	}
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 16 << 10
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 2048
	}
}

// tlsConfig takes TLS 1.3 as the standard library has it and, for older clients, the forward-secret
// AEAD suites of TLS 1.2 alone.
func tlsConfig(certificate *Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: certificate.get,
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica serves.
func (s *Server) NeedLeaderElection() bool {
	return false
}

// Start serves until ctx is done, then drains: readiness fails at once, the listener closes after
// DrainDelay, and open requests get ShutdownTimeout to end. It returns an error where the listener
// fails or requests had to be cut off.
func (s *Server) Start(ctx context.Context) error {
	s.options.Log.Info("Serving", "address", s.listener.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- s.http.ServeTLS(s.listener, "", "") }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTPS: %w", err)
	case <-ctx.Done():
	}
	return s.stop(ended)
}

func (s *Server) stop(ended <-chan error) error {
	s.options.Log.Info("Draining", "delay", s.options.DrainDelay.String())
	s.health.Drain()
	if s.options.DrainDelay > 0 {
		select {
		case err := <-ended:
			return fmt.Errorf("serve HTTPS: %w", err)
		case <-s.options.Clock.After(s.options.DrainDelay):
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.options.ShutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.http.Close())
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTPS: %w", err)
	}
	s.options.Log.Info("Stopped serving")
	return nil
}

// complaints takes what net/http logs: failed handshakes and the like, which any port scanner can
// cause at will.
type complaints struct {
	log logr.Logger
}

// Write implements io.Writer, a line at a time.
func (c complaints) Write(line []byte) (int, error) {
	c.log.V(1).Info("Connection failed", "cause", string(bytes.TrimSpace(line)))
	return len(line), nil
}
