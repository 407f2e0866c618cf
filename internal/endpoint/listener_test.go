package endpoint

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// queue is a listener whose clients are already there.
type queue struct {
	net.Listener
	conns chan net.Conn
}

func (q queue) Accept() (net.Conn, error) {
	conn, ok := <-q.conns
	if !ok {
		return nil, errors.New("broken")
	}
	return conn, nil
}

func (q queue) Close() error { return nil }

func queueOf(clients int) queue {
	q := queue{conns: make(chan net.Conn, clients)}
	for range clients {
		conn, _ := net.Pipe()
		q.conns <- conn
	}
	return q
}

type accepted struct {
	conn net.Conn
	err  error
}

func accept(l net.Listener) <-chan accepted {
	result := make(chan accepted, 1)
	go func() {
		conn, err := l.Accept()
		result <- accepted{conn, err}
	}()
	synctest.Wait()
	return result
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := newLimitListener(queueOf(3), 2, newSources(2, nil))
		first, second := <-accept(listener), <-accept(listener)
		third := accept(listener)
		if len(third) > 0 {
			t.Fatal("a third connection was accepted")
		}
		first.conn.Close()
		first.conn.Close() // Closing twice frees one slot only.
		synctest.Wait()
		if got := <-third; got.err != nil {
			t.Fatal(got.err)
		}
		fourth := accept(listener)
		if len(fourth) > 0 {
			t.Error("closing twice freed two slots")
		}
		listener.Close()
		if got := <-fourth; !errors.Is(got.err, net.ErrClosed) {
			t.Errorf("after Close: %v", got.err)
		}
		second.conn.Close()
	})
}

func TestAFailedAcceptTakesNoSlot(t *testing.T) {
	t.Parallel()
	q := queueOf(0)
	close(q.conns)
	listener := newLimitListener(q, 1, newSources(1, nil))
	for range 3 {
		if _, err := listener.Accept(); err == nil {
			t.Fatal("Accept succeeded")
		}
	}
	if len(listener.slots) > 0 {
		t.Error("a slot is taken")
	}
	listener.Close()
	listener.Close()
}

// from is a connection of a peer.
type from struct {
	net.Conn
	peer   string
	closed atomic.Bool
}

func (f *from) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.peer)) }

func (f *from) Close() error {
	f.closed.Store(true)
	return nil
}

func TestASourceHasItsShareOfTheConnections(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	tests := map[string]struct {
		before string // a connection that stays open
		peer   string
		share  bool // they share one source
	}{
		"another port of one address":           {"192.0.2.7:1", "192.0.2.7:2", true},
		"an IPv4 address written as IPv6":       {"192.0.2.7:1", "[::ffff:192.0.2.7]:2", true},
		"another IPv4 address":                  {"192.0.2.7:1", "192.0.2.8:1", false},
		"another address of an IPv6 network":    {"[2001:db8::1]:1", "[2001:db8::2]:1", true},
		"another IPv6 network":                  {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		"a trusted proxy speaks for many":       {"10.1.2.3:1", "10.1.2.3:2", false},
		"a trusted proxy that speaks over IPv6": {"[::ffff:10.1.2.3]:1", "[::ffff:10.1.2.3]:2", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := queue{conns: make(chan net.Conn, 3)}
			second, last := &from{peer: tc.peer}, &from{peer: "198.51.100.1:1"}
			q.conns <- &from{peer: tc.before}
			q.conns <- second
			q.conns <- last
			listener := newLimitListener(q, 3, newSources(1, trusted))
			first, _ := listener.Accept()
			if next, err := listener.Accept(); err != nil || next.RemoteAddr().String() == last.peer != tc.share {
				t.Errorf("accepted %v, %v", next, err)
			}
			if second.closed.Load() != tc.share {
				t.Errorf("closed: %t, want %t", !tc.share, tc.share)
			}
			if !tc.share {
				return
			}
			first.Close()
			again := &from{peer: tc.peer}
			q.conns <- again
			if _, err := listener.Accept(); err != nil || again.closed.Load() {
				t.Errorf("after the first was closed another one is, too: %v", err)
			}
		})
	}
}
