{{- /*
bundle.site: the value of a site variable as a text; empty if there is none. Takes the root and the name.
Numbers of values.yaml are floats for Helm, which would print a million as 1e+06.
*/ -}}
{{- define "bundle.site" -}}
{{- $value := index (index . 0).Values.site (index . 1) -}}
{{- if kindIs "invalid" $value -}}
{{- else if or (kindIs "float64" $value) (kindIs "int64" $value) (kindIs "int" $value) -}}
{{- int64 $value -}}
{{- else -}}
{{- $value -}}
{{- end -}}
{{- end -}}

{{- /*
bundle.image: the name of an image. Takes the root, its name in the bundle, and that in a registry of the site.
*/ -}}
{{- define "bundle.image" -}}
{{- with (index . 0).Values.image.registry -}}
{{- printf "%s/%s" (trimSuffix "/" .) (index $ 2) -}}
{{- else -}}
{{- index $ 1 -}}
{{- end -}}
{{- end -}}

{{- /*
bundle.env: the environment of a service as it stands in the values. Kubernetes would replace $(NAME) and $$ in it,
so the dollars of a value that has one of them are doubled.
*/ -}}
{{- define "bundle.env" -}}
{{- range $name, $value := . }}
- name: {{ $name | toJson }}
  value: {{ ternary ($value | replace "$" "$$") $value (or (contains "$(" $value) (contains "$$" $value)) | toJson }}
{{- end }}
{{- end -}}

{{- /*
bundle.secret: the value of a secret. Takes the root and the name. The values are decided once for all templates.
*/ -}}
{{- define "bundle.secret" -}}
{{- $root := index . 0 -}}
{{- include "bundle.all" $root -}}
{{- index $root.Values.decided (index . 1) -}}
{{- end -}}

{{- /*
bundle.all: decides the values of all secrets if that is not done yet. Takes the root.
*/ -}}
{{- define "bundle.all" -}}
{{- if not (hasKey .Values "decided") -}}
{{- include "bundle.decide" . -}}
{{- end -}}
{{- end -}}

{{- /*
bundle.decide: decides the values of all secrets: that of existingSecret, else the one that is kept since the first
installation, else a new one. Sets `decided`, and `made`: those that are not of existingSecret.
*/ -}}
{{- define "bundle.decide" -}}
{{- $given := dict -}}
{{- with .Values.secrets.existingSecret -}}
{{- $found := lookup "v1" "Secret" $.Release.Namespace . -}}
{{- if not $found -}}
{{- fail (printf "secrets.existingSecret: the namespace %s has no Secret %s; make it first. Without a cluster (helm template) it cannot be read" $.Release.Namespace .) -}}
{{- end -}}
{{- $given = $found.data | default dict -}}
{{- end -}}
{{- $kept := (lookup "v1" "Secret" .Release.Namespace "site-secrets").data | default dict -}}
{{- $_ := set .Values "decided" dict -}}
{{- $_ := set .Values "made" dict -}}
{{- range $name, $how := fromYaml (include "bundle.declared" .) -}}
{{- $value := "" -}}
{{- if hasKey $given $name -}}
{{- $value = index $given $name | b64dec -}}
{{- if or (contains "\n" $value) (not (regexMatch $how.pattern $value)) -}}
{{- fail (printf "secrets.existingSecret: the value of %s has a line break, or does not match %s" $name $how.pattern) -}}
{{- end -}}
{{- else -}}
{{- if hasKey $kept $name -}}
{{- $value = index $kept $name | b64dec -}}
{{- else if eq $how.kind "random" -}}
{{- $value = randAlphaNum (int $how.amount) -}}
{{- else if eq $how.kind "hex" -}}
{{- $value = randBytes (int $how.amount) | b64dec | printf "%x" -}}
{{- else if eq $how.kind "base64url" -}}
{{- $value = randBytes (int $how.amount) | replace "+" "-" | replace "/" "_" | trimAll "=" -}}
{{- else if eq $how.kind "uuid" -}}
{{- $value = uuidv4 -}}
{{- end -}}
{{- if $value -}}
{{- $_ := set $.Values.made $name $value -}}
{{- end -}}
{{- end -}}
{{- $_ := set $.Values.decided $name $value -}}
{{- end -}}
{{- end -}}
