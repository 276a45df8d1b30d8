{{/* Names and labels. Their prefix is the chart's name, because the templates of all charts share one namespace. */}}

{{- define "llamacloud-batch-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "llamacloud-batch-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "llamacloud-batch-exporter.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "llamacloud-batch-exporter.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "llamacloud-batch-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "llamacloud-batch-exporter.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "llamacloud-batch-exporter.claimName" -}}
{{- .Values.state.persistence.existingClaim | default (printf "%s-state" (include "llamacloud-batch-exporter.fullname" . | trunc 57 | trimSuffix "-")) -}}
{{- end -}}

{{/* Selectors cannot change: no further label may be added here. */}}
{{- define "llamacloud-batch-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "llamacloud-batch-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "llamacloud-batch-exporter.labels" -}}
{{- $labels := dict "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $labels = set $labels "helm.sh/chart" $chart -}}
{{- mergeOverwrite (dict) .Values.commonLabels $labels (include "llamacloud-batch-exporter.selectorLabels" . | fromYaml) | toYaml -}}
{{- end -}}

{{- define "llamacloud-batch-exporter.test.labels" -}}
app.kubernetes.io/name: {{ include "llamacloud-batch-exporter.name" . | trunc 58 }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The metadata of an object with labels and annotations of its own (`own`), in a namespace that may be set. */}}
{{- define "llamacloud-batch-exporter.metadata" -}}
name: {{ include "llamacloud-batch-exporter.fullname" .root }}{{ .suffix }}
namespace: {{ .own.namespace | default .root.Release.Namespace }}
labels:
  {{- mergeOverwrite (include "llamacloud-batch-exporter.labels" .root | fromYaml) (.own.labels | default dict) | toYaml | nindent 2 }}
{{- with .own.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
