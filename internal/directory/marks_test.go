package directory

import (
	"errors"
	"testing"
	"time"
)

func TestANamespaceIsKnownOnceItWasReadAndForAsLongAsThatMayBeReliedOn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tc := range map[string]struct {
		mark func(*Directory)
		want error
	}{
		"never read":                     {mark: func(*Directory) {}, want: ErrUnread},
		"another one read":               {mark: func(d *Directory) { d.MarkRead("team-b", now.Add(time.Hour)) }, want: ErrUnread},
		"read":                           {mark: func(d *Directory) { d.MarkRead("team-a", now.Add(time.Nanosecond)) }},
		"all read":                       {mark: func(d *Directory) { d.MarkRead("", now.Add(time.Hour)) }},
		"too long ago":                   {mark: func(d *Directory) { d.MarkRead("team-a", now) }, want: ErrStale},
		"too long ago by the wall clock": {mark: func(d *Directory) { d.MarkRead("team-a", now.Round(0)) }, want: ErrStale},
		"lost":                           {mark: func(d *Directory) { d.MarkRead("team-a", now.Add(time.Hour)); d.MarkLost("team-a") }, want: ErrLost},
		"all lost":                       {mark: func(d *Directory) { d.MarkLost("") }, want: ErrLost},
		"lost, and read again":           {mark: func(d *Directory) { d.MarkLost("team-a"); d.MarkRead("team-a", now.Add(time.Hour)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := New()
			tc.mark(d)
			if err := d.Known("team-a", now); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
