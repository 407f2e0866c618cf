package v1alpha1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// userView, clientView and grantView are all that the accessors of a kind answer.
type userView struct {
	Username               string
	Purpose                v1alpha1.Purpose
	State                  v1alpha1.UserState
	MaxSessions, MaxGrants int32
	MainEmail              string
}

func TestEffectiveUser(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec v1alpha1.AuthUserSpec
		want userView
	}{
		"absent fields mean their defaults": {
			want: userView{Username: "alice", Purpose: "User", State: "Enabled", MaxSessions: 100, MaxGrants: 100},
		},
		"present fields mean themselves, zero too": {
			spec: v1alpha1.AuthUserSpec{
				Username: "Alice", Purpose: "Internal", State: "Disabled", MaxSessions: ptr.To[int32](0), MaxGrants: ptr.To[int32](7),
				Emails: []v1alpha1.Email{{Address: "a@example.com"}, {Address: "b@example.com", Main: true}},
			},
			want: userView{Username: "Alice", Purpose: "Internal", State: "Disabled", MaxGrants: 7, MainEmail: "b@example.com"},
		},
		"the first address is the main one where none is marked": {
			spec: v1alpha1.AuthUserSpec{Emails: []v1alpha1.Email{{Address: "a@example.com"}, {Address: "b@example.com"}}},
			want: userView{Username: "alice", Purpose: "User", State: "Enabled", MaxSessions: 100, MaxGrants: 100, MainEmail: "a@example.com"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user := v1alpha1.AuthUser{ObjectMeta: metav1.ObjectMeta{Name: "alice"}, Spec: tc.spec}
			email, ok := user.Spec.MainEmail()
			if ok != (tc.want.MainEmail != "") {
				t.Errorf("MainEmail says %t", ok)
			}
			got := userView{
				Username: user.EffectiveUsername(), Purpose: user.Spec.EffectivePurpose(), State: user.Spec.EffectiveState(),
				MaxSessions: user.Spec.EffectiveMaxSessions(), MaxGrants: user.Spec.EffectiveMaxGrants(), MainEmail: email.Address,
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("effective values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEffectiveLength(t *testing.T) {
	t.Parallel()
	if got := (&v1alpha1.GeneratedPassword{}).EffectiveLength(); got != 32 {
		t.Errorf("absent: got %d, want 32", got)
	}
	if got := (&v1alpha1.GeneratedPassword{Length: ptr.To[int32](64)}).EffectiveLength(); got != 64 {
		t.Errorf("64: got %d", got)
	}
}

type clientView struct {
	ClientID       string
	Authentication v1alpha1.ClientAuthentication
	GrantTypes     []v1alpha1.GrantType
	TTL            v1alpha1.Duration
	Format         v1alpha1.TokenFormat
	Algorithm      v1alpha1.SigningAlgorithm
	Audiences      []string
}

// tenantDefaults are those of a tenant that has an opinion on everything.
var tenantDefaults = &v1alpha1.AuthTenantSpec{Defaults: &v1alpha1.TenantDefaults{
	Audiences:       []string{"https://tenant.example.com"},
	AccessToken:     &v1alpha1.TenantAccessToken{TTL: ptr.To[v1alpha1.Duration]("7m"), Format: "Reference", SigningAlgorithm: "EdDSA"},
	WazoAccessToken: &v1alpha1.TenantWazoAccessToken{TTL: ptr.To[v1alpha1.Duration]("9m"), Format: "JWT"},
}}

func TestEffectiveClient(t *testing.T) {
	t.Parallel()
	defaults := clientView{
		ClientID: "billing", Authentication: "SecretBasic",
		GrantTypes: []v1alpha1.GrantType{"RefreshToken"}, TTL: "1h", Format: "JWT", Algorithm: "ES256",
	}
	tests := map[string]struct {
		spec   v1alpha1.AuthClientSpec
		tenant *v1alpha1.AuthTenantSpec
		want   clientView
	}{
		"absent fields mean their defaults": {want: defaults},
		"an empty accessToken too": {
			spec: v1alpha1.AuthClientSpec{AccessToken: &v1alpha1.ClientAccessToken{}}, want: defaults,
		},
		"present fields mean themselves": {
			spec: v1alpha1.AuthClientSpec{
				ClientID: "b", Authentication: "SecretPost",
				GrantTypes:  []v1alpha1.GrantType{"ClientCredentials", "Password"},
				AccessToken: &v1alpha1.ClientAccessToken{TTL: ptr.To[v1alpha1.Duration]("5m"), Format: "Reference", SigningAlgorithm: "RS256"},
			},
			want: clientView{
				ClientID: "b", Authentication: "SecretPost",
				GrantTypes: []v1alpha1.GrantType{"Password", "ClientCredentials"}, TTL: "5m", Format: "Reference", Algorithm: "RS256",
			},
		},
		"absent fields mean what the tenant says": {
			tenant: tenantDefaults,
			want: clientView{
				ClientID: "billing", Authentication: "SecretBasic", GrantTypes: []v1alpha1.GrantType{"RefreshToken"},
				TTL: "7m", Format: "Reference", Algorithm: "EdDSA", Audiences: []string{"https://tenant.example.com"},
			},
		},
		"present fields come before what the tenant says": {
			tenant: tenantDefaults,
			spec: v1alpha1.AuthClientSpec{
				Audiences:   []string{"https://own.example.com"},
				AccessToken: &v1alpha1.ClientAccessToken{TTL: ptr.To[v1alpha1.Duration]("5m"), Format: "JWT", SigningAlgorithm: "RS256"},
			},
			want: clientView{
				ClientID: "billing", Authentication: "SecretBasic", GrantTypes: []v1alpha1.GrantType{"RefreshToken"},
				TTL: "5m", Format: "JWT", Algorithm: "RS256", Audiences: []string{"https://own.example.com"},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Name: "billing"}, Spec: tc.spec}
			got := clientView{
				ClientID: client.EffectiveClientID(), Authentication: client.Spec.EffectiveAuthentication(),
				TTL: client.Spec.EffectiveTTL(tc.tenant), Format: client.Spec.EffectiveFormat(tc.tenant), Algorithm: client.Spec.EffectiveSigningAlgorithm(tc.tenant),
				Audiences: client.Spec.EffectiveAudiences(tc.tenant),
			}
			for _, grantType := range []v1alpha1.GrantType{"Password", "RefreshToken", "ClientCredentials"} {
				if client.Spec.AllowsGrantType(grantType) {
					got.GrantTypes = append(got.GrantTypes, grantType)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("effective values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEffectiveRefreshTokenPolicy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec         v1alpha1.AuthClientSpec
		wantRotation v1alpha1.RefreshTokenRotation
		wantGrace    v1alpha1.Duration
	}{
		"a confidential client's do not rotate": {wantRotation: "Never", wantGrace: "30s"},
		"a public client's rotate":              {spec: v1alpha1.AuthClientSpec{Type: "Public"}, wantRotation: "Always", wantGrace: "30s"},
		"an empty policy changes nothing": {
			spec:         v1alpha1.AuthClientSpec{Type: "Public", RefreshToken: &v1alpha1.ClientRefreshToken{}},
			wantRotation: "Always", wantGrace: "30s",
		},
		"a confidential client's may rotate": {
			spec:         v1alpha1.AuthClientSpec{RefreshToken: &v1alpha1.ClientRefreshToken{Rotation: "Always", GracePeriod: ptr.To[v1alpha1.Duration]("5s")}},
			wantRotation: "Always", wantGrace: "5s",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if rotation, grace := tc.spec.EffectiveRotation(), tc.spec.EffectiveGracePeriod(); rotation != tc.wantRotation || grace != tc.wantGrace {
				t.Errorf("got %s and %s, want %s and %s", rotation, grace, tc.wantRotation, tc.wantGrace)
			}
		})
	}
}

type grantView struct {
	Wazo, Delivers    bool
	State             v1alpha1.GrantState
	Epoch, Generation int64
	TTL               v1alpha1.Duration
	Format            v1alpha1.TokenFormat
	Target            string
}

func TestEffectiveGrant(t *testing.T) {
	t.Parallel()
	client := &v1alpha1.AuthClientSpec{AccessToken: &v1alpha1.ClientAccessToken{TTL: ptr.To[v1alpha1.Duration]("5m"), Format: "Reference"}}
	reference := &v1alpha1.ClientReference{Name: "billing"}
	tests := map[string]struct {
		spec   v1alpha1.RefreshTokenGrantSpec
		client *v1alpha1.AuthClientSpec
		tenant *v1alpha1.AuthTenantSpec
		want   grantView
	}{
		"absent fields of a wazo grant mean what the tenant says": {
			spec: v1alpha1.RefreshTokenGrantSpec{ClientID: "phone"}, tenant: tenantDefaults,
			want: grantView{Wazo: true, State: "Active", Epoch: 1, Generation: 1, TTL: "9m", Format: "JWT"},
		},
		"where the client says nothing the tenant does": {
			spec: v1alpha1.RefreshTokenGrantSpec{ClientRef: reference}, client: &v1alpha1.AuthClientSpec{}, tenant: tenantDefaults,
			want: grantView{State: "Active", Epoch: 1, Generation: 1, TTL: "7m", Format: "Reference"},
		},
		"absent fields of a wazo grant mean the dialect's defaults": {
			spec: v1alpha1.RefreshTokenGrantSpec{ClientID: "phone"},
			want: grantView{Wazo: true, State: "Active", Epoch: 1, Generation: 1, TTL: "2h", Format: "Reference"},
		},
		"absent fields of an OAuth grant mean the client's": {
			spec: v1alpha1.RefreshTokenGrantSpec{ClientRef: reference}, client: client,
			want: grantView{State: "Active", Epoch: 1, Generation: 1, TTL: "5m", Format: "Reference"},
		},
		"empty structures are as good as absent ones": {
			spec: v1alpha1.RefreshTokenGrantSpec{
				ClientRef: reference, AccessToken: &v1alpha1.GrantAccessToken{},
				RefreshToken: &v1alpha1.GrantRefreshToken{}, Target: &v1alpha1.GrantTarget{},
			},
			client: &v1alpha1.AuthClientSpec{},
			want:   grantView{State: "Active", Epoch: 1, Generation: 1, TTL: "1h", Format: "JWT", Target: "billing-token"},
		},
		"present fields mean themselves": {
			spec: v1alpha1.RefreshTokenGrantSpec{
				ClientRef: reference, State: "Suspended", Epoch: 3,
				AccessToken:  &v1alpha1.GrantAccessToken{TTL: ptr.To[v1alpha1.Duration]("10m"), Format: "JWT"},
				RefreshToken: &v1alpha1.GrantRefreshToken{Delivery: "Secret", Generation: 4},
				Target:       &v1alpha1.GrantTarget{Name: "t"},
			},
			client: client,
			want:   grantView{State: "Suspended", Delivers: true, Epoch: 3, Generation: 4, TTL: "10m", Format: "JWT", Target: "t"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			grant := v1alpha1.RefreshTokenGrant{ObjectMeta: metav1.ObjectMeta{Name: "billing"}, Spec: tc.spec}
			target, ok := grant.TargetName()
			if ok != (tc.want.Target != "") {
				t.Errorf("TargetName says %t", ok)
			}
			got := grantView{
				Wazo: grant.Spec.IsWazo(), Delivers: grant.Spec.DeliversRefreshToken(), State: grant.Spec.EffectiveState(),
				Epoch: grant.Spec.EffectiveEpoch(), Generation: grant.Spec.EffectiveGeneration(),
				TTL: grant.Spec.EffectiveTTL(tc.client, tc.tenant), Format: grant.Spec.EffectiveFormat(tc.client, tc.tenant), Target: target,
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("effective values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEffectiveTarget(t *testing.T) {
	t.Parallel()
	defaults := v1alpha1.TargetKeys{
		AccessToken: "token", Expiry: "expires_at", TokenType: "token_type", ClientID: "client_id",
		Issuer: "issuer", TokenURL: "token_url", CABundle: "ca.crt", RefreshToken: "refresh_token",
	}
	renamed := v1alpha1.TargetKeys{
		AccessToken: "a", Expiry: "b", TokenType: "c", ClientID: "d", Issuer: "e", TokenURL: "f", CABundle: "g", RefreshToken: "h",
	}
	tests := map[string]struct {
		target     v1alpha1.GrantTarget
		wantKeys   v1alpha1.TargetKeys
		wantPolicy v1alpha1.CreationPolicy
	}{
		"absent fields mean their defaults": {wantKeys: defaults, wantPolicy: "Owner"},
		"present fields mean themselves": {
			target: v1alpha1.GrantTarget{Keys: &renamed, CreationPolicy: "Orphan"}, wantKeys: renamed, wantPolicy: "Orphan",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.wantKeys, tc.target.EffectiveKeys()); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if got := tc.target.EffectiveCreationPolicy(); got != tc.wantPolicy {
				t.Errorf("creation policy: got %s, want %s", got, tc.wantPolicy)
			}
		})
	}
}

func TestEffectiveRolloutRestart(t *testing.T) {
	t.Parallel()
	var grant v1alpha1.RefreshTokenGrantSpec
	if targets := grant.RestartTargets(); targets != nil {
		t.Errorf("a grant without rolloutRestart restarts %v", targets)
	}
	billing := v1alpha1.WorkloadReference{Kind: v1alpha1.WorkloadKindDeployment, Name: "billing"}
	grant.RolloutRestart = &v1alpha1.RolloutRestart{Targets: []v1alpha1.WorkloadReference{billing}}
	if targets := grant.RestartTargets(); len(targets) != 1 || targets[0] != billing {
		t.Errorf("targets %v, want the one", targets)
	}
	if interval := grant.RolloutRestart.EffectiveMinInterval(); interval != "1h" {
		t.Errorf("an absent minInterval is %s, want 1h", interval)
	}
	grant.RolloutRestart.MinInterval = new(v1alpha1.Duration("5m"))
	if interval := grant.RolloutRestart.EffectiveMinInterval(); interval != "5m" {
		t.Errorf("minInterval %s, want the one that is given", interval)
	}
}

func TestHowOftenAGeneratedCredentialRotates(t *testing.T) {
	t.Parallel()
	duration := func(text v1alpha1.Duration) *v1alpha1.Duration { return &text }
	tests := map[string]struct {
		rotateEvery, overlap   *v1alpha1.Duration
		wantEvery, wantOverlap time.Duration
		wantErr                string
	}{
		"never, and an overlap that has begun goes on": {nil, nil, 0, 24 * time.Hour, ""},
		"an overlap of a day":                          {duration("720h"), nil, 720 * time.Hour, 24 * time.Hour, ""},
		"no overlap is longer than the period":         {duration("2h"), nil, 2 * time.Hour, 2 * time.Hour, ""},
		"both as asked for":                            {duration("720h"), duration("1h30m"), 720 * time.Hour, 90 * time.Minute, ""},
		"a period that is no duration":                 {duration("monthly"), nil, 0, 0, "rotateEvery"},
		"an overlap that is no duration":               {duration("720h"), duration("a day"), 0, 0, "overlap"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, rotation := range map[string]func() (time.Duration, time.Duration, error){
				"password": (&v1alpha1.GeneratedPassword{RotateEvery: tc.rotateEvery, Overlap: tc.overlap}).Rotation,
				"secret":   (&v1alpha1.GeneratedSecret{RotateEvery: tc.rotateEvery, Overlap: tc.overlap}).Rotation,
			} {
				every, overlap, err := rotation()
				if every != tc.wantEvery || overlap != tc.wantOverlap {
					t.Errorf("%s: Rotation() = %s, %s; want %s, %s", kind, every, overlap, tc.wantEvery, tc.wantOverlap)
				}
				if failed := err != nil; failed != (tc.wantErr != "") || failed && !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("%s: error %v, want one with %q", kind, err, tc.wantErr)
				}
			}
		})
	}
}
