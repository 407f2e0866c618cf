{{- define "grantkeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* 50 characters leave room for the suffix of the metrics Service, whose name may have 63. */}}
{{- define "grantkeeper.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "grantkeeper.serviceAccountName" -}}
{{- default (ternary (include "grantkeeper.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{/* What the API server calls the operator. */}}
{{- define "grantkeeper.username" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "grantkeeper.serviceAccountName" .) }}
{{- end }}

{{- define "grantkeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ include "grantkeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "grantkeeper.labels" -}}
{{ include "grantkeeper.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: grantkeeper
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "grantkeeper.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "grantkeeper.baseURL" -}}
{{- if .Values.baseURL }}
{{- .Values.baseURL }}
{{- else }}
{{- $port := int .Values.service.port }}
{{- printf "https://%s.%s.svc%s" (include "grantkeeper.fullname" .) .Release.Namespace (ternary "" (printf ":%d" $port) (eq $port 443)) }}
{{- end }}
{{- end }}

{{/* What the Service is called inside the cluster, and whatever else the values name. */}}
{{- define "grantkeeper.servingNames" -}}
{{- $name := include "grantkeeper.fullname" . }}
{{- $namespace := .Release.Namespace }}
{{- $names := list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.cluster.local" $name $namespace) }}
{{- concat $names .Values.tls.extraNames | uniq | join "," }}
{{- end }}

{{/* Fails where the operator would: an error here is seen before anything is changed. */}}
{{- define "grantkeeper.validate" -}}
{{- if and (not .Values.namespaces) (not .Values.clusterMode) }}
{{- fail "Which namespaces are to be served? Set namespaces to a list of them, or clusterMode to true for all." }}
{{- end }}
{{- if and .Values.namespaces .Values.clusterMode }}
{{- fail "namespaces and clusterMode exclude each other: leave namespaces empty to serve all, or set clusterMode to false." }}
{{- end }}
{{- if or (has .Release.Namespace .Values.namespaces) (eq .Release.Namespace .Values.defaultTenant) }}
{{- fail (printf "namespaces and defaultTenant cannot name the release's own namespace %q: it holds the keys of all tenants." .Release.Namespace) }}
{{- end }}
{{- with .Values.sessionStore }}
{{- if and (or .existingSecret .caSecret) (not .url) }}
{{- fail "sessionStore.existingSecret and sessionStore.caSecret are for a server: set sessionStore.url." }}
{{- end }}
{{- if and .caSecret (not (hasPrefix "rediss://" .url)) }}
{{- fail "sessionStore.caSecret is of no use without TLS: sessionStore.url has to be rediss://…" }}
{{- end }}
{{- if and (contains "@" .url) (not .existingSecret) }}
{{- fail "sessionStore.url names a user: set sessionStore.existingSecret to the Secret with the password." }}
{{- end }}
{{- end }}
{{- if and .Values.defaultTenant (not .Values.clusterMode) (not (has .Values.defaultTenant .Values.namespaces)) }}
{{- fail (printf "defaultTenant %q is not one of namespaces." .Values.defaultTenant) }}
{{- end }}
{{- end }}

{{/*
What the operator may do in a tenant's namespace; in cluster mode, in all. Read it beside
internal/app (what is watched), controllers and internal/store (what is written).
*/}}
{{- define "grantkeeper.tenantRules" -}}
{{- $group := "auth.grantkeeper.dev" -}}
# spec.subject of users and status; never anything that a person wrote.
- apiGroups: [{{ $group }}]
  resources: [authusers, authclients]
  verbs: [get, list, watch, patch]
{{- if .Values.userManagement.enabled }}
# The endpoint makes users, replaces and deletes them, for whoever has a token that allows it. It changes
# those alone that it has made.
- apiGroups: [{{ $group }}]
  resources: [authusers]
  verbs: [create, delete]
{{- end }}
# How the tenant is run. The operator changes none of it.
- apiGroups: [{{ $group }}]
  resources: [authtenants]
  verbs: [get, list, watch]
# The endpoint makes, moves and ends grants of its own.
- apiGroups: [{{ $group }}]
  resources: [refreshtokengrants]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [{{ $group }}]
  resources: [authusers/status, authclients/status, refreshtokengrants/status, authtenants/status]
  verbs: [patch]
- apiGroups: [{{ $group }}]
  resources: [authsessions, tokenrevocations]
  verbs: [get, list, watch, create, delete]
# RBAC cannot select by label. The operator lists and watches those with its label alone, and writes
# those alone that it can show to be its own. It deletes none: their owners do.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.rolloutRestarts.enabled }}
# Restarting a workload for a new token; rolloutpolicy.yaml lets nothing else be patched.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [get, patch]
{{- end }}
{{- end }}

{{/* Where the files for the session store are mounted. */}}
{{- define "grantkeeper.sessionStoreDir" -}}
/var/run/grantkeeper/session-store
{{- end }}

{{/* The port of the session store's server. */}}
{{- define "grantkeeper.sessionStorePort" -}}
{{- regexFind ":[0-9]+$" (urlParse .Values.sessionStore.url).host | trimPrefix ":" | default "6379" }}
{{- end }}

{{/* A binding's other half. */}}
{{- define "grantkeeper.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "grantkeeper.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "grantkeeper.probe" -}}
httpGet:
  path: {{ .path }}
  port: probes
{{- with .timing }}
{{ toYaml . }}
{{- end }}
{{- end }}
