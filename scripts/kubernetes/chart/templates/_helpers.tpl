{{/* The name of everything in this release. */}}
{{- define "acr.fullname" -}}
{{- if contains "docker-credential-acr" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-docker-credential-acr" (.Release.Name | trunc 18 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "acr.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "acr.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "image.repository is not set: copy the image of a release to a registry of your own, and name it here" $image.repository -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The clouds as this program knows them: their name, the end of their login servers, the end of their audience. */}}
{{- define "acr.clouds" -}}
- {name: public, registries: azurecr.io, audience: api://AzureADTokenExchange}
- {name: us-government, registries: azurecr.us, audience: api://AzureADTokenExchangeUSGov}
- {name: china, registries: azurecr.cn, audience: api://AzureADTokenExchangeChina}
- {name: germany, registries: azurecr.de, audience: ''}
- {name: bleu, registries: azurecr.sovcloud-azure.fr, audience: api://AzureADTokenExchangeFrance}
- {name: delos, registries: azurecr.sovcloud-azure.de, audience: api://AzureADTokenExchangeGermany}
- {name: usnat, registries: azurecr.eaglex.ic.gov, audience: api://AzureADTokenExchangeUSNat}
- {name: ussec, registries: azurecr.microsoft.scloud, audience: api://AzureADTokenExchangeUSSec}
{{- end -}}

{{/* The audience of the tokens of service accounts; empty when the mode needs none. */}}
{{- define "acr.audience" -}}
{{- $kubelet := .Values.kubelet -}}
{{- if eq $kubelet.mode "node" -}}
{{- range $name := list "audience" "requireServiceAccount" -}}
{{- if index $kubelet $name -}}
{{- fail (printf "kubelet.%s needs a mode with tokens of service accounts: set kubelet.mode" $name) -}}
{{- end -}}
{{- end -}}
{{- else if semverCompare "<1.34.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail (printf "kubelet.mode %s needs Kubernetes 1.34, and this is %s: older kubelets would not start with such a configuration" $kubelet.mode .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if eq $kubelet.mode "identity-binding" -}}
{{- $kubelet.audience | default "api://AKSIdentityBinding" -}}
{{- else if eq $kubelet.mode "service-account" -}}
{{- if $kubelet.audience -}}
{{- $kubelet.audience -}}
{{- else -}}
{{- $wanted := list -}}
{{- range fromYamlArray (include "acr.clouds" .) -}}
{{- $cloud := . -}}
{{- if has .name $kubelet.clouds -}}
{{- $wanted = append $wanted .audience -}}
{{- end -}}
{{- range $kubelet.registries -}}
{{- if hasSuffix (printf ".%s" $cloud.registries) (regexReplaceAll ":[0-9]+$" . "") -}}
{{- $wanted = append $wanted $cloud.audience -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $wanted = $wanted | uniq -}}
{{- if gt (len $wanted) 1 -}}
{{- fail "kubelet.clouds and kubelet.registries are of clouds whose tokens have different audiences: let \"docker-credential-acr kubelet config\" print the configuration, and set kubelet.config" -}}
{{- end -}}
{{- if and $wanted (not (first $wanted)) -}}
{{- fail "this cloud has no audience for tokens of service accounts: set kubelet.audience" -}}
{{- end -}}
{{- first $wanted | default "api://AzureADTokenExchange" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* All audiences for which nodes request tokens, as a list: those of the configuration that is given, or the mode's. */}}
{{- define "acr.audiences" -}}
{{- $audiences := list -}}
{{- if .Values.kubelet.config -}}
{{- range (include "acr.given" . | fromYaml).providers -}}
{{- with .tokenAttributes -}}
{{- $audiences = append $audiences .serviceAccountTokenAudience -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- with include "acr.audience" . -}}
{{- $audiences = append $audiences . -}}
{{- end -}}
{{- end -}}
{{- $audiences | uniq | toJson -}}
{{- end -}}

{{/* The configuration that is given, unchanged. */}}
{{- define "acr.given" -}}
{{- $config := fromYaml .Values.kubelet.config -}}
{{- if ne (toString $config.kind) "CredentialProviderConfig" -}}
{{- fail "kubelet.config is not a CredentialProviderConfig: docker-credential-acr kubelet config prints one" -}}
{{- end -}}
{{- .Values.kubelet.config -}}
{{- end -}}

{{/* Where the files that are copied to a node are there. */}}
{{- define "acr.azureJsonPath" -}}
{{- if .Values.kubelet.azureJsonSecret.name -}}
{{- printf "%s/docker-credential-acr.azure.json" (.Values.kubelet.binDir | trimSuffix "/") -}}
{{- else -}}
{{- .Values.kubelet.azureJson -}}
{{- end -}}
{{- end -}}
{{- define "acr.programConfigPath" -}}
{{- printf "%s/docker-credential-acr.config.json" (.Values.kubelet.binDir | trimSuffix "/") -}}
{{- end -}}

{{/* The CredentialProviderConfig, as "kubelet config" prints it. */}}
{{- define "acr.config" -}}
{{- $kubelet := .Values.kubelet -}}
{{- if $kubelet.config -}}
{{- include "acr.given" . -}}
{{- else -}}
{{- if not (hasPrefix "acr-credential-provider" $kubelet.name) -}}
{{- fail "kubelet.name must begin with acr-credential-provider" -}}
{{- end -}}
{{- $audience := include "acr.audience" . -}}
{{- $isAll := and (not $kubelet.clouds) (not $kubelet.registries) -}}
{{- $images := list -}}
{{- range fromYamlArray (include "acr.clouds" .) -}}
{{- if or (has .name $kubelet.clouds) (and $isAll (or (ne $kubelet.mode "service-account") (eq .name "public"))) -}}
{{- $images = concat $images (list (printf "*.%s" .registries) (printf "*.*.geo.%s" .registries)) -}}
{{- end -}}
{{- end -}}
{{- $images = concat $images $kubelet.registries -}}
{{- $args := list -}}
{{- with include "acr.azureJsonPath" . -}}
{{- $args = append $args . -}}
{{- end -}}
{{- if ne $kubelet.mode "identity-binding" -}}
{{- range $name, $value := $kubelet.identityBinding -}}
{{- if $value -}}
{{- fail (printf "kubelet.identityBinding.%s needs kubelet.mode identity-binding" $name) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- $binding := $kubelet.identityBinding -}}
{{- $_ := required "kubelet.identityBinding.sniName is not set: it stands in the kubelet's own configuration on an AKS node" $binding.sniName -}}
{{- $_ := required "kubelet.identityBinding.apiserverIp is not set: it stands in the kubelet's own configuration on an AKS node" $binding.apiserverIp -}}
{{- $args = concat $args (list (printf "--ib-sni-name=%s" $binding.sniName) (printf "--ib-apiserver-ip=%s" $binding.apiserverIp)) -}}
{{- with $binding.defaultClientId }}{{ $args = append $args (printf "--ib-default-client-id=%s" .) }}{{ end -}}
{{- with $binding.defaultTenantId }}{{ $args = append $args (printf "--ib-default-tenant-id=%s" .) }}{{ end -}}
{{- with $binding.caFile }}{{ $args = append $args (printf "--ib-ca-file=%s" .) }}{{ end -}}
{{- end -}}
{{- $env := $kubelet.env -}}
{{- if $kubelet.programConfig -}}
{{- $env = prepend $env (dict "name" "DOCKER_CREDENTIAL_ACR_CONFIG" "value" (include "acr.programConfigPath" .)) -}}
{{- end -}}
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: {{ $kubelet.name }}
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    matchImages:
      {{- range $images }}
      - {{ squote . }}
      {{- end }}
    # Only for a response that names no duration; this program always names one.
    defaultCacheDuration: 10m
    {{- with $args }}
    args:
      {{- range . }}
      - {{ squote . }}
      {{- end }}
    {{- end }}
    {{- with $env }}
    env:
      {{- range . }}
      - name: {{ squote .name }}
        value: {{ squote .value }}
      {{- end }}
    {{- end }}
    {{- if $audience }}
    tokenAttributes:
      serviceAccountTokenAudience: {{ $audience }}
      cacheType: ServiceAccount
      requireServiceAccount: {{ $kubelet.requireServiceAccount }}
      # These annotations of a service account name its identity.
      optionalServiceAccountAnnotationKeys:
        - docker-credential-acr/client-id
        - docker-credential-acr/tenant-id
        - kubernetes.azure.com/acr-client-id
        - kubernetes.azure.com/acr-tenant-id
    {{- end }}
{{- end -}}
{{- end -}}

{{/* What a container with this program may do: nothing but run. */}}
{{- define "acr.restrictions" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The audience of the token with which a CronJob signs in: that of the registry's cloud. */}}
{{- define "acr.jobAudience" -}}
{{- $host := regexReplaceAll ":[0-9]+$" .registry "" -}}
{{- $audience := "" -}}
{{- range fromYamlArray (include "acr.clouds" .) -}}
{{- if hasSuffix (printf ".%s" .registries) $host -}}
{{- $audience = .audience -}}
{{- end -}}
{{- end -}}
{{- .identity.audience | default $audience | default "api://AzureADTokenExchange" -}}
{{- end -}}

{{/* The name of a CronJob and its service account. */}}
{{- define "acr.jobName" -}}
{{- $name := .item.jobName | default (printf "%s-%s" (include "acr.fullname" .root) .item.name) -}}
{{- if gt (len $name) 52 -}}
{{- fail (printf "the name %s is longer than the 52 characters that a CronJob may have: set jobName" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}
