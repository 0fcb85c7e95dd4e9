{{- /* Made by `npm run generate` from packages/cli/manifests; do not edit. */}}
{{- define "weft.attributes" -}}
{{- range $key, $value := . }}{{ $key }}={{ $value | toString | replace "\n" " " }}{{ "\n" }}{{ end -}}
{{- end -}}
