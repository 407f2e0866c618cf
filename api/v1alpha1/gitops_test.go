package v1alpha1_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// statusKinds are the kinds that have a status, each with the least that a spec needs.
var statusKinds = map[string]struct{ name, spec string }{
	"AuthTenant":        {"tenant", `{}`},
	"AuthUser":          {"alice", `{}`},
	"AuthClient":        {"billing", `{secret: {generate: {secretName: s}}}`},
	"RefreshTokenGrant": {"billing", `{userRef: {name: alice}, clientID: phone}`},
}

// TestNewObjectsAreInProgress holds that no tool takes an object for finished that the operator has
// not seen yet.
func TestNewObjectsAreInProgress(t *testing.T) {
	t.Parallel()
	c, script := newClient(t), healthScript(t)
	namespace := cp.Namespace(t)
	for kind, least := range statusKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			object := parse(t, kind, namespace, least.name, least.spec)
			if err := c.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			if got := fluxStatus(t, object); got != status.InProgressStatus {
				t.Errorf("Flux takes it for %s", got)
			}
			if got := argoHealth(t, script, object); got != "Progressing" {
				t.Errorf("Argo CD takes it for %s", got)
			}
		})
	}
}

// TestHealthOfObjects holds what Flux and, by the script in docs/gitops.md, Argo CD make of an object.
func TestHealthOfObjects(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		generation, observed int64
		ready, reason        string // absent: there is no condition yet
		wantFlux             status.Status
		wantArgo             string
	}{
		"ready":                               {2, 2, "True", v1alpha1.ReasonAvailable, status.CurrentStatus, "Healthy"},
		"ready before its spec was changed":   {3, 2, "True", v1alpha1.ReasonAvailable, status.InProgressStatus, "Progressing"},
		"about to be completed":               {1, 1, "False", v1alpha1.ReasonPending, status.InProgressStatus, "Progressing"},
		"waiting for an object to be applied": {1, 1, "False", v1alpha1.ReasonRefNotFound, status.InProgressStatus, "Progressing"},
		"waiting for consent":                 {1, 1, "False", v1alpha1.ReasonRefNotPermitted, status.InProgressStatus, "Progressing"},
		"suspended by somebody":               {1, 1, "False", v1alpha1.ReasonSuspended, status.InProgressStatus, "Suspended"},
		"disabled by somebody":                {1, 1, "False", v1alpha1.ReasonDisabled, status.InProgressStatus, "Suspended"},
		"in need of a person":                 {1, 1, "False", v1alpha1.ReasonKeyringUnreadable, status.InProgressStatus, "Degraded"},
		"contradictory":                       {1, 1, "False", v1alpha1.ReasonInvalidSpec, status.InProgressStatus, "Degraded"},
	}
	script := healthScript(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := parse(t, "RefreshTokenGrant", "team-a", "billing", `{}`)
			object.SetGeneration(tc.generation)
			told := map[string]any{"observedGeneration": tc.observed}
			if tc.ready != "" {
				told["conditions"] = []any{map[string]any{
					"type": "Issuing", "status": "False", "reason": "Final", "message": "first in the list",
				}, map[string]any{
					"type": "Ready", "status": tc.ready, "reason": tc.reason, "message": "for a person",
				}}
			}
			object.Object["status"] = told
			if got := fluxStatus(t, object); got != tc.wantFlux {
				t.Errorf("Flux takes it for %s, want %s", got, tc.wantFlux)
			}
			if got := argoHealth(t, script, object); got != tc.wantArgo {
				t.Errorf("Argo CD takes it for %s, want %s", got, tc.wantArgo)
			}
		})
	}
}

// reasonInScript finds the reasons that the script knows.
var reasonInScript = regexp.MustCompile(`(\w+) = true`)

func TestTheHealthScriptKnowsNoReasonThatIsNone(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("conditions.go")
	if err != nil {
		t.Fatal(err)
	}
	declared, known := map[string]bool{}, map[string]bool{}
	collect(constant, string(source), declared)
	collect(reasonInScript, healthScript(t), known)
	if len(known) == 0 {
		t.Fatal("the script knows no reason")
	}
	for _, reason := range slices.Sorted(maps.Keys(known)) {
		if !declared[reason] {
			t.Errorf("%s is no reason of a condition", reason)
		}
	}
}

// healthScript is the Lua script in docs/gitops.md.
func healthScript(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile("(?ms)^```lua\n(.*?)^```$").FindSubmatch(page)
	if script == nil {
		t.Fatal("docs/gitops.md has no Lua script")
	}
	return string(script[1])
}

func fluxStatus(t *testing.T, object *unstructured.Unstructured) status.Status {
	t.Helper()
	result, err := status.Compute(object)
	if err != nil {
		t.Fatalf("compute the status: %v", err)
	}
	return result.Status
}

// argoHealth runs the script as Argo CD does: over the object as a table called obj.
func argoHealth(t *testing.T, script string, object *unstructured.Unstructured) string {
	t.Helper()
	text, err := json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", luaValue(state, plain))
	if err := state.DoString(script); err != nil {
		t.Fatalf("run the script: %v", err)
	}
	health, ok := state.Get(-1).(*lua.LTable)
	if !ok || health.RawGetString("message").String() == "" {
		t.Fatalf("the script gives %v, want a table with a message", state.Get(-1))
	}
	return health.RawGetString("status").String()
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	case []any:
		table := state.NewTable()
		for _, item := range v {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range v {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}
