package wazo

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// enveloped is what most answers of wazo-auth are wrapped in.
type enveloped struct {
	Data any `json:"data"`
}

// tokenData is what is told about a token.
type tokenData struct {
	Token        string   `json:"token"`
	AuthID       string   `json:"auth_id"`
	XivoUserUUID *string  `json:"xivo_user_uuid"`
	XivoUUID     string   `json:"xivo_uuid"`
	IssuedAt     string   `json:"issued_at"`
	ExpiresAt    string   `json:"expires_at"`
	UTCIssuedAt  string   `json:"utc_issued_at"`
	UTCExpiresAt string   `json:"utc_expires_at"`
	ACL          []string `json:"acl"`
	Metadata     metadata `json:"metadata"`
	SessionUUID  string   `json:"session_uuid"`
	RemoteAddr   string   `json:"remote_addr"`
	UserAgent    string   `json:"user_agent"`
	RefreshToken string   `json:"refresh_token,omitempty"`
}

// metadata is what a token tells about its user.
type metadata struct {
	UUID        string  `json:"uuid"`
	TenantUUID  string  `json:"tenant_uuid"`
	AuthID      string  `json:"auth_id"`
	PBXUserUUID *string `json:"pbx_user_uuid"`
	XivoUUID    string  `json:"xivo_uuid"`
	Purpose     string  `json:"purpose"`
}

// purposes are the words of the wire for what a user stands for.
var purposes = map[v1alpha1.Purpose]string{
	v1alpha1.PurposeUser:        "user",
	v1alpha1.PurposeInternal:    "internal",
	v1alpha1.PurposeExternalAPI: "external_api",
}

// describe tells about a token. tenant is the uid of its tenant, which is also what this
// installation calls itself by (xivo_uuid): to a wazo client a tenant is an installation.
func (a *API) describe(token sensitive.String, access *tokens.Access, purpose v1alpha1.Purpose, tenant string) tokenData {
	about := metadataOf(access.Subject, purpose, tenant)
	return tokenData{
		Token:        token.Reveal(),
		AuthID:       access.Subject,
		XivoUserUUID: about.PBXUserUUID,
		XivoUUID:     tenant,
		IssuedAt:     naive(access.IssuedAt, a.options.Location),
		ExpiresAt:    naive(access.ExpiresAt, a.options.Location),
		UTCIssuedAt:  naive(access.IssuedAt, time.UTC),
		UTCExpiresAt: naive(access.ExpiresAt, time.UTC),
		ACL:          append([]string{}, access.ACL...), // never null
		Metadata:     about,
		SessionUUID:  access.ID,
		RemoteAddr:   access.RemoteAddress,
		UserAgent:    access.UserAgent,
	}
}

// metadataOf tells about a user: only one that is a person has a telephone.
func metadataOf(subject string, purpose v1alpha1.Purpose, tenant string) metadata {
	about := metadata{UUID: subject, TenantUUID: tenant, AuthID: subject, XivoUUID: tenant, Purpose: purposes[purpose]}
	if purpose == v1alpha1.PurposeUser {
		about.PBXUserUUID = &subject
	}
	return about
}

// naive writes a time as Python does without a zone: six digits of fraction and nothing after.
func naive(t time.Time, in *time.Location) string {
	return t.In(in).Format("2006-01-02T15:04:05.000000")
}

// contentType is shared by all answers. Nobody writes into it.
var contentType = []string{"application/json"}

// send writes a JSON body.
func send(w http.ResponseWriter, status int, body any) {
	buffer := endpoint.NewBuffer()
	defer buffer.Release()
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		panic(err) // of strings, numbers and booleans only
	}
	header := w.Header()
	header["Content-Type"] = contentType
	header.Set("Content-Length", strconv.Itoa(len(buffer.B)))
	w.WriteHeader(status)
	// A client that is gone is no matter of ours.
	_, _ = w.Write(buffer.B)
}
