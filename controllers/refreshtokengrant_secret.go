package controllers

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// maxRenewRequest is how many characters of a request count, as in the schema of status.
const maxRenewRequest = 253

// target is the grant's Secret and what shows that it is this grant's.
func (d *delivery) target() secretwriter.Target {
	name, _ := d.grant.TargetName()
	target := secretwriter.Target{
		Namespace:  d.grant.Namespace,
		Name:       name,
		Type:       corev1.SecretType(d.grant.Spec.Target.Type),
		Credential: v1alpha1.CredentialOutput,
		Evidence:   secretwriter.Evidence{Annotation: v1alpha1.AnnotationGrantID, Value: d.grant.Spec.ID},
	}
	if d.grant.Spec.Target.EffectiveCreationPolicy() == v1alpha1.CreationPolicyOwner {
		target.Owner = secretwriter.OwnerReference("RefreshTokenGrant", d.grant)
	}
	return target
}

// annotations say what the Secret holds without showing it.
func annotations(token revision.Token) map[string]string {
	said := map[string]string{
		v1alpha1.AnnotationRevision:  strconv.FormatInt(token.Revision, 10),
		v1alpha1.AnnotationIssuedAt:  token.IssuedAt.UTC().Format(time.RFC3339),
		v1alpha1.AnnotationExpiresAt: token.ExpiresAt.UTC().Format(time.RFC3339),
	}
	if token.KeyID != "" { // a reference token is not signed
		said[v1alpha1.AnnotationKeyID] = token.KeyID
	}
	if token.Request != "" { // before status knows: what the Secret says is what was acted on
		said[v1alpha1.AnnotationRenewRequested] = token.Request
	}
	return said
}

// renewRequest is what an annotation of a grant asks for, or what its Secret says was acted on. A value
// that status could not hold counts as none.
func renewRequest(annotations map[string]string) string {
	request := annotations[v1alpha1.AnnotationRenewRequested]
	if utf8.RuneCountInString(request) > maxRenewRequest {
		return ""
	}
	return request
}

// revisionOf reads the number of the revision; zero where it was lost.
func revisionOf(secret *corev1.Secret) int64 {
	number, err := strconv.ParseInt(secret.Annotations[v1alpha1.AnnotationRevision], 10, 64)
	if err != nil || number < 0 {
		return 0
	}
	return number
}

// recorded is the token that the grant's status knows; nil where it knows none.
func recorded(g *directory.Grant) *revision.Token {
	s := &g.Status
	if s.TokenID == "" || s.NotBefore == nil || s.NotAfter == nil {
		return nil
	}
	return &revision.Token{
		Revision:  s.Revision,
		ID:        s.TokenID,
		KeyID:     s.KeyID,
		IssuedAt:  revision.IssuedAt(s.NotBefore.Time),
		ExpiresAt: s.NotAfter.Time,
		Request:   s.RenewRequest,
	}
}

// renewBefore is what the grant's spec says of renewal; zeros where it says nothing.
func renewBefore(g *directory.Grant) (time.Duration, int32, error) {
	asked := g.Spec.AccessToken
	switch {
	case asked == nil:
		return 0, 0, nil
	case asked.RenewBeforePercentage != nil:
		return 0, *asked.RenewBeforePercentage, nil
	case asked.RenewBefore == nil:
		return 0, 0, nil
	}
	before, err := asked.RenewBefore.Parse()
	if err != nil {
		return 0, 0, fmt.Errorf("accessToken.renewBefore: %w", err)
	}
	return before, 0, nil
}
