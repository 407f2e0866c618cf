package controllers

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// account counts and audits what was written into the grant's Secret. The next leader, who finds the
// same token there, writes nothing: each revision is accounted for once.
func (d *delivery) account(ctx context.Context, result secretwriter.Result, decision *revision.Decision) {
	if !result.Wrote() {
		return
	}
	if decision.Action != revision.ActionIssue {
		d.Metrics.Repaired()
		return
	}
	d.Metrics.Written(string(decision.Reason))
	d.Issuing.Delivered(ctx, d.ring, d.grant, &d.terms, decision.Token, decision.Reason)
}
