{{/* Labels of every object: what the user adds, and who made it. */}}
{{- define "ascend-observability.labels" -}}
{{- with .Values.labels -}}
{{ toYaml . }}
{{ end -}}
app.kubernetes.io/name: ascend-observability
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: observability
{{- end }}
