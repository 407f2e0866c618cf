package endpoint

import (
	"errors"
	"net"
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
		listener := newLimitListener(queueOf(3), 2)
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
	listener := newLimitListener(q, 1)
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
