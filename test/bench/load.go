package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"
)

// connections is how many clients ask at once, each as soon as it has its answer: enough that the
// server never waits for them.
const connections = 8

// request is one HTTP request that is sent over and over.
type request struct {
	method, path, body string
	header             http.Header
	// want is the status of a good answer.
	want int
}

// load sends one request to one server over kept connections, and knows what it cost.
type load struct {
	request
	pid     int
	address string
	wire    []byte
	conns   []*keptConn
	// perTurn is the server's CPU time per request in each turn, in microseconds.
	perTurn   []float64
	latencies []time.Duration
}

type keptConn struct {
	net.Conn
	answers *bufio.Reader
}

// newLoad prepares to send a request. pid is the server's.
func newLoad(base string, pid int, r request) (*load, error) {
	target, err := url.Parse(base + r.path)
	if err != nil {
		return nil, err
	}
	l := &load{request: r, pid: pid, address: target.Host}
	l.wire, err = wireOf(target, r)
	return l, err
}

// connect makes as many connections as are wanted and not there yet. It is called just before they
// are used: a server drops a client that says nothing at first.
func (l *load) connect(ctx context.Context, wanted int) error {
	dialer := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // on loopback, to a process that this one has started
	}}
	for len(l.conns) < wanted {
		conn, err := dialer.DialContext(ctx, "tcp", l.address)
		if err != nil {
			return fmt.Errorf("connect to %q: %w", l.address, err)
		}
		l.conns = append(l.conns, &keptConn{Conn: conn, answers: bufio.NewReader(conn)})
	}
	return nil
}

// wireOf is the request as it is sent, made once so that the clients leave the CPU to the server.
func wireOf(target *url.URL, r request) ([]byte, error) {
	message, err := http.NewRequest(r.method, target.String(), bytes.NewReader([]byte(r.body)))
	if err != nil {
		return nil, err
	}
	message.Header = r.header.Clone()
	var wire bytes.Buffer
	err = message.Write(&wire)
	return wire.Bytes(), err
}

func (l *load) close() {
	for _, conn := range l.conns {
		_ = conn.Close() // the measuring is over
	}
}

// turn sends requests for a while on all connections and notes what they cost.
func (l *load) turn(ctx context.Context, length time.Duration) error {
	if err := l.connect(ctx, connections); err != nil {
		return err
	}
	before, err := cpuOf(l.pid)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(length)
	each := make([][]time.Duration, len(l.conns))
	group, ctx := errgroup.WithContext(ctx)
	for i, conn := range l.conns {
		group.Go(func() (err error) {
			each[i], err = l.ask(ctx, conn, deadline)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	after, err := cpuOf(l.pid)
	if err != nil {
		return err
	}
	requests := 0
	for _, latencies := range each {
		requests += len(latencies)
		l.latencies = append(l.latencies, latencies...)
	}
	l.perTurn = append(l.perTurn, float64((after-before).Microseconds())/float64(requests))
	return nil
}

func (l *load) ask(ctx context.Context, conn *keptConn, deadline time.Time) (latencies []time.Duration, err error) {
	for now := time.Now(); now.Before(deadline) && ctx.Err() == nil; {
		if err := l.exchange(conn, io.Discard); err != nil {
			return nil, err
		}
		done := time.Now()
		latencies = append(latencies, done.Sub(now))
		now = done
	}
	return latencies, ctx.Err()
}

// exchange sends the request once and copies the body of its answer.
func (l *load) exchange(conn *keptConn, body io.Writer) error {
	if _, err := conn.Write(l.wire); err != nil {
		return err
	}
	answer, err := http.ReadResponse(conn.answers, &http.Request{Method: l.method})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != l.want {
		return fmt.Errorf("%s: %s", l.method, answer.Status)
	}
	_, err = io.Copy(body, answer.Body)
	return err
}

// once sends the request once and gives the body of the answer.
func (l *load) once(ctx context.Context) ([]byte, error) {
	if err := l.connect(ctx, 1); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	err := l.exchange(l.conns[0], &body)
	return body.Bytes(), err
}
