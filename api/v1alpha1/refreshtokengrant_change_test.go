package v1alpha1_test

import "testing"

func TestRefreshTokenGrantChange(t *testing.T) {
	t.Parallel()
	testChanges(t, "RefreshTokenGrant", map[string]change{
		"an absent id may be written": {
			before: grant(""), after: grant("id: " + aUUID),
		},
		"a written id may not change": {
			before: grant("id: " + aUUID), after: grant("id: " + otherUUID),
			wantField: "spec.id", wantMessage: "id is immutable once set",
		},
		"a written id may not vanish": {
			before: grant("id: " + aUUID), after: grant(""),
			wantField: "spec.id", wantMessage: "may not be removed",
		},
		"a grant may not move to another user": {
			before: grant(""), after: "userRef: {name: bob}\nclientRef: {name: billing}",
			wantField: "spec.userRef.name", wantMessage: "userRef.name is immutable",
		},
		"a pinned subject may not vanish": {
			before:    "userRef: {name: alice, subject: " + aUUID + "}\nclientID: phone",
			after:     "userRef: {name: alice}\nclientID: phone",
			wantField: "spec.userRef.subject", wantMessage: "userRef.subject is immutable",
		},
		"a grant may not move to another client": {
			before: grant(""), after: "userRef: {name: alice}\nclientRef: {name: shop}",
			wantField: "spec.clientRef.name", wantMessage: "clientRef.name is immutable",
		},
		"a free client_id may not change": {
			before: wazoGrant(""), after: "userRef: {name: alice}\nclientID: desk",
			wantField: "spec.clientID", wantMessage: "clientID is immutable",
		},
		"an OAuth grant may not become a wazo one": {
			before: grant(""), after: wazoGrant(""),
			wantField: "spec", wantMessage: "clientRef and clientID are immutable",
		},
		"a wazo grant may not become an OAuth one": {
			before: wazoGrant(""), after: grant(""),
			wantField: "spec", wantMessage: "clientRef and clientID are immutable",
		},
		"a target may be added": {
			before: grant(""), after: grant("target: {}"),
		},
		"a target may not move to another Secret": {
			before: grant("target: {name: a}"), after: grant("target: {name: b}"),
			wantField: "spec.target.name", wantMessage: "target.name is immutable",
		},
		"a Secret cannot change its type": {
			before: grant("target: {type: Opaque}"), after: grant("target: {type: kubernetes.io/basic-auth}"),
			wantField: "spec.target.type", wantMessage: "target.type is immutable",
		},
		"a Secret keeps its owner": {
			before: grant("target: {creationPolicy: Owner}"), after: grant("target: {creationPolicy: Orphan}"),
			wantField: "spec.target.creationPolicy", wantMessage: "target.creationPolicy is immutable",
		},
		"keys may not be renamed under a workload": {
			before: grant("target: {keys: {accessToken: x}}"), after: grant("target: {keys: {accessToken: z}}"),
			wantField: "spec.target.keys", wantMessage: "target.keys is immutable",
		},
		"a target may not gain keys": {
			before: grant("target: {}"), after: grant("target: {keys: {accessToken: x}}"),
			wantField: "spec.target", wantMessage: "immutable, also where they are absent",
		},
		"outputs and the template may change": {
			before: grant("target: {outputs: [{key: app.env, format: Env}]}"),
			after:  grant("target: {template: {data: {header: 'Bearer {{ .accessToken }}'}}}"),
		},
		"a grant may not move to another namespace's user": {
			before: grant(""), after: "userRef: {name: alice, namespace: other}\nclientRef: {name: billing}",
			wantField: "spec.userRef.namespace", wantMessage: "userRef.namespace is immutable",
		},
		"a namespace of the user may not change": {
			before:    "userRef: {name: alice, namespace: one}\nclientRef: {name: billing}",
			after:     "userRef: {name: alice, namespace: other}\nclientRef: {name: billing}",
			wantField: "spec.userRef.namespace", wantMessage: "userRef.namespace is immutable",
		},
		"a target may not vanish": {
			before: grant("target: {}"), after: grant(""),
			wantField: "spec.target", wantMessage: "may not be removed",
		},
		"scopes, lifetimes and delivery may change": {
			before: grant("target: {}\nscopes: [a]\naccessToken: {ttl: 1h}"),
			after:  grant("target: {}\nscopes: [b]\naccessToken: {ttl: 2h}\nrefreshToken: {delivery: Secret}\nexpiresAt: '2027-01-01T00:00:00Z'"),
		},
	})
}

func TestRefreshTokenGrantCounters(t *testing.T) {
	t.Parallel()
	testChanges(t, "RefreshTokenGrant", map[string]change{
		"an absent epoch may appear": {before: grant(""), after: grant("epoch: 2")},
		"an epoch may rise":          {before: grant("epoch: 2"), after: grant("epoch: 3")},
		"an epoch may stay":          {before: grant("epoch: 2"), after: grant("epoch: 2\nstate: Suspended")},
		"an epoch may not fall": {
			before: grant("epoch: 2"), after: grant("epoch: 1"),
			wantField: "spec.epoch", wantMessage: "epoch may neither fall nor be removed",
		},
		"an epoch may not vanish": {
			before: grant("epoch: 1"), after: grant(""),
			wantField: "spec.epoch", wantMessage: "epoch may neither fall nor be removed",
		},
		"a generation may rise": {
			before: grant("refreshToken: {generation: 1}"), after: grant("refreshToken: {generation: 2}"),
		},
		"a generation may not fall": {
			before: grant("refreshToken: {generation: 2}"), after: grant("refreshToken: {generation: 1}"),
			wantField: "spec.refreshToken", wantMessage: "refreshToken.generation may neither fall nor be removed",
		},
		"a generation may not vanish": {
			before: grant("refreshToken: {generation: 2}"), after: grant("refreshToken: {keyVersion: 1}"),
			wantField: "spec.refreshToken", wantMessage: "refreshToken.generation may neither fall nor be removed",
		},
		"a generation may not vanish with what is around it": {
			before: grant("refreshToken: {generation: 2}"), after: grant(""),
			wantField: "spec.refreshToken", wantMessage: "refreshToken.generation may neither fall nor be removed",
		},
		"a refresh token without a generation may vanish": {
			before: grant("refreshToken: {delivery: None}"), after: grant(""),
		},
		"a suspended grant may be active again": {
			before: grant("state: Suspended"), after: grant("state: Active"),
		},
		"an active grant may be revoked": {
			before: grant(""), after: grant("state: Revoked"),
		},
		"a revoked grant stays revoked": {
			before: grant("state: Revoked"), after: grant("state: Active"),
			wantField: "spec.state", wantMessage: "state may not leave Revoked",
		},
		"a revoked grant stays revoked where the state vanishes": {
			before: grant("state: Revoked"), after: grant(""),
			wantField: "spec.state", wantMessage: "state may not leave Revoked",
		},
		"a revoked grant may still move its epoch": {
			before: grant("state: Revoked"), after: grant("state: Revoked\nepoch: 2"),
		},
	})
}
