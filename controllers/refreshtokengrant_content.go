package controllers

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/rendering"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// toldProblems is how many problems of a Secret a condition tells of.
const toldProblems = 3

// content makes what the Secret shall hold. The flaw tells what of it could not be made: that holds up
// nothing else.
func (d *delivery) content(ctx context.Context, observed *corev1.Secret, decision *revision.Decision) (content secretwriter.Content, flaw directory.Standing, err error) {
	token, err := d.accessToken(ctx, observed, decision)
	if err != nil {
		return content, flaw, err
	}
	values, err := d.values(token, decision.Token, d.bundle(observed, decision.Action))
	if err != nil {
		return content, flaw, err
	}
	var held rendering.Held
	if observed != nil {
		held = rendering.Held{Data: observed.Data, Annotations: observed.Annotations}
	}
	made := rendering.Render(d.grant.Spec.Target, values, held)
	maps.Copy(made.Annotations, annotations(decision.Token))
	if decision.Token.KeyID == "" {
		made.GoneAnnotations = append(made.GoneAnnotations, v1alpha1.AnnotationKeyID)
	}
	return secretwriter.Content{
		Data:            made.Data,
		Labels:          made.Labels,
		Annotations:     made.Annotations,
		GoneLabels:      made.GoneLabels,
		GoneAnnotations: made.GoneAnnotations,
	}, flawOf(made.Problems), nil
}

// rehearse makes the content of a Secret that is not there yet, with something in the token's place:
// a workload is to find all of the Secret or none, and no token is made for a Secret that cannot be.
func (d *delivery) rehearse(token revision.Token) (directory.Standing, error) {
	values, err := d.values(sensitive.New("rehearsal"), token, d.trust)
	if err != nil {
		return directory.Standing{}, err
	}
	return flawOf(rendering.Render(d.grant.Spec.Target, values, rendering.Held{}).Problems), nil
}

// accessToken is the token that was decided on: one that is kept is taken as it stands.
func (d *delivery) accessToken(ctx context.Context, observed *corev1.Secret, decision *revision.Decision) (sensitive.String, error) {
	if decision.Action == revision.ActionKeep {
		return sensitive.New(string(observed.Data[d.grant.Spec.Target.EffectiveKeys().AccessToken])), nil
	}
	return d.Issuing.Deliver(ctx, d.ring, &d.terms, decision.Token)
}

// values are what there is to say about the token.
func (d *delivery) values(access sensitive.String, token revision.Token, bundle []byte) (*rendering.Values, error) {
	values := &rendering.Values{
		Namespace:   d.grant.Namespace,
		AccessToken: access,
		ExpiresAt:   token.ExpiresAt,
		ClientID:    d.terms.ClientID,
		Issuer:      d.terms.Issuer,
		TokenURL:    d.terms.Issuer + "/token",
		CABundle:    bundle,
		Username:    d.terms.User.EffectiveUsername(),
		Subject:     d.terms.Subject,
		Scopes:      d.terms.Scopes,
		Audiences:   d.terms.Audiences,
	}
	if d.grant.Spec.IsWazo() {
		values.Scopes = d.terms.ACL
	}
	if !d.grant.Spec.DeliversRefreshToken() {
		return values, nil
	}
	var err error
	values.RefreshToken, err = issuing.DeliveredRefreshToken(d.ring, d.grant)
	return values, err
}

// flawOf tells of problems with the Secret; good where there are none.
func flawOf(problems []rendering.Problem) directory.Standing {
	if len(problems) == 0 {
		return directory.Standing{}
	}
	var messages []string
	for i := range min(len(problems), toldProblems) {
		messages = append(messages, problems[i].Message)
	}
	if more := len(problems) - len(messages); more > 0 {
		messages = append(messages, fmt.Sprintf("and %d more", more))
	}
	return directory.Standing{Reason: problems[0].Reason, Message: strings.Join(messages, "; ")}
}
