package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
)

const (
	// capacity is how many lines may wait to be written: some 2 MiB.
	capacity = 4096
	// summaryInterval is how often refusals without a line of their own are told.
	summaryInterval = time.Minute
)

// Log is the audit log of one process. Its methods may be called at once from many goroutines, and
// on nil, which is a log that is turned off.
type Log struct {
	clock    clock.WithTicker
	key      []byte
	refusals *refusals
	queue    chan line
	stop     chan struct{}
	stopped  chan struct{}
	writer   *writer

	dropped, suppressed atomic.Uint64
}

// New makes a log that writes to sink, one call of Write for some whole lines, from a goroutine of its
// own that ends with Close. It reads from random once, for what makes its pseudonyms.
func New(sink io.Writer, clock clock.WithTicker, random io.Reader) (*Log, error) {
	key := make([]byte, sha256.Size)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("read randomness for the audit log: %w", err)
	}
	l := &Log{
		clock:    clock,
		key:      key,
		refusals: newRefusals(),
		queue:    make(chan line, capacity),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	l.writer = newWriter(sink, &l.dropped)
	go l.write()
	return l, nil
}

// Record adds a line with the time and the origin that the context tells of. It never waits: where
// the queue is full the line is dropped, which is counted and told.
func (l *Log) Record(ctx context.Context, record Record) {
	if l == nil {
		return
	}
	now := l.clock.Now()
	if record.Event.anybodyCauses() && !l.refusals.admit(refused{record.Tenant, record.Event}, now) {
		l.suppressed.Add(1)
		return
	}
	origin := originOf(ctx)
	select {
	case l.queue <- line{Time: now, Record: record, Source: origin.Source, RequestID: origin.RequestID}:
	default:
		l.dropped.Add(1)
	}
}

// Pseudonym stands for what a stranger claims to be called, in any case. Equal names have equal
// pseudonyms in the log of one process, and nobody outside of it can find out a name by trying.
func (l *Log) Pseudonym(name string) string {
	if l == nil || name == "" {
		return ""
	}
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(strings.ToLower(name)))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Dropped counts the lines that were lost.
func (l *Log) Dropped() uint64 {
	if l == nil {
		return 0
	}
	return l.dropped.Load()
}

// Suppressed counts the refusals that have no line of their own.
func (l *Log) Suppressed() uint64 {
	if l == nil {
		return 0
	}
	return l.suppressed.Load()
}

// errUnwritten says that the end of the log is missing.
var errUnwritten = errors.New("the audit log could not be written to its end")

// Close writes what is still to be written and ends the log. It fails when the context ends before,
// and where lines were lost at the end. Nothing may be recorded afterwards.
func (l *Log) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	close(l.stop)
	select {
	case <-l.stopped:
	case <-ctx.Done():
		return errUnwritten
	}
	if l.writer.untold() > 0 {
		return errUnwritten
	}
	return nil
}

// write is the one writer. It writes as soon as there is something, and as much at once as there is.
func (l *Log) write() {
	defer close(l.stopped)
	ticker := l.clock.NewTicker(summaryInterval)
	defer ticker.Stop()
	for {
		select {
		case first := <-l.queue:
			l.writer.add(first)
			l.drain()
		case <-ticker.C():
			l.summarize()
		case <-l.stop:
			for len(l.queue) > 0 {
				l.drain()
			}
			l.summarize()
			return
		}
	}
}

// drain writes what is in the queue, up to a batch. Nobody else takes from it.
func (l *Log) drain() {
	for n := 0; n < batch && len(l.queue) > 0; n++ {
		l.writer.add(<-l.queue)
	}
	l.flush()
}

// summarize writes how many refusals there were without a line. What was dropped at the very end is
// told along with them, and else with the lines that follow.
func (l *Log) summarize() {
	now := l.clock.Now()
	for _, record := range l.refusals.settle() {
		l.writer.add(line{Time: now, Record: record})
	}
	l.flush()
}

func (l *Log) flush() { l.writer.flush(l.clock.Now()) }
