package controllers

import (
	"context"
)

// Begin lets a test begin a term as Set.Run does.
func (r *RefreshTokenGrants) Begin(ctx context.Context, namespace string) { r.begin(ctx, namespace) }

// Run runs the controller of grants alone, until the context ends.
func (r *RefreshTokenGrants) Run(ctx context.Context) error {
	everywhere := func(string) bool { return true }
	return run(ctx, "refreshtokengrant/test", concurrent, r, changes(r.Directory, everywhere, r))
}

// Waiting counts what waits for its turn.
func (r *Sweeper) Waiting() int {
	r.turns.mu.Lock()
	defer r.turns.mu.Unlock()
	return len(r.turns.waiting)
}
