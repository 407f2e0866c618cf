package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/process"
)

// script finds the program, below the module's root.
const script = "hack/redis.sh"

// patience bounds the start of a server. Only one that fails reaches it.
const patience = 30 * time.Second

// Options say how a server is to be reached.
type Options struct {
	// Password is what clients have to give; empty for none.
	Password string
	// User is a user of that password beside the default one, who may do no more than Rules say, in the
	// words of ACL SETUSER; empty for none.
	User, Rules string
	TLS         bool
}

// Server is one server. It can be stopped and started again at the same address, and has forgotten
// everything then.
type Server struct {
	// URL is where it is reached, without a password. PasswordFile holds that, where there is one, and
	// CAFile the authority of its certificate, with TLS.
	URL, PasswordFile, CAFile string
	// Address is its host and port.
	Address string

	program, config string
	running         *process.Process
}

// program finds or gets the server once for all tests of a process.
var program = sync.OnceValues(func() (string, error) {
	root, err := controlplane.ModuleRoot()
	if err != nil {
		return "", err
	}
	command := exec.Command(filepath.Join(root, script))
	command.Stderr = os.Stderr
	path, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("get a redis-server with %s: %w", script, err)
	}
	return strings.TrimSpace(string(path)), nil
})

// Start starts a server and waits until it answers. It ends with the test.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{program: path}
	for range 5 { // the port is free when it is chosen, and perhaps not any more when it is taken
		if err = s.configure(t.TempDir(), options); err == nil {
			err = s.start(t.Context())
		}
		if err == nil {
			t.Cleanup(s.Stop)
			return s
		}
	}
	t.Fatalf("start a redis-server: %v", err)
	return nil
}

// Stop ends the server as a crash would. It may be stopped already.
func (s *Server) Stop() {
	if s.running != nil {
		s.running.Kill()
		s.running = nil
	}
}

// Restart starts a server that was stopped, empty and where it was.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(t.Context()); err != nil {
		t.Fatalf("start the redis-server again: %v", err)
	}
}

// configure writes the server's files. What is secret is in no command line.
func (s *Server) configure(dir string, options Options) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s.URL = "redis://" + s.Address
	lines := []string{"bind 127.0.0.1", "dir " + dir, `save ""`, "appendonly no", "maxmemory-policy noeviction"}
	if options.TLS {
		s.URL = "rediss://" + s.Address
		files, err := writeCertificates(dir)
		if err != nil {
			return err
		}
		s.CAFile = files.authority
		lines = append(lines, "port 0", fmt.Sprintf("tls-port %d", port), "tls-cert-file "+files.certificate,
			"tls-key-file "+files.key, "tls-ca-cert-file "+files.authority, "tls-auth-clients no")
	} else {
		lines = append(lines, fmt.Sprintf("port %d", port))
	}
	if options.Password != "" {
		lines = append(lines, "requirepass "+options.Password)
		if options.User != "" {
			lines = append(lines, fmt.Sprintf("user %s on >%s %s", options.User, options.Password, options.Rules))
		}
		s.PasswordFile = filepath.Join(dir, "password")
		if err := os.WriteFile(s.PasswordFile, []byte(options.Password+"\n"), 0o600); err != nil {
			return fmt.Errorf("write the password: %w", err)
		}
	}
	s.config = filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(s.config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the server's configuration: %w", err)
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	running, err := process.Start(exec.Command(s.program, s.config), s.config+".log")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = running.AwaitReady(ctx, func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
		if err != nil {
			return err
		}
		return connection.Close()
	})
	if err != nil {
		running.Kill()
		return err
	}
	s.running = running
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(errors.New("find a free port: no TCP address"), listener.Close())
	}
	return address.Port, listener.Close()
}
