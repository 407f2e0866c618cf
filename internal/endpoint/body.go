package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// DefaultBodyLimit is the largest request body in bytes. Every request of every dialect is a form
// or a small JSON document.
const DefaultBodyLimit = 64 << 10

// ErrBodyTooLarge is returned by ReadBody for a body that did not announce its length and turned
// out to be larger than the limit. Dialects answer 413.
var ErrBodyTooLarge = errors.New("request body is too large")

// Buffer is a byte buffer from a pool, for request bodies and for answers. It may hold passwords
// and tokens, so Release wipes it before anybody else can have it.
type Buffer struct {
	// B is the content. Appending to it is the ordinary use.
	B []byte
}

var buffers = sync.Pool{New: func() any { return &Buffer{B: make([]byte, 0, 2<<10)} }}

// NewBuffer returns an empty buffer. Whoever takes one calls Release exactly once.
func NewBuffer() *Buffer {
	return buffers.Get().(*Buffer)
}

// Release wipes the buffer and gives it back. Nothing that points into B may be used afterwards;
// strings made from it are copies and stay good.
func (b *Buffer) Release() {
	b.B = b.B[:cap(b.B)]
	clear(b.B)
	if cap(b.B) > 2*DefaultBodyLimit {
		return
	}
	b.B = b.B[:0]
	buffers.Put(b)
}

// Write appends p, so that encoders can write into the buffer. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.B = append(b.B, p...)
	return len(p), nil
}

// grow doubles the room. What is left behind held part of a body, so it is wiped as well.
func (b *Buffer) grow() {
	larger := make([]byte, len(b.B), 2*cap(b.B))
	copy(larger, b.B)
	clear(b.B)
	b.B = larger
}

// ReadBody reads the whole body. It takes memory for what has arrived and not for what is announced,
// or a client could have a lot for a few bytes. The caller releases the buffer, which is nil where there is an
// error: ErrBodyTooLarge, or what the transport says (a client that went away, a body that was
// shorter than announced, a timeout).
func ReadBody(r *http.Request) (*Buffer, error) {
	buffer := NewBuffer()
	for {
		if len(buffer.B) == cap(buffer.B) {
			buffer.grow()
		}
		n, err := r.Body.Read(buffer.B[len(buffer.B):cap(buffer.B)])
		buffer.B = buffer.B[:len(buffer.B)+n]
		if err == io.EOF {
			return buffer, nil
		}
		if err != nil {
			buffer.Release()
			return nil, bodyError(err)
		}
	}
}

func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ErrBodyTooLarge
	}
	return fmt.Errorf("read request body: %w", err)
}
