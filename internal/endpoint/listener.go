package endpoint

import (
	"net"
	"net/netip"
	"sync"
)

// limitListener accepts a connection only while fewer than its limit are open. Those beyond wait in
// the kernel's queue, where they cost this process nothing. Those of a source that has its share are
// closed, so that nobody can take all the slots and keep the others waiting.
type limitListener struct {
	net.Listener
	slots   chan struct{}
	sources *sources
	closed  chan struct{}
	once    sync.Once
}

func newLimitListener(inner net.Listener, limit int, sources *sources) *limitListener {
	return &limitListener{Listener: inner, slots: make(chan struct{}, limit), sources: sources, closed: make(chan struct{})}
}

// Accept waits for a free slot first, then for a client that may have it.
func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		if source, ok := l.sources.enter(conn.RemoteAddr()); ok {
			return &limitedConn{Conn: conn, listener: l, source: source}, nil
		}
		_ = conn.Close() // it is dropped either way
	}
}

// Close also ends an Accept that waits for a slot.
func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConn gives its slot back once, however often it is closed.
type limitedConn struct {
	net.Conn
	listener *limitListener
	source   netip.Prefix
	once     sync.Once
}

// Close closes the connection and frees its slot.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.listener.sources.leave(c.source)
		<-c.listener.slots
	})
	return err
}
