package stage

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Line is a connection to an API server that can be cut, or go silent, without the API server
// knowing. What it carries stays encrypted.
type Line struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	down bool
	open map[net.Conn]bool
	// silent is closed when data may go on; nil while it does.
	silent chan struct{}
}

// NewLine listens on loopback until the test ends, for an API server at host and port.
func NewLine(t testing.TB, target string) *Line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(fmt.Errorf("listen for the line: %w", err))
	}
	l := &Line{listener: listener, target: target, open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = listener.Close()
		l.Cut()
		l.Restore()
	})
	go l.accept()
	return l
}

// URL is what to connect to.
func (l *Line) URL() string { return "https://" + l.listener.Addr().String() }

// Cut breaks every connection, and every new one at once: the API server has died.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for conn := range l.open {
		_ = conn.Close()
	}
}

// Silence keeps every connection open and carries nothing: the network has gone.
func (l *Line) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silent == nil {
		l.silent = make(chan struct{})
	}
}

// Restore ends Cut and Silence.
func (l *Line) Restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
	if l.silent != nil {
		close(l.silent)
		l.silent = nil
	}
}

func (l *Line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // closed at the end of the test
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil || !l.keep(near, far) {
			_ = near.Close()
			continue
		}
		go l.carry(near, far)
		go l.carry(far, near)
	}
}

// keep remembers a connection's two ends, so that they can be cut; false where the line is down.
func (l *Line) keep(near, far net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = far.Close()
		return false
	}
	l.open[near], l.open[far] = true, true
	return true
}

func (l *Line) carry(from, to net.Conn) {
	_, _ = io.Copy(to, heeding{l, from}) // until either end is closed
	_, _ = from.Close(), to.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, from)
}

// heeding reads, and keeps what it has read while the line is silent.
type heeding struct {
	line *Line
	from io.Reader
}

func (h heeding) Read(into []byte) (int, error) {
	n, err := h.from.Read(into)
	h.line.mu.Lock()
	silent := h.line.silent
	h.line.mu.Unlock()
	if silent != nil {
		<-silent
	}
	return n, err
}
