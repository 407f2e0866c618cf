package secretwriter_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

func TestWriteCreatesWhatIsAbsent(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	content := token("fresh")
	content.Labels = map[string]string{"app": "billing", "bare": ""}
	content.Annotations = map[string]string{v1alpha1.AnnotationRevision: "1"}
	content.GoneAnnotations = []string{v1alpha1.AnnotationKeyID}

	result := r.write(content, secretwriter.Observed{}, secretwriter.OutcomeCreated)

	got := r.live()
	if got.ResourceVersion != result.Secret.ResourceVersion {
		t.Errorf("Write returned version %s of %s", result.Secret.ResourceVersion, got.ResourceVersion)
	}
	owner := *grantOwner("billing", "uid-1")
	owner.BlockOwnerDeletion = new(false)
	want := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Labels:          map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialOutput, "app": "billing", "bare": ""},
			Annotations:     map[string]string{v1alpha1.AnnotationGrantID: ourID, v1alpha1.AnnotationRevision: "1"},
			OwnerReferences: []metav1.OwnerReference{owner},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"token": []byte("fresh")},
	}
	if diff := cmp.Diff(want, essence(got)); diff != "" {
		t.Errorf("the Secret (-want +got):\n%s", diff)
	}
}

// essence is what a Writer is responsible for.
func essence(s *corev1.Secret) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Labels: s.Labels, Annotations: s.Annotations, OwnerReferences: s.OwnerReferences,
		},
		Type: s.Type,
		Data: s.Data,
	}
}

func TestWriteSendsNothingWhereNothingChanges(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := r.write(token("fresh"), secretwriter.Observed{}, secretwriter.OutcomeCreated)
	r.write(token("fresh"), seen(first.Secret), secretwriter.OutcomeUnchanged)
	r.write(token("fresh"), seen(r.live()), secretwriter.OutcomeUnchanged)
	if got := r.live().ResourceVersion; got != first.Secret.ResourceVersion {
		t.Errorf("the Secret went from version %s to %s", first.Secret.ResourceVersion, got)
	}
}

func TestWriteUpdatesDataWhollyAndMetadataInPart(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	deployment := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "billing-app", UID: "uid-7"}
	r.given(ownedBy(&deployment), func(s *corev1.Secret) {
		s.Data["by-hand"] = []byte("x")
		s.Labels["team"], s.Labels["empty"], s.Labels["stale"] = "a", "", "ours"
		s.Annotations["example.com/note"] = "keep me"
		s.Annotations[v1alpha1.AnnotationRevision] = "1"
		s.Annotations[v1alpha1.AnnotationKeyID] = "gone"
	})
	content := token("after")
	content.GoneLabels = []string{"stale", v1alpha1.LabelCredential}
	content.Annotations = map[string]string{v1alpha1.AnnotationRevision: "2"}
	content.GoneAnnotations = []string{v1alpha1.AnnotationKeyID, v1alpha1.AnnotationRevision, v1alpha1.AnnotationGrantID}

	r.write(content, seen(r.live()), secretwriter.OutcomeUpdated)

	owner := *grantOwner("billing", "uid-1")
	owner.BlockOwnerDeletion = new(false)
	want := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Labels: map[string]string{
				v1alpha1.LabelCredential: v1alpha1.CredentialOutput, "team": "a", "empty": "",
			},
			Annotations: map[string]string{
				v1alpha1.AnnotationGrantID: ourID, v1alpha1.AnnotationRevision: "2", "example.com/note": "keep me",
			},
			OwnerReferences: []metav1.OwnerReference{deployment, owner},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"token": []byte("after")},
	}
	if diff := cmp.Diff(want, essence(r.live())); diff != "" {
		t.Errorf("the Secret (-want +got):\n%s", diff)
	}
}

func TestWriteRepairsLabelAndOwner(t *testing.T) {
	t.Parallel()
	blocking := grantOwner("billing", "uid-1")
	blocking.BlockOwnerDeletion = new(true)
	owner := *grantOwner("billing", "uid-1")
	owner.BlockOwnerDeletion = new(false)
	deployment := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "billing-app", UID: "uid-7"}
	cases := map[string]struct {
		given []func(*corev1.Secret)
		want  []metav1.OwnerReference
	}{
		"a label that was removed":            {[]func(*corev1.Secret){unlabelled}, []metav1.OwnerReference{owner}},
		"an owner that blocks":                {[]func(*corev1.Secret){ownedBy(blocking)}, []metav1.OwnerReference{owner}},
		"an owner from before a restore":      {[]func(*corev1.Secret){ownedBy(grantOwner("billing", "uid-0"))}, []metav1.OwnerReference{owner}},
		"an owner from before and after it":   {[]func(*corev1.Secret){ownedBy(grantOwner("billing", "uid-0"), blocking)}, []metav1.OwnerReference{owner}},
		"an owner's place among other owners": {[]func(*corev1.Secret){ownedBy(grantOwner("billing", "uid-0"), &deployment)}, []metav1.OwnerReference{owner, deployment}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			given := r.given(tc.given...)
			r.write(token("before"), secretwriter.Observed{Secret: given, Vouched: true}, secretwriter.OutcomeUpdated)
			got := r.live()
			if diff := cmp.Diff(tc.want, got.OwnerReferences); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
			if got.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialOutput {
				t.Errorf("labels are %v", got.Labels)
			}
		})
	}
}

func TestWriteWithoutOwnerAddsNone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	target := target(r.namespace)
	target.Owner = nil
	if _, err := r.writer.Write(t.Context(), target, token("fresh"), secretwriter.Observed{}); err != nil {
		t.Fatalf("Write: %v", err)
	}
	if got := r.live().OwnerReferences; len(got) != 0 {
		t.Errorf("owners are %v, want none", got)
	}
}

func TestWriteLeavesAloneWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		given []func(*corev1.Secret)
		want  secretwriter.Verdict
	}{
		"a person's Secret":         {[]func(*corev1.Secret){unlabelled, unnamed}, secretwriter.VerdictForeign},
		"another grant's Secret":    {[]func(*corev1.Secret){named(otherID)}, secretwriter.VerdictOwnedByOther},
		"an immutable one of ours":  {[]func(*corev1.Secret){frozen}, secretwriter.VerdictImmutable},
		"one of ours, another type": {[]func(*corev1.Secret){typed("example.com/other")}, secretwriter.VerdictImmutable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			given := r.given(tc.given...)
			result := r.write(token("after"), seen(given), secretwriter.OutcomeRefused)
			if result.Verdict != tc.want || result.Secret != given {
				t.Errorf("refused as %s, want %s and the Secret observed", result.Verdict, tc.want)
			}
			if diff := cmp.Diff(given, r.live()); diff != "" {
				t.Errorf("the Secret changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestWriteChangesNeitherCacheNorContent(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	cached := r.given(ownedBy(grantOwner("billing", "uid-0")))
	before := cached.DeepCopy()
	content := token("after")
	content.Annotations = map[string]string{v1alpha1.AnnotationRevision: "2"}

	result := r.write(content, seen(cached), secretwriter.OutcomeUpdated)
	result.Secret.Data["token"] = []byte("scribble")
	result.Secret.Annotations[v1alpha1.AnnotationRevision] = "scribble"

	if diff := cmp.Diff(before, cached); diff != "" {
		t.Errorf("the cached Secret (-before +after):\n%s", diff)
	}
	if string(content.Data["token"]) != "after" || content.Annotations[v1alpha1.AnnotationRevision] != "2" {
		t.Errorf("the content became %s, %s", content.Data, content.Annotations)
	}
}

func TestWriteReadsLiveWhenItLosesTheRace(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		// observe returns what the cache shows, and changes the world after it.
		observe     func(*room) *corev1.Secret
		wantVerdict secretwriter.Verdict // of the live object
		wantToken   string
	}{
		"an unlabelled Secret is not in the cache and yet there": {
			func(r *room) *corev1.Secret { r.given(unlabelled, unnamed); return nil },
			secretwriter.VerdictForeign, "before"},
		"our own Secret has not reached the cache yet": {
			func(r *room) *corev1.Secret { r.given(); return nil },
			secretwriter.VerdictOurs, "before"},
		"another leader wrote a revision": {
			func(r *room) *corev1.Secret {
				stale, next := r.given(), r.live()
				next.Data["token"] = []byte("theirs")
				r.update(next)
				return stale
			},
			secretwriter.VerdictOurs, "theirs"},
		"a person added a label": {
			func(r *room) *corev1.Secret {
				stale, next := r.given(), r.live()
				next.Labels["team"] = "a"
				r.update(next)
				return stale
			},
			secretwriter.VerdictOurs, "before"},
		"it was deleted": {
			func(r *room) *corev1.Secret {
				stale := r.given()
				r.delete(stale)
				return stale
			},
			secretwriter.VerdictAbsent, ""},
		"it was deleted and somebody else made one": {
			func(r *room) *corev1.Secret {
				stale := r.given()
				r.delete(stale)
				r.given(unlabelled, unnamed)
				return stale
			},
			secretwriter.VerdictForeign, "before"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			result := r.write(token("mine"), seen(tc.observe(r)), secretwriter.OutcomeRaced)
			target := target(r.namespace)
			if got := target.Judge(seen(result.Secret)); got != tc.wantVerdict {
				t.Errorf("the live object is %s, want %s", got, tc.wantVerdict)
			}
			if tc.wantVerdict == secretwriter.VerdictAbsent {
				return
			}
			if got := string(r.live().Data["token"]); got != tc.wantToken {
				t.Errorf("the Secret holds %q, want %q", got, tc.wantToken)
			}
			if diff := cmp.Diff(r.live(), result.Secret); diff != "" {
				t.Errorf("the result is not live (-live +result):\n%s", diff)
			}
		})
	}
}

// However many write at once from the same observation, one of them wins.
func TestWriteLetsOneOfManyWin(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]bool{"the first Create": false, "the first Update": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			var observed secretwriter.Observed
			if given {
				observed.Secret = r.given()
			}
			results := make([]secretwriter.Result, 8)
			errs := make([]error, len(results))
			var writers sync.WaitGroup
			for i := range results {
				writers.Go(func() {
					content := token(string(rune('a' + i)))
					results[i], errs[i] = r.writer.Write(t.Context(), target(r.namespace), content, observed)
				})
			}
			writers.Wait()
			won := ""
			for i, result := range results {
				switch {
				case errs[i] != nil:
					t.Fatalf("Write: %v", errs[i])
				case result.Outcome != secretwriter.OutcomeRaced:
					won += string(rune('a' + i))
				}
			}
			if got := string(r.live().Data["token"]); won != got {
				t.Errorf("%q won and the Secret holds %q, want the same one", won, got)
			}
		})
	}
}
