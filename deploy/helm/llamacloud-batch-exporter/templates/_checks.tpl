{{/* Mistakes in the values that would show late, or never, in the cluster. */}}
{{- define "llamacloud-batch-exporter.checks" -}}
{{- $keys := "/etc/llamacloud-batch-exporter/keys/" -}}
{{- range $i, $project := .Values.config.projects -}}
{{- if hasKey $project "api_key" -}}
{{- fail (printf "config.projects[%d] holds an API key, which everybody who reads ConfigMaps or Helm releases could see. Put it into a Secret, name that in apiKeys.existingSecret, and set api_key_file: %sENTRY" $i $keys) -}}
{{- end -}}
{{- if and (hasPrefix $keys ($project.api_key_file | default "")) (not $.Values.apiKeys.existingSecret) -}}
{{- fail (printf "config.projects[%d].api_key_file is an entry of a Secret: name that Secret in apiKeys.existingSecret." $i) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.workload.enabled .Values.state.enabled .Values.state.persistence.enabled (ne (.Values.strategy.type | default "") "Recreate") -}}
{{- fail "state.persistence needs strategy.type Recreate: with any other, the new exporter starts while the old one still holds the state file, and runs without it." -}}
{{- end -}}
{{- if and .Values.web.tls .Values.workload.enabled (not .Values.web.existingConfigSecret) -}}
{{- fail "web.tls needs a web configuration file with a certificate: put it into a Secret, and name that in web.existingConfigSecret." -}}
{{- end -}}
{{- if and .Values.web.clientCertificates (not .Values.web.tls) -}}
{{- fail "web.clientCertificates needs web.tls." -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- $isKey := has .name (list "LLAMA_CLOUD_API_KEY" "LLAMA_PARSE_API_KEY") -}}
{{- if and .value (or $isKey (contains "api_key\"" .value)) -}}
{{- fail (printf "extraEnv: %s holds an API key, which everybody who reads Deployments or Helm releases could see. Put it into a Secret, and use apiKeys, or valueFrom.secretKeyRef." .name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.apiKeys.defaultKey (not .Values.apiKeys.existingSecret) -}}
{{- fail "apiKeys.defaultKey is an entry of a Secret: name that Secret in apiKeys.existingSecret." -}}
{{- end -}}
{{- end -}}
