package metrics

// All lists every metric of the operator in the order in which docs/metrics.md does. Those that
// controller-runtime adds are not among them.
func All() []*Definition {
	return []*Definition{
		&TokensIssued, &TokenRefusals, &ForeignSessions,
		&RevisionsWritten, &SecretsRepaired, &DeliveryFailures,
		&Grants, &MountedTokens, &TokenExpiry,
		&KeyringReadable, &SigningKeyCreated, &NamespaceReadable, &WatchStaleness,
		&PasswordHashesRunning, &PasswordAttemptsWaiting, &PasswordHashes, &PasswordWait,
		&CacheEntries, &DirectoryRows, &LiveReads, &APIWrites, &SessionStoreDuration,
		&Leader, &AuditLinesDropped, &AuditRefusalsSuppressed,
		&RequestDuration, &RequestsInFlight, &Panics, &CertificateExpiry,
	}
}

// What is issued and refused, on this replica.
var (
	TokensIssued = Definition{
		Name: "grantkeeper_tokens_issued_total", Type: TypeCounter,
		Help: "Tokens that were handed out.",
		Labels: []Label{
			{"kind", "`JWT` and `Reference` for access tokens, `Refresh` for a refresh token that the client did not hold before"},
			{"dialect", "`OAuth2` or `Wazo`"},
			{"grant_type", "`password`, `refresh_token`, `client_credentials`, `authorization_code`, or `delivery` for the access token of a mounted Secret"},
		},
	}
	TokenRefusals = Definition{
		Name: "grantkeeper_token_refusals_total", Type: TypeCounter,
		Help: "Requests for a token that were refused, and requests of clients that did not authenticate. Malformed requests are not among them.",
		Labels: []Label{
			{"dialect", "`OAuth2` or `Wazo`"},
			{"reason", "a reason of the audit log, such as `InvalidGrant` or `LockedOut`"},
		},
	}
	ForeignSessions = Definition{
		Name: "grantkeeper_foreign_sessions_total", Type: TypeCounter,
		Help: "Looks at sessions that do not open under the tenant's keys: the endpoint did not make them, or they are damaged. They count for nothing.",
	}
)

// What the leader delivers.
var (
	RevisionsWritten = Definition{
		Name: "grantkeeper_revisions_written_total", Type: TypeCounter,
		Help:   "New tokens that were written into the Secrets of grants.",
		Labels: []Label{{"reason", "why: `Due` for a scheduled renewal, `First`, `InputsChanged`, `KeyUnusable`, `TokenRevoked`, `SessionLost`"}},
	}
	SecretsRepaired = Definition{
		Name: "grantkeeper_secrets_repaired_total", Type: TypeCounter,
		Help: "Secrets of grants that were brought back to the token that they ought to hold.",
	}
	DeliveryFailures = Definition{
		Name: "grantkeeper_delivery_failures_total", Type: TypeCounter,
		Help:   "Attempts to keep the Secret and the status of a grant that failed and are made again.",
		Labels: []Label{{"reason", "what the API server said (`Forbidden`, `Invalid`, `Conflict`, `TooManyRequests`, `Timeout`, `InternalError`), or `Other`"}},
	}
)

// How things stand: every replica tells what it knows, at the moment it is asked.
var (
	Grants = Definition{
		Name: "grantkeeper_grants", Type: TypeGauge,
		Help:   "Grants by what their condition Ready says.",
		Labels: []Label{{"ready", "`True`, `False`, or `Unknown` for a grant that has not been looked at yet"}, {"reason", "a reason of the condition, see docs/spec"}},
	}
	MountedTokens = Definition{
		Name: "grantkeeper_mounted_tokens", Type: TypeGauge,
		Help:   "Tokens in the Secrets of grants, those of grants that may not issue at present included.",
		Labels: []Label{{"state", "`Valid` or `Expired`"}},
	}
	TokenExpiry = Definition{
		Name: "grantkeeper_token_expiry_timestamp_seconds", Type: TypeGauge,
		Help:   "When the first of the tenant's mounted tokens expires that are due to be renewed before. Absent where there is none.",
		Labels: []Label{{"tenant", tenantValues}},
	}
	KeyringReadable = Definition{
		Name: "grantkeeper_keyring_readable", Type: TypeGauge,
		Help:   "1 where the tenant has a keyring that can be used, 0 where it is missing or damaged: nothing is issued or checked there then.",
		Labels: []Label{{"tenant", tenantValues}},
	}
	SigningKeyCreated = Definition{
		Name: "grantkeeper_signing_key_created_timestamp_seconds", Type: TypeGauge,
		Help:   "When the key that signs the tenant's tokens now was made.",
		Labels: []Label{{"tenant", tenantValues}, {"algorithm", "`ES256`, `RS256` or `EdDSA`"}},
	}
	NamespaceReadable = Definition{
		Name: "grantkeeper_namespace_readable", Type: TypeGauge,
		Help:   "1 where this replica may rely on what it knows of the namespace, 0 where it has not read it, may not any more, or knows too little of late: it answers 503 for it then.",
		Labels: []Label{{"namespace", namespaceValues}},
	}
	WatchStaleness = Definition{
		Name: "grantkeeper_watch_staleness_seconds", Type: TypeGauge,
		Help:   "How old at most that may be which this replica knows of a namespace; absent before it has been read. Minutes are usual, and past `--max-staleness` the tenant is not served.",
		Labels: []Label{{"namespace", namespaceValues + "; the operator's own too"}},
	}
)

const (
	tenantValues    = "a namespace that is watched"
	namespaceValues = "a namespace that is watched; `*` in cluster mode, where all are read at once"
)

// What checking passwords costs, on this replica. Lockouts are refusals with the reason LockedOut.
var (
	PasswordHashesRunning = Definition{
		Name: "grantkeeper_password_hashes_running", Type: TypeGauge,
		Help: "Passwords that are being hashed.",
	}
	PasswordAttemptsWaiting = Definition{
		Name: "grantkeeper_password_attempts_waiting", Type: TypeGauge,
		Help: "Logins that wait for their password to be hashed.",
	}
	PasswordHashes = Definition{
		Name: "grantkeeper_password_hashes_total", Type: TypeCounter,
		Help: "Passwords that were hashed. One that was right a moment ago is not hashed again.",
	}
	PasswordWait = Definition{
		Name: "grantkeeper_password_hash_wait_seconds_total", Type: TypeCounter,
		Help: "How long logins have waited in the queue before their password was hashed, added up.",
	}
)

// What is kept in memory and what the API server is asked, by this replica.
var (
	CacheEntries = Definition{
		Name: "grantkeeper_cache_entries", Type: TypeGauge,
		Help:   "Entries of the bounded caches.",
		Labels: []Label{{"cache", "`VerifiedPasswords`, or `OpenedTokens` whose signature or seal need not be checked again"}},
	}
	DirectoryRows = Definition{
		Name: "grantkeeper_directory_rows", Type: TypeGauge,
		Help:   "Objects that are held in memory.",
		Labels: []Label{{"kind", "a kind of ours, or `Secret`"}},
	}
	LiveReads = Definition{
		Name: "grantkeeper_live_reads_total", Type: TypeCounter,
		Help: "Lookups of tokens and users that memory does not know.",
		Labels: []Label{
			{"kind", "`AuthSession`, `RefreshTokenGrant` or `AuthUser`"},
			{"result", "of a read: `Found`, `Absent`, `Failed`; without one of its own: `Coalesced` with another's, `Remembered` as absent a moment ago, `Throttled`"},
		},
	}
	APIWrites = Definition{
		Name: "grantkeeper_api_writes_total", Type: TypeCounter,
		Help:   "Writes that the API server was asked for, whatever came of them.",
		Labels: []Label{{"resource", "such as `secrets` or `refreshtokengrants/status`; `other` for what is not written by design"}, {"verb", "`create`, `update`, `patch` or `delete`"}},
	}
)

// SessionStoreDuration tells what another store than Kubernetes is asked for, by this replica.
var SessionStoreDuration = Definition{
	Name: "grantkeeper_session_store_duration_seconds", Type: TypeHistogram,
	Help: "How long calls to the Redis or Valkey server took that sessions are kept in. Absent where they are kept in Kubernetes.",
	Labels: []Label{
		{"operation", "`Create`, `Read`, `Delete`, `List`, or `Room` for whether there is room for another session"},
		{"result", "`Answered`, or `Failed` where nothing is known: the request was answered with 503"},
	},
}

// The process itself.
var (
	Leader = Definition{
		Name: "grantkeeper_leader", Type: TypeGauge,
		Help: "1 while this replica keeps Secrets, keyrings and status.",
	}
	AuditLinesDropped = Definition{
		Name: "grantkeeper_audit_lines_dropped_total", Type: TypeCounter,
		Help: "Lines of the audit log that were lost because it could not be written fast enough or not at all.",
	}
	AuditRefusalsSuppressed = Definition{
		Name: "grantkeeper_audit_refusals_suppressed_total", Type: TypeCounter,
		Help: "Refusals that have no line of their own in the audit log, because there were too many of a tenant's at a time. The log holds their number.",
	}
	RequestDuration = Definition{
		Name: "grantkeeper_http_request_duration_seconds", Type: TypeHistogram,
		Help: "How long requests took.",
		Labels: []Label{
			{"route", "the template of the path, without the tenant; `unmatched` where no route takes it"},
			{"method", "of HTTP; `OPTIONS` where a browser asks what a page of another origin may do; `other` where the route does not have it"},
			{"code", "the class of the status, such as `2xx`"},
		},
	}
	RequestsInFlight = Definition{
		Name: "grantkeeper_http_requests_in_flight", Type: TypeGauge,
		Help: "Requests that are being served.",
	}
	Panics = Definition{
		Name: "grantkeeper_http_panics_total", Type: TypeCounter,
		Help: "Handlers that panicked. Each is a bug.",
	}
	CertificateExpiry = Definition{
		Name: "grantkeeper_serving_certificate_expiration_timestamp_seconds", Type: TypeGauge,
		Help: "When the certificate that this replica serves with expires.",
	}
)
