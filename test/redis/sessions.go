package redis

import (
	"testing"

	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/store/redisstore"
)

// Sessions reaches the server as a replica does. The connections end with the test.
func (s *Server) Sessions(t testing.TB) *redisstore.Sessions {
	t.Helper()
	return Open(t, s.URL, s.PasswordFile, s.CAFile)
}

// Open is Sessions for a server that is reached in another way.
func Open(t testing.TB, url, passwordFile, caFile string) *redisstore.Sessions {
	t.Helper()
	server, err := redisstore.ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	server.PasswordFile, server.CAFile = passwordFile, caFile
	sessions, err := server.Open(clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	return sessions
}
