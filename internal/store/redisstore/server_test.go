package redisstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/store/redisstore"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/redis"
)

func TestWhereTheServerIs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		want    *redisstore.Server
		problem string
	}{
		"a host":                    {text: "redis://redis.sessions.svc", want: &redisstore.Server{Address: "redis.sessions.svc:6379"}},
		"a port and a database":     {text: "redis://10.0.0.1:7000/3", want: &redisstore.Server{Address: "10.0.0.1:7000", Database: 3}},
		"TLS, with a user":          {text: "rediss://grantkeeper@redis.example.com/", want: &redisstore.Server{TLS: true, Address: "redis.example.com:6379", Username: "grantkeeper"}},
		"an IPv6 address":           {text: "redis://[2001:db8::1]", want: &redisstore.Server{Address: "[2001:db8::1]:6379"}},
		"a password":                {text: "redis://:canary@redis", problem: "may not hold a password"},
		"a user and a password":     {text: "redis://user:canary@redis", problem: "may not hold a password"},
		"another scheme":            {text: "https://canary.example.com", problem: "neither redis nor rediss"},
		"no URL":                    {text: "redis://canary\x00", problem: "not a URL"},
		"no host":                   {text: "redis:///0", problem: "names no host"},
		"an option of the library":  {text: "redis://redis?read_timeout=canary", problem: "no query"},
		"a fragment":                {text: "redis://redis#canary", problem: "no query or fragment"},
		"a database that is no one": {text: "redis://redis/canary", problem: "no number of a database"},
		"a negative database":       {text: "redis://redis/-1", problem: "no number of a database"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := redisstore.ParseServer(tc.text)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			switch {
			case tc.problem == "" && err != nil:
				t.Errorf("error %v", err)
			case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
				t.Errorf("error %v, want one that says %q", err, tc.problem)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("error %v repeats the text", err)
			}
		})
	}
}

// TestWhoIsLetIn connects to a server with TLS and a password.
func TestWhoIsLetIn(t *testing.T) {
	t.Parallel()
	const password = "canary-password-51d2"
	server := redis.Start(t, redis.Options{TLS: true, Password: password})
	open := redis.Start(t, redis.Options{TLS: true})
	other := redis.Start(t, redis.Options{})
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte(password+"x"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		url, passwordFile, caFile string
		letIn                     bool
	}{
		"with both":                    {server.URL, server.PasswordFile, server.CAFile, true},
		"without the password":         {server.URL, "", server.CAFile, false},
		"with another password":        {server.URL, wrong, server.CAFile, false},
		"with the system's roots":      {server.URL, server.PasswordFile, "", false},
		"with another authority":       {server.URL, server.PasswordFile, open.CAFile, false},
		"under another name":           {strings.Replace(server.URL, "127.0.0.1", "localhost", 1), server.PasswordFile, server.CAFile, false},
		"without TLS":                  {strings.Replace(server.URL, "rediss", "redis", 1), server.PasswordFile, "", false},
		"with TLS where there is none": {strings.Replace(other.URL, "redis", "rediss", 1), "", server.CAFile, false},
		"where no password is needed":  {open.URL, "", open.CAFile, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redis.Open(t, tc.url, tc.passwordFile, tc.caFile)
			_, err := s.Session(t.Context(), team, "none")
			if letIn := errors.Is(err, store.ErrNotFound); letIn != tc.letIn {
				t.Errorf("let in: %t, error %v", letIn, err)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("error %v holds the password", err)
			}
		})
	}
}

// TestTheCommandsThatAreDocumentedAreEnough gives a user no more than docs/session-stores.md asks for.
func TestTheCommandsThatAreDocumentedAreEnough(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/session-stores.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "What the operator runs: `")
	commands, _, found := strings.Cut(rest, "`")
	if !found {
		t.Fatal("the page does not tell the commands")
	}
	rules := "~grantkeeper:* -@all"
	for command := range strings.FieldsSeq(commands) {
		rules += " +" + strings.ToLower(command)
	}
	server := redis.Start(t, redis.Options{Password: "password", User: "keeper", Rules: rules})
	s := redis.Open(t, strings.Replace(server.URL, "redis://", "redis://keeper@", 1)+"/3", server.PasswordFile, "")
	made := living("made", time.Hour)
	_, errOfTenant := gen.Collect(s.OfTenant(t.Context(), team))
	if err := errors.Join(
		s.Room(t.Context(), team, store.OwnerOf(made), ample),
		s.Create(t.Context(), team, made, ample),
		errOfTenant,
		s.Delete(t.Context(), team, made.Name),
	); err != nil {
		t.Error(err)
	}
	all, err := gen.Collect(s.OfSubject(t.Context(), team, made.Spec.Subject))
	if len(all) > 0 || err != nil {
		t.Errorf("%d sessions, error %v", len(all), err)
	}
}

// TestAPasswordCanBeReplaced: it is read for each new connection.
func TestAPasswordCanBeReplaced(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, redis.Options{Password: "right"})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := redis.Open(t, server.URL, file, "")
	if _, err := s.Session(t.Context(), team, "none"); errors.Is(err, store.ErrNotFound) {
		t.Fatal("it is let in with the wrong password")
	}
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Session(t.Context(), team, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("with the right one: %v", err)
	}
}

func TestFilesAreReadWhenTheStoreIsOpened(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, server := range map[string]redisstore.Server{
		"a password file that is not there": {PasswordFile: "/nowhere"},
		"an empty password":                 {PasswordFile: empty},
		"a bundle that is not there":        {TLS: true, CAFile: "/nowhere"},
		"an empty bundle":                   {TLS: true, CAFile: empty},
	} {
		server.Address = "127.0.0.1:1"
		if _, err := server.Open(clock.RealClock{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
