package tenant

import (
	"context"
	"errors"
	"net"
	"sync"
)

var errCut = errors.New("the line has been cut")

// line is how a client reaches the API server, until it is cut.
type line struct {
	mu          sync.Mutex
	connections []net.Conn
	isCut       bool
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isCut {
		return nil, errCut
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.connections = append(l.connections, connection)
	return connection, nil
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for _, connection := range l.connections {
		_ = connection.Close() // it may have ended by itself
	}
}
