/** What `--help` says. */

import type { Runtime } from './system/runtime.ts';
import { VERSION } from './version.ts';

export function formatHelp({ programName }: Runtime): string {
  return `docker-credential-acr ${VERSION}: signs docker, podman, helm and others in to Azure Container Registry.

Usage: ${programName} <get|store|erase|list|version>

Clients call it; you name it once per registry in ~/.docker/config.json:
  { "credHelpers": { "myregistry.azurecr.io": "acr" } }

Verbs, as of the Docker credential-helper protocol:
  get      reads a registry from stdin, writes {"ServerURL","Username","Secret"}
  store    keeps what was typed at a login in the system's keychain, an ACR token until it ends
  erase    forgets everything of the registry on stdin
  list     the registries that Docker's configuration sends here, and those that are stored
  version  the name and version

Identities, in the order of trying:
  AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID   a service principal
  az login, azd auth login, Connect-AzAccount             the account of that tool

Environment:
  DOCKER_CREDENTIAL_ACR_CONFIG     the configuration file
  DOCKER_CREDENTIAL_ACR_CACHE_DIR  the folder of the token cache
  DOCKER_CREDENTIAL_ACR_DATA_DIR   the folder of what was typed, where no keychain works
  DOCKER_CREDENTIAL_ACR_LOG        a file, or stderr: log each step, never a secret
  DOCKER_CREDENTIAL_ACR_AUDIENCE, DOCKER_CREDENTIAL_ACR_REGISTRY
                                   what the "command" of an identity is told
  AZURE_TOKEN_CREDENTIALS          which identities may be tried: dev, prod or one by name
  AZURE_AUTHORITY_HOST, AZURE_CONFIG_DIR, HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS,
  SSL_CERT_FILE, SSL_CERT_DIR      as elsewhere

Try it:
  echo myregistry.azurecr.io | ${programName} get
`;
}
