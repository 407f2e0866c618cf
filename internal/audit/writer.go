package audit

import (
	"bytes"
	"encoding/json"
	"io"
	"sync/atomic"
	"time"
)

// batch is how many lines are written with one call at most.
const batch = 256

// writer turns lines into JSON and writes them by the batch. It is for one goroutine.
type writer struct {
	sink    io.Writer
	buffer  bytes.Buffer
	encoder *json.Encoder
	lines   uint64 // in the buffer
	// torn tells that the sink took a part of a line.
	torn bool

	// dropped counts the lines that were lost here or before; told is how many of them the log tells of.
	dropped *atomic.Uint64
	told    atomic.Uint64
}

func newWriter(sink io.Writer, dropped *atomic.Uint64) *writer {
	w := &writer{sink: sink, dropped: dropped}
	w.encoder = json.NewEncoder(&w.buffer)
	w.encoder.SetEscapeHTML(false)
	return w
}

// add appends a line to the batch. JSON has no line break of its own, whatever a text holds.
func (w *writer) add(l line) {
	l.Log, l.Time = "audit", l.Time.UTC()
	if err := w.encoder.Encode(l); err != nil {
		w.dropped.Add(1) // a time beyond the year 9999
		return
	}
	w.lines++
}

// untold is how many lines were lost that the log does not tell of.
func (w *writer) untold() uint64 { return w.dropped.Load() - w.told.Load() }

// flush writes the batch and, after it, how many lines were lost before. A batch that the sink does
// not take is lost.
func (w *writer) flush(now time.Time) {
	lost := w.untold()
	if lost > 0 {
		w.add(line{Time: now, Record: Record{Event: LinesDropped, Count: lost}})
	}
	if w.lines == 0 {
		return
	}
	if w.send() {
		w.told.Add(lost)
	} else {
		w.dropped.Add(w.lines)
		if lost > 0 {
			w.dropped.Add(^uint64(0)) // the line that tells of the others is none of them
		}
	}
	w.buffer.Reset()
	w.lines = 0
}

// send tells whether the sink took all of it.
func (w *writer) send() bool {
	if w.torn {
		if _, err := w.sink.Write([]byte{'\n'}); err != nil {
			return false
		}
		w.torn = false
	}
	n, err := w.sink.Write(w.buffer.Bytes())
	w.torn = n > 0 && n < w.buffer.Len()
	return err == nil
}
