package stage

import (
	"net/http"
	"sync"
)

// Freezer stalls watches while every other request passes: what an operator has read grows old, and
// it is not told.
type Freezer struct {
	mu     sync.Mutex
	frozen map[string]chan struct{} // by resource, closed when it thaws
}

// Rule is the proxy's part. It has to be in use before the watches begin that are to be stalled.
func (f *Freezer) Rule(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if IsWatch(r) {
		w = &stalling{ResponseWriter: w, request: r, freezer: f}
	}
	next.ServeHTTP(w, r)
}

// everything stands for the watches of all resources.
const everything = ""

// Freeze stalls the watches of some resources ("secrets"); of all, where none is named.
func (f *Freezer) Freeze(resources ...string) {
	if len(resources) == 0 {
		resources = []string{everything}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen == nil {
		f.frozen = map[string]chan struct{}{}
	}
	for _, resource := range resources {
		if f.frozen[resource] == nil {
			f.frozen[resource] = make(chan struct{})
		}
	}
}

// Thaw lets all of them go on with what they have missed.
func (f *Freezer) Thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for resource, thawed := range f.frozen {
		close(thawed)
		delete(f.frozen, resource)
	}
}

func (f *Freezer) await(r *http.Request) {
	for _, resource := range []string{everything, Resource(r)} {
		f.mu.Lock()
		thawed := f.frozen[resource]
		f.mu.Unlock()
		if thawed == nil {
			continue
		}
		select {
		case <-thawed:
		case <-r.Context().Done():
		}
	}
}

// stalling is the answer to a watch.
type stalling struct {
	http.ResponseWriter
	request *http.Request
	freezer *Freezer
}

func (s *stalling) Write(event []byte) (int, error) {
	s.freezer.await(s.request)
	return s.ResponseWriter.Write(event)
}

// Unwrap lets http.ResponseController flush.
func (s *stalling) Unwrap() http.ResponseWriter { return s.ResponseWriter }
