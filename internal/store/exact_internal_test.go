package store

import (
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// TestFarFromTheLimit has memory hold the sessions of alice and bob up to a version, and one of alice's
// written at another. The API server need not be asked where she cannot have more than ten.
func TestFarFromTheLimit(t *testing.T) {
	t.Parallel()
	const bound = 10
	tests := map[string]struct {
		held       int
		seen, own  string
		unwatched  bool
		wantNoRead bool
	}{
		"nothing has happened since":                     {seen: "100", own: "101", wantNoRead: true},
		"as many may have been written as there is room": {held: 4, seen: "100", own: "106", wantNoRead: true},
		"one more may have been":                         {held: 4, seen: "100", own: "107"},
		"none is held, and much may have been written":   {seen: "100", own: "111"},
		"all are held":                                   {held: 9, seen: "100", own: "101", wantNoRead: true},
		"more are held than are allowed":                 {held: 11, seen: "101", own: "101"},
		"the watch was faster":                           {held: 10, seen: "200", own: "101", wantNoRead: true},
		"the watch does not tell how far it is":          {own: "101"},
		"the version is no number":                       {seen: "100", own: "x"},
		"there is no watch":                              {unwatched: true, seen: "100", own: "101"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			indexer := toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, SessionIndexers())
			for i := range tc.held {
				if err := indexer.Add(ofSubject("alice", i)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range bound {
				if err := indexer.Add(ofSubject("bob", i)); err != nil {
					t.Fatal(err)
				}
			}
			indexer.Bookmark(tc.seen)
			s := &Sessions{Seen: func(string) toolscache.Indexer {
				if tc.unwatched {
					return nil
				}
				return indexer
			}}
			written := ofSubject("alice", 100)
			written.ResourceVersion = tc.own
			if got := s.far(written, bound); got != tc.wantNoRead {
				t.Errorf("far: %t, want %t", got, tc.wantNoRead)
			}
		})
	}
}

func ofSubject(subject string, i int) *v1alpha1.AuthSession {
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: subject + strconv.Itoa(i), ResourceVersion: "1"},
		Spec:       v1alpha1.AuthSessionSpec{Subject: subject},
	}
}
