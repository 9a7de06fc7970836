{{/* Labels of every object: (dict "root" $ "component" "operator"); component may be left out. */}}
{{- define "plexus.labels" -}}
app.kubernetes.io/name: plexus
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What selectors match: never changes between versions. */}}
{{- define "plexus.selector" -}}
app.kubernetes.io/name: plexus
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "plexus.image" -}}
{{- $tag := printf ":%s" (.Values.image.tag | default .Chart.AppVersion) -}}
{{- $digest := empty .Values.image.digest | ternary "" (printf "@%s" .Values.image.digest) -}}
{{- printf "%s%s" .Values.image.repository ($digest | default $tag) -}}
{{- end }}

{{/* "true" when the shared CRD (dict "root" $ "name" …) belongs into this release. An upgrade finds our own copy: it must be rendered again. */}}
{{- define "plexus.crds.shared" -}}
{{- $mode := .root.Values.crds.sharedNetworkPlumbing -}}
{{- if eq $mode "always" -}}
true
{{- else if eq $mode "auto" -}}
{{- $found := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" .name -}}
{{- $marks := dig "metadata" "annotations" dict ($found | default dict) -}}
{{- $ours := and (eq (get $marks "meta.helm.sh/release-name") .root.Release.Name) (eq (get $marks "meta.helm.sh/release-namespace") .root.Release.Namespace) -}}
{{- if or (not $found) $ours -}}
true
{{- end -}}
{{- end -}}
{{- end }}

{{/* Contradictory values, refused with a sentence. */}}
{{- define "plexus.validate" -}}
{{- if and (eq (dig "onMissed" "Report" .Values.profile.spec) "Evict") (not .Values.agent.allowEviction) -}}
{{- fail "profile.spec.onMissed is Evict, but agents may not evict pods; set agent.allowEviction=true, too" -}}
{{- end -}}
{{- end }}
