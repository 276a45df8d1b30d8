{{/* `root` and `monitor`; `relabelings` come before those of the values. */}}
{{- define "llamacloud-batch-exporter.endpoint" -}}
{{- $endpoint := dict "port" "llamacloud" "path" .root.Values.web.telemetryPath -}}
{{- if .root.Values.web.tls }}{{ $endpoint = set $endpoint "scheme" "https" }}{{ end -}}
{{- range $field := list "interval" "scrapeTimeout" "metricRelabelings" -}}
{{- with index $.monitor $field }}{{ $endpoint = set $endpoint $field . }}{{ end -}}
{{- end -}}
{{- with concat .relabelings .monitor.relabelings }}{{ $endpoint = set $endpoint "relabelings" . }}{{ end -}}
{{- toYaml (list (mergeOverwrite $endpoint .monitor.endpoint)) -}}
{{- end -}}
