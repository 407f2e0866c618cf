package redisstore_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/redis"
)

// BenchmarkSessions tells what a login and a check cost a server on the same machine, and what it keeps
// of a session of the usual size.
func BenchmarkSessions(b *testing.B) {
	const users = 100
	server := redis.Start(b, redis.Options{})
	s, c := server.Sessions(b), raw(b, server)
	bounds := store.Bounds{Subject: store.Unbounded, Tenant: store.Unbounded}
	used := func() int {
		info, err := c.Info(b.Context(), "memory").Result()
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(info, "used_memory:")
		text, _, _ := strings.Cut(rest, "\r")
		bytes, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		return bytes
	}
	made, before := 0, used()
	b.Run("login", func(b *testing.B) {
		for b.Loop() {
			one := living(fmt.Sprintf("%052d", made), time.Hour)
			one.Spec.ID, one.Spec.GrantID = gen.GrantID(one.Name), ""
			one.Spec.Subject, one.Spec.Sealed = gen.Subject(fmt.Sprint(made%users)), bytes.Repeat([]byte{1}, 600)
			if err := s.Create(b.Context(), team, one, bounds); err != nil {
				b.Fatal(err)
			}
			made++
		}
		b.ReportMetric(float64(used()-before)/float64(made), "B/session")
	})
	b.Run("check", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := s.Session(b.Context(), team, fmt.Sprintf("%052d", i%made)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
