package operator_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// exported finds what the guide says that wazo-auth's database gives.
var exported = regexp.MustCompile("(?ms)^```json\n(.*?)^```$")

// TestUsersMoveFromWazoAuth carries out the example of docs/migrating-from-wazo-auth.md.
func TestUsersMoveFromWazoAuth(t *testing.T) {
	t.Parallel()
	s := sceneIn(sharedTenants[0])
	var nora, pbx *v1alpha1.AuthUser
	for _, object := range guidedObjects(t) {
		object.SetNamespace(s.namespace)
		if err := admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("migration-test")); err != nil {
			t.Fatalf("apply %s %q: %v", object.GetKind(), object.GetName(), err)
		}
		if object.GetKind() != "AuthUser" {
			continue
		}
		user := &v1alpha1.AuthUser{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, user); err != nil {
			t.Fatal(err)
		}
		if user.Spec.Password != nil {
			nora = user
		} else {
			pbx = user
		}
	}
	awaitReady(t, nora)
	awaitRefused(t, pbx, v1alpha1.ReasonDisabled)

	other, c, g := s.user(), s.client(), s.grant()
	s.apply(t, other, c, g)
	awaitReady(t, g)
	caller := newCaller(t, secretOf(t, g)) // who trusts the endpoint and knows where it is
	const password = "correct horse battery staple"
	answer := caller.json(t, http.MethodPost, "/api/auth/0.1/token", "nora@example.com", password, `{"expiration": 60}`, http.StatusOK)
	data, _ := answer["data"].(map[string]any)
	got := map[string]any{"auth_id": data["auth_id"], "acl": data["acl"]}
	want := map[string]any{
		"auth_id": nora.Spec.Subject,
		"acl":     []any{"!auth.users.me.password.edit", "auth.users.me.#", "confd.users.me.#.read"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	caller.json(t, http.MethodPost, "/api/auth/0.1/token", "Nora", password, `{}`, http.StatusOK)
	caller.json(t, http.MethodPost, "/api/auth/0.1/token", "Nora", "another", `{}`, http.StatusUnauthorized)
	caller.json(t, http.MethodPost, "/api/auth/0.1/token", "pbx", password, `{}`, http.StatusUnauthorized)

	for next, hash := range map[string]string{ // as htpasswd and argon2 print them
		"secret one": "$2y$10$sY7xqKetUEZ/fwSWIG9UReci9f86tasn.Cz7/5EhQqQSCXVklqBUC",
		"argon new":  "$argon2id$v=19$m=19456,t=2,p=1$MzU0MjNkYjRiOTE5M2FjYTIxZDdjNWFhOWMzM2ViNzg$pKt40RM+bBSZb9qnaitpHpwfLNHucZ3ob0mEprvH7GA",
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: nora.Name + "-password"}}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"stringData":{"hash":"`+hash+`"}}`))
		if err := admin.Patch(t.Context(), secret, patch); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new password is good", func() bool {
			status, _ := caller.send(t, http.MethodPost, "/api/auth/0.1/token", "Nora", next, "application/json", `{}`)
			return status == http.StatusOK
		})
	}
}

// filtered runs a jq program over a document.
func filtered(t *testing.T, program string, document []byte) []byte {
	t.Helper()
	source, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	query, err := gojq.Parse(string(source))
	if err != nil {
		t.Fatal(err)
	}
	var input any
	if err := json.Unmarshal(document, &input); err != nil {
		t.Fatal(err)
	}
	output, _ := query.RunWithContext(t.Context(), input).Next()
	if err, failed := output.(error); failed {
		t.Fatal(err)
	}
	text, err := json.Marshal(output)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Users who are created as the guide says, and not applied, are changed over HTTP like those that were made there.
func TestUsersMoveFromWazoAuthToHTTP(t *testing.T) {
	t.Parallel()
	text := filtered(t, "../../docs/migrating-from-wazo-auth.jq", guidedJSON(t))
	p, s := clerkOf(t, "migrated", true)
	var nora string
	for _, object := range objectsOf(t, text) {
		object.SetNamespace(s.namespace)
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatalf("create %s %q: %v", object.GetKind(), object.GetName(), err)
		}
		if name, _, _ := unstructured.NestedString(object.Object, "spec", "username"); name == "Nora" {
			nora, _, _ = unstructured.NestedString(object.Object, "spec", "subject")
		}
	}
	logsIn := func(password string) func() bool {
		return func() bool {
			status, _ := p.send(t, http.MethodPost, "/0.1/token", "nora@example.com", password, "application/json", `{}`)
			return status == http.StatusOK
		}
	}
	const password, next, last = "correct horse battery staple", "the next one", "the last one"
	eventually(t, "nora logs in", logsIn(password))
	for _, change := range [][2]string{{password, next}, {next, last}} {
		p.ask(t, http.MethodPut, "users/"+nora+"/password", `{"old_password": "`+change[0]+`", "new_password": "`+change[1]+`"}`, http.StatusNoContent)
	}
	if !logsIn(last)() || logsIn(password)() {
		t.Error("the last password is refused, or the first one is not")
	}
	replaced := p.ask(t, http.MethodPut, "users/"+nora, `{"username": "eleonora"}`, http.StatusOK)
	if replaced["username"] != "eleonora" {
		t.Errorf("replaced: %v", replaced)
	}
	p.ask(t, http.MethodDelete, "users/"+nora, "", http.StatusNoContent)
}

// guidedObjects are those of the guide's example.
func guidedObjects(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	return objectsOf(t, guidedJSON(t))
}

// guidedJSON is the guide's example.
func guidedJSON(t *testing.T) []byte {
	t.Helper()
	guide, err := os.ReadFile("../../docs/migrating-from-wazo-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := exported.FindAllSubmatch(guide, -1)
	if len(blocks) != 1 {
		t.Fatalf("the guide has %d JSON blocks, want 1", len(blocks))
	}
	return blocks[0][1]
}

func objectsOf(t *testing.T, text []byte) []*unstructured.Unstructured {
	t.Helper()
	var list struct{ Items []map[string]any }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, item := range list.Items {
		objects = append(objects, &unstructured.Unstructured{Object: item})
	}
	return objects
}
