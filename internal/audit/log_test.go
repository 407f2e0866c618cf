package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const patience = 10 * time.Second

// sink is a place that a test can block and break.
type sink struct {
	mu    sync.Mutex
	text  bytes.Buffer
	fails error
	// part is how many bytes a failing write takes nevertheless.
	part int
	// held, where set, is what every write waits for.
	held chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	if s.held != nil {
		<-s.held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		n, _ := s.text.Write(p[:min(s.part, len(p))])
		return n, s.fails
	}
	return s.text.Write(p)
}

func (s *sink) fail(err error, part int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails, s.part = err, part
}

func (s *sink) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.FieldsFunc(s.text.String(), func(r rune) bool { return r == '\n' })
}

// written reads the lines back.
func written(t *testing.T, to *sink) (all []map[string]any) {
	t.Helper()
	for _, text := range to.lines() {
		var one map[string]any
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%q is no JSON: %v", text, err)
		}
		all = append(all, one)
	}
	return all
}

func newLog(t *testing.T, to *sink) (*Log, *clocktesting.FakeClock) {
	t.Helper()
	clock := clocktesting.NewFakeClock(noon)
	log, err := New(to, clock, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return log, clock
}

func closed(t *testing.T, log *Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := log.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not so within %s", what, patience)
		}
	}
}

func TestALineTellsTheRecordAndItsOrigin(t *testing.T) {
	t.Parallel()
	to := &sink{}
	log, _ := newLog(t, to)
	ctx := WithOrigin(t.Context(), Origin{Source: netip.MustParseAddr("192.0.2.7"), RequestID: "r-1"})
	log.Record(ctx, Record{
		Event: TokenIssued, Tenant: "team-a", Dialect: "OAuth2", GrantType: "password", Subject: "s", Username: "alice <b>\n",
		ClientID: "billing", GrantID: "g", Grant: "grant", TokenID: "j", Session: "d", RefreshToken: true,
		ExpiresAt: noon.Add(time.Hour), Revision: 7, Secret: "target", KeyID: "k", Reason: "why", Count: 2, Claimed: "c",
	})
	log.Record(t.Context(), Record{Event: KeyringChanged, Tenant: "team-a"})
	closed(t, log)

	want := []string{
		`{"log":"audit","time":"2026-03-01T12:00:00Z","event":"token.issued","tenant":"team-a","dialect":"OAuth2","grantType":"password",` +
			`"subject":"s","username":"alice <b>\n","clientID":"billing","claimed":"c","grantID":"g","grant":"grant","tokenID":"j","session":"d",` +
			`"refreshToken":true,"expiresAt":"2026-03-01T13:00:00Z","revision":7,"secret":"target","keyID":"k","reason":"why","count":2,` +
			`"source":"192.0.2.7","requestID":"r-1"}`,
		`{"log":"audit","time":"2026-03-01T12:00:00Z","event":"keyring.changed","tenant":"team-a"}`,
	}
	if diff := cmp.Diff(want, to.lines()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestAPlaceThatTakesNothingNeverHoldsUpWhoRecords(t *testing.T) {
	t.Parallel()
	to := &sink{held: make(chan struct{})}
	log, clock := newLog(t, to)
	const more = 100
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		for range capacity + 2*batch + more {
			log.Record(t.Context(), Record{Event: TokenIssued, Tenant: "team-a"})
		}
	}()
	select {
	case <-recorded:
	case <-time.After(patience):
		t.Fatal("recording waits for a place that takes nothing")
	}
	dropped := log.Dropped()
	if dropped < more {
		t.Errorf("%d lines dropped, want %d at least", dropped, more)
	}
	close(to.held) // it takes again
	await(t, "the queue is written", func() bool { return len(log.queue) == 0 })
	clock.Step(summaryInterval)
	closed(t, log)

	issued, told := 0, 0.0
	for _, line := range written(t, to) {
		switch Event(line["event"].(string)) {
		case TokenIssued:
			issued++
		case LinesDropped:
			told += line["count"].(float64)
		default:
			t.Errorf("a line of %v", line["event"])
		}
	}
	if got := issued + int(told); got != capacity+2*batch+more || uint64(told) != dropped {
		t.Errorf("%d written, %v told as dropped, %d counted", issued, told, dropped)
	}
}

func TestALineThatCouldNotBeWrittenIsToldOnceItCan(t *testing.T) {
	t.Parallel()
	to := &sink{}
	log, _ := newLog(t, to)
	to.fail(errors.New("no space left"), 10)
	log.Record(t.Context(), Record{Event: TokenIssued})
	await(t, "the line is counted", func() bool { return log.Dropped() == 1 })
	to.fail(nil, 0)
	log.Record(t.Context(), Record{Event: TokenRevoked})
	closed(t, log)

	lines := to.lines()
	if len(lines) != 3 {
		t.Fatalf("lines %q", lines)
	}
	if lines[0] != `{"log":"au` || !strings.Contains(lines[1], `"event":"token.revoked"`) || !strings.Contains(lines[2], `"event":"lines.dropped","count":1}`) {
		t.Errorf("lines %q: want the torn one by itself, then a whole one, then what was lost", lines)
	}
	if log.Dropped() != 1 {
		t.Errorf("%d dropped, want 1", log.Dropped())
	}
}

func TestAnEndThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	blocked := &sink{held: make(chan struct{})}
	log, _ := newLog(t, blocked)
	log.Record(t.Context(), Record{Event: TokenIssued})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Close(ctx); err == nil {
		t.Error("the end of a log that takes nothing is no error")
	}
	close(blocked.held)

	broken := &sink{fails: errors.New("gone")}
	log, _ = newLog(t, broken)
	log.Record(t.Context(), Record{Event: TokenIssued})
	if err := log.Close(t.Context()); err == nil {
		t.Error("a lost end is no error")
	}
}

func TestAFloodOfRefusalsIsBoundedAndCounted(t *testing.T) {
	t.Parallel()
	to := &sink{}
	log, clock := newLog(t, to)
	flood := func(tenant string, times int) {
		for range times {
			log.Record(t.Context(), Record{Event: TokenRefused, Tenant: tenant})
		}
	}
	flood("team-a", refusalBurst+500)
	flood("team-b", 1)
	log.Record(t.Context(), Record{Event: ClientRefused, Tenant: "team-a"})
	log.Record(t.Context(), Record{Event: TokenIssued, Tenant: "team-a"})
	clock.Step(3 * time.Second)
	flood("team-a", 10)
	await(t, "the writer waits for the minute", func() bool { return clock.HasWaiters() && len(log.queue) == 0 })
	clock.Step(summaryInterval)
	await(t, "the summary is written", func() bool { return strings.Contains(strings.Join(to.lines(), ""), string(RefusalsSuppressed)) })
	closed(t, log)

	count := map[string]int{}
	for _, line := range written(t, to) {
		key := line["tenant"].(string) + " " + line["event"].(string)
		count[key]++
		if n, ok := line["count"].(float64); ok {
			count[key+" count"] += int(n)
		}
	}
	want := map[string]int{
		"team-a token.refused": refusalBurst + 3, "team-b token.refused": 1, "team-a token.issued": 1,
		"team-a client.refused":      1, // which another kind of refusals does not hide
		"team-a refusals.suppressed": 1, "team-a refusals.suppressed count": 507,
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if log.Suppressed() != 507 {
		t.Errorf("%d suppressed, want 507", log.Suppressed())
	}
}

func TestWhatWasSuppressedLastIsToldAtTheEnd(t *testing.T) {
	t.Parallel()
	to := &sink{}
	log, _ := newLog(t, to)
	for range refusalBurst + 1 {
		log.Record(t.Context(), Record{Event: ClientRefused, Tenant: "team-a"})
	}
	closed(t, log)
	lines := written(t, to)
	if last := lines[len(lines)-1]; last["event"] != string(RefusalsSuppressed) || last["count"] != 1.0 {
		t.Errorf("the last line is %v", last)
	}
}

func TestAPseudonymIsOneNamesAndOneProcesss(t *testing.T) {
	t.Parallel()
	log, _ := newLog(t, &sink{})
	other, _ := newLog(t, &sink{})
	defer closed(t, log)
	defer closed(t, other)
	one := log.Pseudonym("hunter2")
	switch {
	case len(one) != 16 || strings.Contains(one, "hunter2"):
		t.Errorf("the pseudonym is %q", one)
	case one != log.Pseudonym("Hunter2"):
		t.Error("one login has two pseudonyms")
	case one == log.Pseudonym("hunter3"):
		t.Error("two logins have one pseudonym")
	case one == other.Pseudonym("hunter2"):
		t.Error("another process gives the same pseudonym: it can be found out by trying")
	case log.Pseudonym("") != "":
		t.Error("nothing has a pseudonym")
	}
}

func TestALogThatIsTurnedOffTakesEverything(t *testing.T) {
	t.Parallel()
	var log *Log
	log.Record(t.Context(), Record{Event: TokenIssued})
	if log.Dropped() != 0 || log.Suppressed() != 0 || log.Pseudonym("x") != "" || log.Close(t.Context()) != nil {
		t.Error("a nil log does something")
	}
}

func TestRecordingAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	l := &Log{clock: clocktesting.NewFakeClock(noon), refusals: newRefusals(), queue: make(chan line, 1000)}
	ctx := WithOrigin(t.Context(), Origin{RequestID: "r"})
	if allocations := testing.AllocsPerRun(100, func() {
		l.Record(ctx, Record{Event: TokenIssued, Tenant: "team-a"})
		l.Record(ctx, Record{Event: TokenRefused, Tenant: "team-a"})
	}); allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
