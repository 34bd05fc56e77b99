{{/* Labels of every object. */}}
{{- define "ascend-tenant.labels" -}}
app.kubernetes.io/name: ascend-tenant
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: guard-rails
{{- end }}

{{/* Subjects of a role binding. */}}
{{- define "ascend-tenant.subjects" -}}
{{- range . }}
- kind: {{ .kind }}
  name: {{ .name | quote }}
  {{- if eq .kind "ServiceAccount" }}
  namespace: {{ .namespace | quote }}
  {{- else }}
  apiGroup: rbac.authorization.k8s.io
  {{- end }}
{{- end }}
{{- end }}
