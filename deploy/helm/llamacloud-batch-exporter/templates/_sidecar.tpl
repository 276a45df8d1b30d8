{{/*
For charts that depend on this one and run the exporter beside their own containers:

  initContainers:
    {{- include "llamacloud-batch-exporter.sidecar" (index .Subcharts "llamacloud-batch-exporter") | nindent 4 }}
  volumes:
    {{- include "llamacloud-batch-exporter.sidecarVolumes" (index .Subcharts "llamacloud-batch-exporter") | nindent 4 }}

It has no readiness probe, which would take the workload out of its Service, and no startup probe, which
would keep the workload from starting. Its settings are variables, because a missing ConfigMap would keep
the Pod from starting, and because a change of them then restarts the Pod.
*/}}
{{- define "llamacloud-batch-exporter.sidecar" -}}
{{- include "llamacloud-batch-exporter.checks" . -}}
{{- if .Values.workload.enabled -}}
{{- fail "A sidecar beside the exporter's own Deployment would spend the request budget twice: set workload.enabled to false." -}}
{{- end -}}
{{- if semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail "Kubernetes before 1.29 has no native sidecars: it would wait for the exporter to end, and your containers would never start. Run the exporter as a Deployment of its own." -}}
{{- end -}}
{{- if .Values.existingConfigMap -}}
{{- fail "A sidecar takes its settings from config: existingConfigMap would keep your containers from starting while that ConfigMap is missing." -}}
{{- end -}}
{{- if .Values.state.persistence.existingClaim -}}
{{- fail "A sidecar keeps its state in an emptyDir: with state.persistence.existingClaim, all Pods of your workload would share one state file." -}}
{{- end -}}
{{- if .Values.extraEnvFrom -}}
{{- fail "A sidecar takes its variables from config and extraEnv: with extraEnvFrom, one that belongs to your containers could keep the exporter from starting, and the Pod from being ready." -}}
{{- end -}}
{{- $config := mergeOverwrite (deepCopy .Values.config) (dict "api" (dict "wait_for_key" true)) -}}
{{- $env := list -}}
{{- range $group, $settings := $config -}}
{{- $prefix := printf "LLAMACLOUD_EXPORTER_%s" (upper $group) -}}
{{- if eq $group "projects" -}}
{{- $env = append $env (dict "name" $prefix "value" (toJson $settings)) -}}
{{- else -}}
{{- range $name, $value := $settings -}}
{{- if kindIs "slice" $value }}{{ $value = join "," $value }}{{ else if not (kindIs "string" $value) }}{{ $value = toJson $value }}{{ end -}}
{{- $env = append $env (dict "name" (printf "%s__%s" $prefix (upper $name)) "value" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $context := merge (dict) .Values.securityContext (pick .Values.podSecurityContext "runAsNonRoot" "runAsUser" "runAsGroup" "seccompProfile" "seLinuxOptions" "appArmorProfile" "windowsOptions") -}}
- restartPolicy: Always
  {{- include "llamacloud-batch-exporter.container" (dict "root" . "settings" (list) "env" $env) | nindent 2 }}
  livenessProbe:
    {{- include "llamacloud-batch-exporter.probe" (dict "root" . "path" "/-/healthy" "timing" .Values.livenessProbe) | nindent 4 }}
  securityContext:
    {{- include "llamacloud-batch-exporter.securityContext" (dict "root" . "context" $context) | nindent 4 }}
{{- end -}}

{{- define "llamacloud-batch-exporter.sidecarVolumes" -}}
{{- if .Values.apiKeys.existingSecret -}}
- name: llamacloud-keys
  secret:
    secretName: {{ .Values.apiKeys.existingSecret }}
    # Readable for every user in the containers that mount it: the Pod has no fsGroup of the exporter.
    defaultMode: 0444
    # A Secret that is missing must not keep the workload from starting.
    optional: true
{{ end -}}
{{- if .Values.web.existingConfigSecret -}}
- name: llamacloud-web
  secret:
    secretName: {{ .Values.web.existingConfigSecret }}
    # As of the keys. Without the file the exporter fails, beside a workload that runs.
    defaultMode: 0444
    optional: true
{{ end -}}
{{- if .Values.state.enabled -}}
- name: llamacloud-state
  # Survives a restart of the container, and ends with the Pod.
  emptyDir: {}
{{ end -}}
{{- with .Values.extraVolumes -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}
