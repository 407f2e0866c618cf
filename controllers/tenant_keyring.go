package controllers

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// minRevocation is the least time between two emergencies of one tenant: each makes all keys anew, and
// whoever may annotate the AuthTenant must not keep the leader busy with that.
const minRevocation = time.Minute

// keyringInput is what a decision about a tenant's keyring rests on.
type keyringInput struct {
	// tenant is the namespace as it is now, with the issuer that the flags ask for.
	tenant keys.Tenant
	// observed is the Secret of that name; nil where there is none.
	observed *corev1.Secret
	// others are the Secrets of other names that say they are a keyring of the namespace.
	others []corev1.Secret
	// asked are the requests that the AuthTenant bears.
	asked  keyrings.Record
	policy keys.Policy
	now    time.Time
}

// keyringDecision is what the Secret shall hold, and what there is to tell about it.
type keyringDecision struct {
	// problem is why the keyring is left as it is; then the rest is empty, but for warnings.
	problem string
	ring    *keys.Ring
	record  keyrings.Record
	// next is when there is something to do again. waits tells that a requested rotation does.
	next  keys.Plan
	waits bool
	// revokeAt is when a requested emergency may come; zero where none waits.
	revokeAt time.Time
	// done is told once it is written, warnings in any case.
	done     []notice
	warnings []warning
}

// notice is one Event to be.
type notice struct{ reason, message string }

// warning is a notice about a Secret that a person has to look at.
type warning struct {
	notice
	about *corev1.Secret
}

// decide is a function of its input, and of randomness where keys are made.
func (in *keyringInput) decide(random io.Reader) (keyringDecision, error) {
	d := keyringDecision{warnings: in.strays()}
	first := in.begin
	if in.observed == nil {
		first = in.make
	}
	if err := first(random, &d); err != nil || d.problem != "" {
		return d, err
	}
	for _, step := range []func(io.Reader, *keyringDecision) error{in.revoke, in.rotate} {
		if err := step(random, &d); err != nil {
			return d, err
		}
	}
	return d, nil
}

// strays are the Secrets that claim to be a keyring of the namespace and bear no keyring's name. They
// never serve.
func (in *keyringInput) strays() (warnings []warning) {
	for i := range in.others {
		if other := &in.others[i]; !keyrings.IsNamed(other) {
			warnings = append(warnings, warningOf(other, "KeyringIgnored",
				"Secret %q claims to be a keyring of namespace %q and does not bear the name of one; it is ignored", other.Name, in.tenant.Namespace))
		}
	}
	return warnings
}

// begin takes the keyring that is there, and the issuer that a person has accepted for it.
func (in *keyringInput) begin(_ io.Reader, d *keyringDecision) (err error) {
	if d.ring, err = keyrings.Read(in.tenant.Namespace, in.observed); err != nil {
		d.refuse(err)
		return nil
	}
	d.record = keyrings.RecordOf(in.observed)
	for _, other := range in.adopting() {
		if other.Annotations[v1alpha1.AnnotationTenantUID] != d.record.AdoptedFrom {
			d.warnings = append(d.warnings, warningOf(other, "AdoptRefused",
				"Secret %q is not adopted: the namespace has a keyring, Secret %q, and tokens may rest on it; delete that first", other.Name, in.observed.Name))
		}
	}
	held, accepted := d.ring.Tenant().Issuer, in.observed.Annotations[v1alpha1.AnnotationIssuer]
	switch accepted {
	case held, "":
	case in.tenant.Issuer:
		d.ring, err = d.ring.WithIssuer(accepted)
		d.tell("IssuerAccepted", "The issuer is %q from now on; it was %q", accepted, held)
	default:
		d.warnings = append(d.warnings, warningOf(in.observed, "IssuerRefused",
			"The annotation names %q as issuer; the flags ask for %q, and nothing else can be accepted", accepted, in.tenant.Issuer))
	}
	return err
}

// make makes the keyring of a namespace that has none: of the one that a person wants to be adopted,
// or of new keys. New keys follow whatever was requested until now.
func (in *keyringInput) make(random io.Reader, d *keyringDecision) (err error) {
	adopting := in.adopting()
	switch {
	case len(adopting) > 1:
		names := make([]string, len(adopting))
		for i, secret := range adopting {
			names[i] = secret.Name
		}
		d.refuse(fmt.Errorf("several keyrings are to be adopted (%s); take the annotation %s from all but one", strings.Join(names, ", "), v1alpha1.AnnotationAdopt))
	case len(adopting) == 1:
		return in.adopt(adopting[0], d)
	case len(d.warnings) > 0:
		d.refuse(fmt.Errorf("no new keys are made while a Secret may be the lost keyring: %s", d.warnings[0].message))
	default:
		d.ring, err = keys.Generate(random, in.now, in.tenant, in.policy.Algorithms)
		d.record = in.asked
		d.tell("KeysMade", "Made the keyring of a new tenant, whose issuer is %q", in.tenant.Issuer)
	}
	return err
}

// adopting are the keyrings that a person wants to be the namespace's.
func (in *keyringInput) adopting() (all []*corev1.Secret) {
	for i := range in.others {
		if other := &in.others[i]; other.Annotations[v1alpha1.AnnotationAdopt] == in.tenant.UID {
			all = append(all, other)
		}
	}
	return all
}

// adopt takes over the keyring of an earlier namespace of the same name, with all that was derived from
// it and sealed with it, and its issuer. The Secret it comes from stays as it is.
func (in *keyringInput) adopt(from *corev1.Secret, d *keyringDecision) error {
	earlier, err := keyrings.Read(in.tenant.Namespace, from)
	if err != nil {
		d.refuse(fmt.Errorf("it cannot be adopted: %w", err))
		return nil
	}
	d.record = keyrings.RecordOf(from)
	d.record.AdoptedFrom = earlier.Tenant().UID
	d.ring, err = earlier.WithUID(in.tenant.UID)
	d.tell("KeysAdopted", "The namespace has the keys of Secret %q", from.Name)
	return err
}

// revoke gives up all keys, once for each value that asks for it, and not again so soon. A time that is
// yet to come holds up nothing.
func (in *keyringInput) revoke(random io.Reader, d *keyringDecision) (err error) {
	if in.asked.RevokedFor == "" || in.asked.RevokedFor == d.record.RevokedFor {
		return nil
	}
	if passed := in.now.Sub(d.record.RevokedAt); passed >= 0 && passed < minRevocation {
		d.revokeAt = d.record.RevokedAt.Add(minRevocation)
		return nil
	}
	d.ring, err = d.ring.Revoke(random, in.now)
	d.record.RevokedFor, d.record.RevokedAt = in.asked.RevokedFor, in.now
	d.tell("KeysRevoked", "All keys are new, and all tokens, sessions and refresh tokens until now are dead")
	return err
}

// rotate carries out what is due. A request is acted on once the standby keys may sign, and not
// before.
func (in *keyringInput) rotate(random io.Reader, d *keyringDecision) (err error) {
	policy := in.policy
	policy.RotateNow = in.asked.RotatedFor != "" && in.asked.RotatedFor != d.record.RotatedFor
	if plan := d.ring.Plan(in.now, policy); !plan.Empty() {
		if d.ring, err = d.ring.Carry(random, in.now, plan); err != nil {
			return err
		}
		d.report(plan)
		if plan.Rotate && policy.RotateNow {
			d.record.RotatedFor, policy.RotateNow = in.asked.RotatedFor, false
		}
	}
	d.next, d.waits = d.ring.Plan(in.now, policy), policy.RotateNow
	return nil
}

func (d *keyringDecision) report(plan keys.Plan) {
	if plan.Rotate {
		d.tell("KeysRotated", "The standby keys sign from now on, and the next ones are published")
	}
	if len(plan.Add) > 0 {
		added := slices.Clone(plan.Add)
		d.tell("KeysAdded", "There are new keys for %v", added)
	}
	if len(plan.Drop) > 0 {
		d.tell("KeysRetired", "Keys are gone that nothing can rest on any more: %s", strings.Join(plan.Drop, ", "))
	}
}

func (d *keyringDecision) tell(reason, format string, args ...any) {
	d.done = append(d.done, notice{reason, fmt.Sprintf(format, args...)})
}

func warningOf(about *corev1.Secret, reason, format string, args ...any) warning {
	return warning{notice{reason, fmt.Sprintf(format, args...)}, about}
}

func (d *keyringDecision) refuse(err error) { d.problem = err.Error() }
