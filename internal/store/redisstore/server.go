package redisstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"k8s.io/utils/clock"
)

const (
	defaultPort = "6379"
	// connections is how many a replica has at most. A call takes well below a millisecond.
	connections = 32
	// idleTimeout ends a connection that nothing was asked on, before whatever lies between forgets it.
	idleTimeout = 5 * time.Minute
	// maxPassword bounds what is read of a password file.
	maxPassword = 4096
)

// Server is where sessions are kept.
type Server struct {
	// TLS: the certificate has to be good for the host.
	TLS      bool
	Address  string // host and port
	Username string // empty for the server's default user
	Database int
	// PasswordFile is read for each new connection, so that a password can be replaced while the operator
	// runs; empty for none. A line break at its end is not part of the password.
	PasswordFile string
	// CAFile is a PEM bundle of the authorities that the server's certificate may be from; empty for the
	// system's.
	CAFile string
}

// ParseServer reads redis://[user@]host[:port][/database], or rediss:// for TLS. A password has no place in
// it, for command lines are read by many. An error does not repeat the text, which may hold one.
func ParseServer(text string) (*Server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("it is not a URL")
	}
	_, hasPassword := u.User.Password()
	switch {
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return nil, errors.New("its scheme is neither redis nor rediss")
	case hasPassword:
		return nil, errors.New("it may not hold a password: give a file")
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, errors.New("it may have no query or fragment")
	}
	s := &Server{TLS: u.Scheme == "rediss", Address: net.JoinHostPort(u.Hostname(), defaultPort), Username: u.User.Username()}
	if port := u.Port(); port != "" {
		s.Address = net.JoinHostPort(u.Hostname(), port)
	}
	if database := strings.TrimPrefix(u.Path, "/"); database != "" {
		if s.Database, err = strconv.Atoi(database); err != nil || s.Database < 0 {
			return nil, errors.New("its path is no number of a database")
		}
	}
	return s, nil
}

// silence drops what the library says on its own. What goes wrong comes back as an error.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

var silenceOnce sync.Once

// Open prepares for a server and does not connect. It reads the files, so that one that cannot be read
// is known at once.
func (s *Server) Open(clock clock.PassiveClock) (*Sessions, error) {
	silenceOnce.Do(func() { redis.SetLogger(silence{}) })
	options := &redis.Options{
		Addr:                  s.Address,
		DB:                    s.Database,
		Protocol:              2,
		DialTimeout:           callTimeout,
		ReadTimeout:           callTimeout,
		WriteTimeout:          callTimeout,
		PoolTimeout:           callTimeout,
		ContextTimeoutEnabled: true,
		// A script that was sent twice may have been carried out twice.
		MaxRetries:               -1,
		DialerRetries:            1,
		PoolSize:                 connections,
		MaxActiveConns:           connections,
		ConnMaxIdleTime:          idleTimeout,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if s.Username != "" || s.PasswordFile != "" {
		if _, err := s.password(); err != nil {
			return nil, err
		}
		options.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := s.password()
			return s.Username, password, err
		}
	}
	if s.TLS {
		config, err := s.tls()
		if err != nil {
			return nil, err
		}
		options.TLSConfig = config
	}
	return &Sessions{client: redis.NewClient(options), clock: clock}, nil
}

func (s *Server) password() (string, error) {
	if s.PasswordFile == "" {
		return "", nil
	}
	content, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read the password of the session store: %w", err)
	}
	content = bytes.TrimRight(content, "\r\n")
	if len(content) == 0 || len(content) > maxPassword {
		return "", fmt.Errorf("the password of the session store in %q is empty or longer than %d bytes", s.PasswordFile, maxPassword)
	}
	return string(content), nil
}

func (s *Server) tls() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("the address of the session store: %w", err)
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.CAFile == "" {
		return config, nil
	}
	bundle, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of the session store: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("the authorities of the session store in %q are no PEM certificates", s.CAFile)
	}
	return config, nil
}
