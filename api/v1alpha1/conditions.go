package v1alpha1

// Condition types. Every condition carries observedGeneration; its message is written for the
// person who reads it, is the same for the same situation, and never holds a secret.
const (
	// ConditionReady sums up an object: True means that the endpoint serves it and that
	// everything its spec asks for is in place. On AuthUser, AuthClient, RefreshTokenGrant and
	// AuthTenant.
	ConditionReady = "Ready"
	// ConditionIssuing says whether the operator renews the token of a RefreshTokenGrant that has
	// a target: True while a renewal is scheduled, False while none can happen. A failed renewal
	// leaves Ready=True as long as the token in the Secret is good. Absent without a target.
	ConditionIssuing = "Issuing"
	// ConditionDrifted is True on a RefreshTokenGrant whose Secret somebody else keeps changing or
	// deleting: it is brought back no more than 12 times a minute. Renewals go on. Absent otherwise.
	ConditionDrifted = "Drifted"
	// ConditionRestartTriggered says on a RefreshTokenGrant with rolloutRestart whether its workloads
	// were restarted for the present token. Absent elsewhere.
	ConditionRestartTriggered = "RestartTriggered"
	// ConditionPasswordGrant is True on an AuthClient whose grant types include Password, which
	// RFC 9700 section 2.4 advises against: the client sees its users' passwords. Absent
	// elsewhere.
	ConditionPasswordGrant = "PasswordGrant"
	// ConditionIssuerChanged is True on an AuthTenant whose tokens carry another issuer than the
	// operator's flags ask for: validators compare it, so it stays until a person says otherwise.
	// Absent elsewhere.
	ConditionIssuerChanged = "IssuerChanged"
)

// Reasons of Ready=True.
const (
	// ReasonAvailable: the endpoint serves the object. On a grant: it has no target, tokens are
	// made on request.
	ReasonAvailable = "Available"
	// ReasonIssued: the grant's Secret holds a token that is good.
	ReasonIssued = "Issued"
)

// Reasons of Ready=False that the object's own spec decides.
const (
	// ReasonDisabled: spec.state of an AuthUser is Disabled.
	ReasonDisabled = "Disabled"
	// ReasonSuspended: spec.state of a grant is Suspended. Its Secret stays and is not renewed.
	ReasonSuspended = "Suspended"
	// ReasonRevoked: spec.state of a grant is Revoked. Every token of it is dead for good.
	ReasonRevoked = "Revoked"
	// ReasonExpired: spec.expiresAt has passed.
	ReasonExpired = "Expired"
	// ReasonInvalidSpec: the fields contradict each other, or a value that they inherit, in a way
	// that the API server cannot see. The message names the field.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonTemplateError: a template of a grant's target cannot be carried out. The message says where
	// and why. Its key keeps the bytes that it has, and the rest of the Secret is renewed as before; a
	// Secret that does not exist yet is not made.
	ReasonTemplateError = "TemplateError"
	// ReasonBelowFloor: the lifetime or the renewBefore of a grant with a target is shorter than the
	// operator allows.
	ReasonBelowFloor = "BelowFloor"
	// ReasonAboveCeiling: the lifetime of a self-contained token is longer than the operator
	// allows.
	ReasonAboveCeiling = "AboveCeiling"
)

// ReasonPending is the reason of Ready=False while the operator could not yet write what it adds to
// a new object: a subject, a grant's id or a generated credential. It passes by itself.
const ReasonPending = "Pending"

// Reasons of Ready=False that other objects decide.
const (
	// ReasonDuplicateLogin: an older AuthUser holds the username or one of the e-mail addresses.
	// Logins are compared without regard to case.
	ReasonDuplicateLogin = "DuplicateLogin"
	// ReasonDuplicateSubject: an older AuthUser holds the subject.
	ReasonDuplicateSubject = "DuplicateSubject"
	// ReasonDuplicateClientID: an older AuthClient holds the client_id.
	ReasonDuplicateClientID = "DuplicateClientID"
	// ReasonDuplicateGrantID: an older RefreshTokenGrant of the namespace holds the id.
	ReasonDuplicateGrantID = "DuplicateGrantID"
	// ReasonSecretNotFound: there is no Secret of the name that secretRef gives, or it neither
	// carries the label `auth.grantkeeper.dev/credential: input` nor holds a generated credential.
	// The message holds the kubectl line that labels it.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretInvalid: the Secret is there, but the key is missing or empty.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonTargetConflict: a Secret of that name exists and is not ours. It is left untouched.
	ReasonTargetConflict = "TargetConflict"
	// ReasonRefNotFound: the user or the client that a grant names in its own namespace does not exist.
	// The message names what is missing.
	ReasonRefNotFound = "RefNotFound"
	// ReasonSubjectMismatch: the user that spec.userRef.subject of a grant names is gone, and another one
	// of its namespace bears the name.
	ReasonSubjectMismatch = "SubjectMismatch"
	// ReasonRefNotPermitted: the user or client that a grant names in another namespace is absent, does
	// not permit it, or nobody watches that namespace: all look the same to whoever wrote the grant.
	ReasonRefNotPermitted = "RefNotPermitted"
	// ReasonUserNotReady: the user is Disabled, Expired, InvalidSpec, a duplicate, or Pending because
	// its subject has not been written yet. A password that is missing does not matter: grants act for
	// users without one.
	ReasonUserNotReady = "UserNotReady"
	// ReasonClientNotReady: the client is InvalidSpec or a duplicate. A secret that is missing does not
	// matter: what a target delivers is issued by the operator, and nobody authenticates for it.
	ReasonClientNotReady = "ClientNotReady"
	// ReasonGrantTypeNotAllowed: the grant delivers a refresh token, but the client's grant types do
	// not include RefreshToken.
	ReasonGrantTypeNotAllowed = "GrantTypeNotAllowed"
	// ReasonScopeNotGranted: the grant asks for a scope that its user or its client does not
	// allow. Nothing is issued: a token with fewer scopes than asked for fails later and further
	// away.
	ReasonScopeNotGranted = "ScopeNotGranted"
	// ReasonAudienceNotAllowed: the grant asks for an audience that its client does not list.
	ReasonAudienceNotAllowed = "AudienceNotAllowed"
	// ReasonTokenTooLarge: the self-contained token would be larger than validators accept. A
	// reference token has no such limit.
	ReasonTokenTooLarge = "TokenTooLarge"
	// ReasonSecondTaken: the grant's only token of this second was revoked. The next second has
	// another; it passes by itself.
	ReasonSecondTaken = "SecondTaken"
	// ReasonTenantNotReady: the namespace's keyring has not been made or read yet. On a grant it is the
	// user's namespace that counts, and this is also the reason where the operator may not read it.
	ReasonTenantNotReady = "TenantNotReady"
	// ReasonKeyringUnreadable: the namespace's keyring exists and cannot be read. It is never
	// replaced by a new one.
	ReasonKeyringUnreadable = "KeyringUnreadable"
)

// Reasons of Issuing. Where Ready is False, Issuing is False with the same reason, unless only a
// template or an output is at fault and the Secret is there. BackingOff is one of Ready too.
const (
	// ReasonScheduled (True): status.renewalTime says when the next revision is due.
	ReasonScheduled = "Scheduled"
	// ReasonFinal (False): the token lives as long as the grant and its user do; there is nothing
	// to renew.
	ReasonFinal = "Final"
	// ReasonBackingOff (False): the last write of a Secret failed and is tried again. On a grant with a
	// good token in its Secret Ready stays True; without one Ready is False with this reason too. On an
	// AuthUser and an AuthClient Ready is False with it where the Secret of the generated credential
	// could not be written.
	ReasonBackingOff = "BackingOff"
)

// ReasonCompetingWriter is the reason of Drifted=True, and of Ready=False and Issuing=False meanwhile
// where the Secret holds no good token of the grant, or one that was overtaken.
const ReasonCompetingWriter = "CompetingWriter"

// Reasons of RestartTriggered. Of several workloads the first of Forbidden, WorkloadNotFound,
// NotPermitted and Waiting that holds for one of them counts.
const (
	// ReasonRestarted (True): a workload was restarted for the present token, and no other has to be.
	ReasonRestarted = "Restarted"
	// ReasonNotNeeded (False): all pods started with the present token, or waited for the first one.
	ReasonNotNeeded = "NotNeeded"
	// ReasonWaiting (False): a restart is due, and comes when minInterval allows it.
	ReasonWaiting = "Waiting"
	// ReasonNotPermitted (False): a workload lacks the annotation that lets grants restart it.
	ReasonNotPermitted = "NotPermitted"
	// ReasonWorkloadNotFound (False): there is no workload of that kind and name.
	ReasonWorkloadNotFound = "WorkloadNotFound"
	// ReasonForbidden (False): the operator may not restart workloads. The chart's value
	// rolloutRestarts.enabled lets it.
	ReasonForbidden = "Forbidden"
)

// ReasonOptedIn is the reason of PasswordGrant=True.
const ReasonOptedIn = "OptedIn"

// ReasonIssuerKept is the reason of IssuerChanged=True.
const ReasonIssuerKept = "IssuerKept"
