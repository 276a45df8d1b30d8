{{/* What the Deployment, the sidecar and the test have in common. */}}

{{- define "llamacloud-batch-exporter.image" -}}
{{- $registry := coalesce ((.Values.global).imageRegistry) .Values.image.registry -}}
{{- $name := .Values.image.repository -}}
{{- if $registry }}{{ $name = printf "%s/%s" $registry $name }}{{ end -}}
{{- if .Values.image.digest -}}
{{ $name }}@{{ .Values.image.digest }}
{{- else -}}
{{ $name }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "llamacloud-batch-exporter.pullSecrets" -}}
{{- with concat ((.Values.global).imagePullSecrets | default list) .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* OpenShift assigns the ids, and refuses Pods that ask for others. */}}
{{- define "llamacloud-batch-exporter.securityContext" -}}
{{- $context := .context -}}
{{- if .root.Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- range $field := list "runAsUser" "runAsGroup" "fsGroup" -}}
{{- if eq (int (index $context $field)) 65532 }}{{ $context = omit $context $field }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* Which nodes may run it: the Deployment, and the test with the same image. */}}
{{- define "llamacloud-batch-exporter.placement" -}}
{{- $placement := dict -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" -}}
{{- with index $.Values $field }}{{ $placement = set $placement $field . }}{{ end -}}
{{- end -}}
{{- with $placement }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* `root`, `path` and `timing`. A kubelet verifies no certificate, and has none of its own to show. */}}
{{- define "llamacloud-batch-exporter.probe" -}}
{{- if .root.Values.web.clientCertificates -}}
tcpSocket:
  port: llamacloud
{{- else -}}
httpGet:
  path: {{ .path }}
  port: llamacloud
  {{- if .root.Values.web.tls }}
  scheme: HTTPS
  {{- end }}
{{- end }}
{{ toYaml .timing }}
{{- end -}}

{{/* `root`, `settings` (arguments that name the settings file) and `env` (a list of variables). */}}
{{- define "llamacloud-batch-exporter.container" -}}
{{- $values := .root.Values -}}
name: llamacloud-batch-exporter
image: {{ include "llamacloud-batch-exporter.image" .root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args:
  {{- with .settings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  - --web.listen-address=:{{ $values.web.port }}
  - --web.telemetry-path={{ $values.web.telemetryPath }}
  {{- if $values.web.existingConfigSecret }}
  - --web.config.file=/etc/llamacloud-batch-exporter/web/web-config.yml
  {{- end }}
  {{- if $values.state.enabled }}
  - --state.file={{ $values.state.path | trimSuffix "/" }}/exporter.state
  {{- end }}
  {{- with $values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $env := .env }}
{{- if and $values.apiKeys.existingSecret $values.apiKeys.defaultKey }}
{{- $file := printf "/etc/llamacloud-batch-exporter/keys/%s" $values.apiKeys.defaultKey }}
{{- $env = append $env (dict "name" "LLAMA_CLOUD_API_KEY_FILE" "value" $file) }}
{{- end }}
{{- with concat $env $values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  # Monitors select by this name, so that no neighbour may have it too.
  - name: llamacloud
    containerPort: {{ $values.web.port }}
    protocol: TCP
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- $mounts := list }}
{{- if .settings }}
{{- $mounts = append $mounts (dict "name" "llamacloud-settings" "mountPath" "/etc/llamacloud-batch-exporter/config" "readOnly" true) }}
{{- end }}
{{- if $values.apiKeys.existingSecret }}
{{- /* The whole directory: a mount with subPath would never show a new key. */}}
{{- $mounts = append $mounts (dict "name" "llamacloud-keys" "mountPath" "/etc/llamacloud-batch-exporter/keys" "readOnly" true) }}
{{- end }}
{{- if $values.web.existingConfigSecret }}
{{- $mounts = append $mounts (dict "name" "llamacloud-web" "mountPath" "/etc/llamacloud-batch-exporter/web" "readOnly" true) }}
{{- end }}
{{- if $values.state.enabled }}
{{- $mounts = append $mounts (dict "name" "llamacloud-state" "mountPath" $values.state.path) }}
{{- end }}
{{- with concat $mounts $values.extraVolumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
