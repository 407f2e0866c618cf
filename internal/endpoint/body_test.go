package endpoint

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// unannounced hides a body's length, so that it is sent in chunks.
func unannounced(body string) io.Reader {
	return io.MultiReader(strings.NewReader(body))
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	server := run(t, &running{
		mux: MuxOptions{DefaultTenant: "main", BodyLimit: 3000},
		dialects: []Dialect{{
			Routes: []Route{{http.MethodPost, "/echo", echo}},
			Refuse: func(w http.ResponseWriter, _ *http.Request, status int) {
				writePlain(w, status, "shaped")
			},
		}},
	})
	exact := strings.Repeat("x", 3000)
	tests := map[string]struct {
		body   io.Reader
		status int
		answer string
	}{
		"no body":             {nil, 200, ""},
		"a small body":        {strings.NewReader("abc"), 200, "abc"},
		"a body of the limit": {strings.NewReader(exact), 200, exact},
		"a body of the limit that is not announced":     {unannounced(exact), 200, exact},
		"a body above the limit":                        {strings.NewReader(exact + "x"), 413, "shaped"},
		"a body above the limit that was not announced": {unannounced(exact + "x"), 413, "too large for the handler"},
		"a body far above the limit":                    {strings.NewReader(strings.Repeat("x", 1<<20)), 413, "shaped"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := server.do(t, "POST", "/echo", tc.body)
			if got.StatusCode != tc.status || got.body != tc.answer {
				t.Errorf("%d with %d bytes, want %d with %d", got.StatusCode, len(got.body), tc.status, len(tc.answer))
			}
		})
	}
}

func TestDefaultBodyLimit(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{{http.MethodPost, "/echo", echo}}}}})
	for size, status := range map[int]int{64 << 10: 200, 64<<10 + 1: 413} {
		if got := server.do(t, "POST", "/echo", strings.NewReader(strings.Repeat("x", size))); got.StatusCode != status {
			t.Errorf("%d bytes: %d, want %d", size, got.StatusCode, status)
		}
	}
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := map[string]struct {
		body   io.Reader
		length int64
		err    error
	}{
		"in one piece":                      {strings.NewReader(strings.Repeat("x", 5000)), 5000, nil},
		"in single bytes":                   {iotest.OneByteReader(strings.NewReader(strings.Repeat("x", 5000))), -1, nil},
		"with the end beside the last byte": {iotest.DataErrReader(strings.NewReader(strings.Repeat("x", 5000))), 5000, nil},
		"of just the size of a new buffer":  {strings.NewReader(strings.Repeat("x", 2048)), 2048, nil},
		"that breaks off":                   {iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("xx"))), 2, iotest.ErrTimeout},
		"that cannot be read":               {iotest.ErrReader(broken), 10, broken},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", io.NopCloser(tc.body))
			r.ContentLength = tc.length
			body, err := ReadBody(r)
			if !errors.Is(err, tc.err) {
				t.Fatalf("ReadBody: %v", err)
			}
			if err != nil {
				if body != nil {
					t.Error("a buffer came with the error")
				}
				return
			}
			defer body.Release()
			if len(body.B) < 2048 || strings.Trim(string(body.B), "x") != "" {
				t.Errorf("%d bytes", len(body.B))
			}
		})
	}
}

// announced is a body of which little arrives. It keeps the most memory that was held ready for it.
type announced struct {
	arrives int
	held    int
}

func (a *announced) Read(p []byte) (int, error) {
	a.held = max(a.held, len(p))
	if a.arrives == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	a.arrives--
	return 1, nil
}

// TestMemoryIsForWhatArrives is not parallel, so that no other test puts large buffers in the pool.
func TestMemoryIsForWhatArrives(t *testing.T) { //nolint:paralleltest // see above
	tests := []struct{ arrives, want int }{{0, 2 << 10}, {1, 2 << 10}, {3 << 10, 2 << 10}, {5 << 10, 4 << 10}}
	for _, tc := range tests { // in this order: what was grown comes back from the pool
		body := &announced{arrives: tc.arrives}
		r := httptest.NewRequest("POST", "/", io.NopCloser(body))
		r.ContentLength = DefaultBodyLimit
		if _, err := ReadBody(r); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d bytes: %v", tc.arrives, err)
		}
		if body.held > tc.want {
			t.Errorf("%d bytes were held ready while %d arrived, want %d at most", body.held, tc.arrives, tc.want)
		}
	}
}

// TestReleaseWipes is not parallel: it looks at a buffer that is back in the pool.
func TestReleaseWipes(t *testing.T) {
	for name, truncated := range map[string]bool{"a full buffer": false, "a buffer that was cut": true} {
		t.Run(name, func(t *testing.T) {
			buffer := NewBuffer()
			io.WriteString(buffer, canary)
			memory := buffer.B[:len(canary)]
			if truncated {
				buffer.B = buffer.B[:1]
			}
			buffer.Release()
			if strings.Trim(string(memory), "\x00") != "" {
				t.Errorf("the pool holds %q", memory)
			}
		})
	}
}

func TestLargeBuffersAreNotKept(t *testing.T) {
	buffer := NewBuffer()
	buffer.B = append(buffer.B, make([]byte, 3*DefaultBodyLimit)...)
	buffer.Release()
	for range 8 {
		if another := NewBuffer(); cap(another.B) > 2*DefaultBodyLimit {
			t.Error("the pool keeps a large buffer")
		}
	}
}
